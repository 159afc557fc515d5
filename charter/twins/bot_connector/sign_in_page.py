"""Where a sign-in card's button leads: to Entra and back, to six digits that prove who came back."""

from html import escape

from aiohttp import web
from yarl import URL

from charter.twins.bot_connector import granting
from charter.twins.bot_connector.state import CHANNEL, Channel
from charter.twins.entra.sign_ins import challenge_of

_BACK = "/.auth/web/redirect"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[web.RouteDef]:
    return [web.get("/api/oauth/signin", _begin), web.get(_BACK, _back)]


async def _begin(request: web.Request) -> web.Response:
    """Lead to Entra, which must know where to lead back to."""
    channel = request.app[CHANNEL]
    link = channel.tokens.links.get(request.query.get("signin", ""))
    if link is None:
        return _page("This sign-in is not known", "<p>Ask the bot for a new one.</p>", 404)
    back = f"{channel.base_url}{_BACK}"
    async with channel.http.post(f"{channel.entra}/_twin/redirects", json={"uri": back}) as registered:
        registered.raise_for_status()
    asked = {
        "client_id": channel.bot.id,
        "response_type": "code",
        "redirect_uri": back,
        "scope": f"openid profile {granting.scope_of(channel)}",
        "state": link.id,
        "code_challenge": challenge_of(link.verifier),
        "code_challenge_method": "S256",
        "prompt": "select_account",
    }
    place = URL(f"{channel.entra}/organizations/oauth2/v2.0/authorize").with_query(asked)
    return web.Response(status=302, headers={"Location": str(place), **_HEADERS})


async def _back(request: web.Request) -> web.Response:
    """Redeem what Entra says, and show the digits; whoever came this way has given consent."""
    channel, query = request.app[CHANNEL], request.query
    link = channel.tokens.links.pop(query.get("state", ""), None)
    if link is None or "code" not in query:
        return _page(
            "You are not signed in", f"<p>{escape(query.get('error_description', 'Ask the bot again.'))}</p>", 400
        )
    found = await granting.redeemed(channel, query["code"], f"{channel.base_url}{_BACK}", link.verifier)
    if found is None:
        return _page("You are not signed in", "<p>Entra did not confirm it. Ask the bot again.</p>", 400)
    oid, kept = found
    _consented(channel, oid)
    code = channel.tokens.shown(link, kept)
    return _page("You are signed in", f'<p>Tell the bot this code: <output id="code">{code}</output></p>')


def _consented(channel: Channel, oid: str) -> None:
    channel.consent.refused.discard(oid)
    channel.consent.unasked.discard(oid)


def _page(title: str, body: str, status: int = 200) -> web.Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · Bot Connector twin · Charter</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
