"""The twin as an aiohttp application."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from charter.twins.bot_connector import connector, levers, raw, sign_in_page, token_service
from charter.twins.bot_connector.chats import Chats
from charter.twins.bot_connector.keys import Keys
from charter.twins.bot_connector.messages import Messages
from charter.twins.bot_connector.people import People
from charter.twins.bot_connector.refusals import Refused, Wrong
from charter.twins.bot_connector.registration import AUDIENCE, Bot
from charter.twins.bot_connector.state import CHANNEL, Channel
from charter.twins.bot_connector.tokens import Tokens
from charter.twins.caller import verifier

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_BYTES = 4 * 1_024 * 1_024


def app(folder: Path, *, base_url: str, entra: str, bot: Bot, issuer: str = AUDIENCE) -> web.Application:
    """Return the twin. Its keys, conversations and messages lie in ``folder``; all else lives as long as the process.

    ``entra`` is the base address of the Entra twin, whose people use Teams here; ``issuer`` is what the channel's tokens
    name as theirs.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    channel = Channel(
        base_url=base_url.rstrip("/"),
        entra=entra.rstrip("/"),
        issuer=issuer,
        bot=bot,
        keys=Keys(folder),
        chats=Chats(folder),
        messages=Messages(folder),
        people=People(entra.rstrip("/"), bot.id),
        tokens=Tokens(),
        verify=verifier(entra.rstrip("/"), AUDIENCE, scope=None),
    )
    application = web.Application(middlewares=[_loopback_names_only, _told], client_max_size=_MOST_BYTES)
    application[CHANNEL] = channel
    application.add_routes([*_metadata_routes(), *connector.routes(), *token_service.routes(), *sign_in_page.routes()])
    application.add_routes([*levers.routes(), *raw.routes()])
    application.cleanup_ctx.append(_connected)
    return application


def _metadata_routes() -> list[web.RouteDef]:
    return [web.get("/v1/.well-known/openidconfiguration", _metadata), web.get("/v1/.well-known/keys", _keys)]


async def _metadata(request: web.Request) -> web.Response:
    """OpenID Connect Discovery 1.0, as the Bot Framework has it."""
    channel = request.app[CHANNEL]
    channel.record("asked", operation="metadata", status=200, caller=None)
    if fault := await channel.faults.take("metadata", ""):
        return fault.response()
    return web.json_response(
        {
            "issuer": channel.issuer,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": f"{channel.base_url}/v1/.well-known/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }
    )


async def _keys(request: web.Request) -> web.Response:
    channel = request.app[CHANNEL]
    channel.record("asked", operation="keys", status=200, caller=None)
    if fault := await channel.faults.take("keys", ""):
        return fault.response()
    return web.json_response(channel.keys.published())


async def _connected(application: web.Application) -> AsyncIterator[None]:
    channel = application[CHANNEL]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as channel.http:
        yield
        for task in [*channel.tasks]:
            task.cancel()
    channel.chats.close()
    channel.messages.close()


@web.middleware
async def _loopback_names_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    # A web page elsewhere may point its own name at loopback; whoever pulls a lever here speaks as anybody.
    if request.url.host not in _LOOPBACK:
        raise web.HTTPMisdirectedRequest(text="The twin answers as localhost only.")
    return await handler(request)


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer refusals in the connector's form, and wrong levers in a sentence."""
    try:
        return await handler(request)
    except Refused as refusal:
        return refusal.response()
    except Wrong as wrong:
        return web.json_response({"error": wrong.sentence}, status=wrong.status)
