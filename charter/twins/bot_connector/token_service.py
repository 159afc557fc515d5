"""The Bot Framework's token service: people's tokens by account and connection, and where they sign in."""

import base64
import json
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from aiohttp import web
from yarl import URL

from charter.twins.bot_connector import granting
from charter.twins.bot_connector.entering import Asked, Json, door
from charter.twins.bot_connector.reading import object_of
from charter.twins.bot_connector.refusals import Refused, Wrong, bad
from charter.twins.bot_connector.registration import CHANNEL as NAME
from charter.twins.bot_connector.state import Channel
from charter.twins.bot_connector.tokens import Kept


def routes() -> list[web.RouteDef]:
    return [
        web.get("/api/usertoken/GetToken", door("token", _get)),
        web.get("/api/usertoken/GetTokenStatus", door("token_status", _status)),
        web.delete("/api/usertoken/SignOut", door("sign_out", _sign_out)),
        web.post("/api/usertoken/exchange", door("exchange", _exchange)),
        web.get("/api/botsignin/GetSignInResource", door("sign_in_resource", _resource)),
        web.get("/api/botsignin/GetSignInUrl", door("sign_in_resource", _url)),
    ]


async def _get(asked: Asked) -> web.Response:
    """Return the person's token, renewed where it is old; with a code, the one that was just signed in for."""
    channel = asked.channel
    account, connection = _whose(asked)
    code = asked.query.get("code", "")
    if code and not channel.tokens.redeem(code, account, connection):
        raise _none()
    kept = channel.tokens.kept.get((account, connection))
    if kept is not None and kept.stale:
        kept = await granting.renewed(channel, kept)
        if kept is not None:
            channel.tokens.kept[account, connection] = kept
    if kept is None and not code:
        kept = await _playing(channel, account, connection)
    if kept is None:
        channel.tokens.kept.pop((account, connection), None)
        raise _none()
    return web.json_response(_told(connection, kept))


async def _playing(channel: Channel, account: str, connection: str) -> Kept | None:
    """Sign in who comes from the Agents Playground, once.

    It is a channel of its own, which has no sign-in, and names people as its configuration does: ``29:alice`` of ours is
    alice. Whom this channel made an account for is not meant: they sign in.
    """
    oid = account.removeprefix("29:")
    if account in channel.tokens.played or not account.startswith("29:"):
        return None
    try:
        person = await channel.people.named(channel.http, oid)
    except Wrong:
        return None
    channel.tokens.played.add(account)
    own = await granting.own_token(channel, person, channel.bot.resource)
    if own is None:
        return None
    kept = channel.tokens.kept[account, connection] = await granting.exchanged(channel, own)
    return kept


async def _status(asked: Asked) -> web.Response:
    channel, account = asked.channel, asked.query.get("userId", "")
    if not account:
        raise bad("The userId is missing.")
    wanted = {name for name in asked.query.get("include", channel.bot.connection).split(",") if name}
    told = {
        "channelId": NAME,
        "connectionName": channel.bot.connection,
        "hasToken": (account, channel.bot.connection) in channel.tokens.kept,
        "serviceProviderDisplayName": "Azure Active Directory v2",
    }
    return web.json_response([told] if channel.bot.connection in wanted else [])


async def _sign_out(asked: Asked) -> web.Response:
    account, connection = _whose(asked)
    asked.channel.tokens.kept.pop((account, connection), None)
    return web.json_response(None)


async def _exchange(asked: Asked) -> web.Response:
    """Exchange what a person's client brought for the bot's token in their name.

    That the two are one person is left to the bot, as in the real service.
    """
    channel = asked.channel
    account, connection = _whose(asked)
    token, uri = asked.body.get("token"), asked.body.get("uri")
    if not isinstance(token, str) or not token:
        raise bad(
            "Neither the token nor a uri to exchange is given." if not uri else "A uri alone cannot be exchanged."
        )
    kept = await granting.exchanged(channel, token)
    channel.tokens.kept[account, connection] = kept
    return web.json_response(_told(connection, kept))


async def _resource(asked: Asked) -> web.Response:
    channel = asked.channel
    return web.json_response(
        {
            "signInLink": _link(asked),
            "tokenExchangeResource": {"id": str(uuid4()), "uri": channel.bot.resource, "providerId": "aadv2"},
            "tokenPostResource": {"sasUrl": f"{channel.base_url}/api/sas/postToken?sig={uuid4().hex}"},
        }
    )


async def _url(asked: Asked) -> web.Response:
    return web.Response(text=_link(asked))


def _link(asked: Asked) -> str:
    """Return the address of a new sign-in for whoever the state names.

    Raises:
        Refused: it is none of this bot's, or names nobody or another connection.
    """
    channel, state = asked.channel, _state(asked.query.get("state", ""))
    user = object_of(object_of(state, "conversation"), "user")
    if state.get("msappid") != channel.bot.id:
        raise bad("The state is of another application.")
    _known(channel, str(state.get("connectionname")))
    if not user.get("id"):
        raise bad("The state names no user.")
    link = channel.tokens.link(str(user["id"]), channel.bot.connection)
    return str(URL(f"{channel.base_url}/api/oauth/signin").with_query({"signin": link.id}))


def _state(text: str) -> Json:
    """Read a state, whose names clients write in either case."""
    try:
        value: Any = json.loads(base64.b64decode(text, validate=True))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise bad("The state is not base64 of JSON.")
    return cast("Json", _lowered(value))


def _lowered(value: Any) -> Any:
    if isinstance(value, list):
        return [_lowered(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {name.lower(): _lowered(each) for name, each in cast("Json", value).items()}


def _whose(asked: Asked) -> tuple[str, str]:
    query = asked.query
    account, connection = query.get("userId", ""), query.get("connectionName", "")
    if not account or not connection:
        raise bad("userId and connectionName must be given.")
    if query.get("channelId", NAME) != NAME:
        raise bad("The bot is not on this channel.")
    _known(asked.channel, connection)
    return account, connection


def _known(channel: Channel, connection: str) -> None:
    if connection != channel.bot.connection:
        raise bad(f"The bot has no connection setting of the name {connection[:60]}.")


def _told(connection: str, kept: Kept) -> Json:
    expires = datetime.fromtimestamp(kept.expires, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"channelId": NAME, "connectionName": connection, "token": kept.token, "expiration": expires}


def _none() -> Refused:
    return Refused(404, "NotFound", "The token was not found.")
