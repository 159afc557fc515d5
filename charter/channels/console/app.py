"""The console as one application, to be mounted under a path of the host."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web

from charter.channels.console import approvals, chat, faults, level, passages, runs, session, signin, words
from charter.channels.console.cookies import Cookies
from charter.channels.console.desk import CLOSING, DESK, Desk
from charter.channels.console.ports import LevelStatus, Person, Service, SignIns

_HERE = Path(__file__).parent
_FORM_LIMIT_BYTES = 256_000


def console(
    service: Service,
    *,
    people: Sequence[Person],
    sign_ins: SignIns,
    session_key: bytes,
    level_status: LevelStatus,
    prefix: str = "/console",
    public_url: str = "",
    input_limit: int = 32_000,
) -> web.Application:
    """Return the console, to be mounted with ``add_subapp(prefix, …)``.

    ``people`` may sign in by a button of their own; without any, whoever the identity provider knows may. ``session_key``
    is 32 bytes and must stay the same over restarts and processes. ``public_url`` is the address that browsers see (empty:
    this machine's); of HTTPS, it keeps the cookies there. ``input_limit`` is the longest message in characters.

    Raises:
        ValueError: the session key is not 32 bytes.
    """
    if len(session_key) != 32:
        raise ValueError("the console's session key must be 32 bytes")
    cookies = Cookies(prefix, public_url.startswith("https://"), session_key)
    app = web.Application(
        middlewares=[faults.tell_faults, session.guard_forms, session.require_person],
        client_max_size=_FORM_LIMIT_BYTES,
    )
    app[DESK] = Desk(service, signin.offered(people), sign_ins, cookies, level_status, input_limit, public_url)
    app[CLOSING] = asyncio.Event()
    app.on_response_prepare.append(faults.add_headers)
    app.on_response_prepare.append(session.add_cookies)
    app.on_shutdown.append(_end_streams)
    app[aiohttp_jinja2.static_root_key] = f"{prefix}/static"
    _templates(app)
    for room in (signin, chat, approvals, runs, passages, level):
        app.add_routes(room.routes())
    app.router.add_static("/static", _HERE / "static", name="static")
    return app


def _templates(app: web.Application) -> None:
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        filters={"moment": _moment},
    )


def _moment(text: str | None) -> str:
    when = words.parsed(text)
    return words.moment(when) if when else ""


async def _end_streams(app: web.Application) -> None:
    """A page that listens would otherwise hold the host up while it stops."""
    app[CLOSING].set()
