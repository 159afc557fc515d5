"""A door is public, or has its own sign-in, by what it is: not by how its path begins."""

import pytest
from aiohttp import ClientSession, DummyCookieJar, web

from charter.channels import application
from charter.identity.authentication import Authenticator
from charter.identity.issuers import Fixed, Issuers
from charter.identity.tokens import TokenVerifier
from charter.settings import Http, Identity, Telemetry
from charter.telemetry.tracing import Tracing
from tests.doors.wire import send
from tests.doors.world import World

_BEHIND = ("/healthz-all", "/consoles", "/console-export", "/console.json", "/readyz/secrets", "/openapi.json.bak")
_BESIDE = ("/api", "/api/", "/api/messages/", "/api/messages-all", "/api/messages/x", "/api//messages", "/API/messages")


async def _served(_: web.Request) -> web.Response:
    return web.Response(text="served")


async def _served_to_a_channel(_: web.Request) -> web.Response:
    return web.Response(text="served")


@pytest.mark.promise("doors.paths")
async def test_a_new_door_whose_path_begins_like_a_public_one_asks_for_a_token() -> None:
    mounted = web.Application()
    mounted.router.add_get("/own", _served)
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        issuers = Issuers(Identity(authority="http://localhost:9"), Fixed({}))
        app = application.build(
            [web.get(path, _served) for path in ("/healthz", *_BEHIND)],
            authenticator=Authenticator(TokenVerifier(issuers, http), issuers), tracer=Tracing(Telemetry()), http=Http(),
            mounted={"/console": mounted}, self_guarded=[web.post("/api/messages", _served_to_a_channel)],
        )  # fmt: skip
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://localhost:{runner.addresses[0][1]}"
        try:
            told = {path: (await send(address, "GET", path)).status for path in ("/healthz", "/console/own", *_BEHIND)}
            posted = {path: (await send(address, "POST", path)).status for path in ("/api/messages", *_BESIDE)}
            others = {
                method: (await send(address, method, "/api/messages")).status for method in ("GET", "PUT", "HEAD")
            }
        finally:
            await runner.cleanup()
    assert told == {"/healthz": 200, "/console/own": 200, **dict.fromkeys(_BEHIND, 401)}
    # A door that sees to its callers itself is let through, and nothing beside it.
    assert posted == {"/api/messages": 200, **dict.fromkeys(_BESIDE, 401)}
    assert others == dict.fromkeys(others, 401)


_AWAY = (
    "../session.py", "..%2fsession.py", "%2e%2e/session.py", "%2e%2e%2fsession.py", "..%5csession.py", "....//session.py",
    "%2fetc%2fpasswd", "/etc/passwd", "console.js%00.py", "%c0%ae%c0%ae/session.py", "..%252fsession.py", "./../templates/layout.html",
)  # fmt: skip


@pytest.mark.promise("doors.paths")
@pytest.mark.parametrize("path", _AWAY)
async def test_the_folder_of_the_consoles_files_leads_nowhere_else(path: str, world: World) -> None:
    reply = await send(world.host.address, "GET", f"/console/static/{path}", [b"X-Charter-Console: 1"])
    assert reply.status in {400, 401, 403, 404}
    assert b"import" not in reply.body
    assert b"root:" not in reply.body
