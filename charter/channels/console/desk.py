"""What the pages work with, and who sits before them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from charter.channels.console.cookies import Cookies
from charter.channels.console.ports import LevelStatus, Person, Service, SignIns
from charter.context import Context


@dataclass(frozen=True, slots=True)
class Desk:
    """The console's parts, wired once."""

    service: Service
    people: Sequence[Person]
    sign_ins: SignIns
    cookies: Cookies
    level_status: LevelStatus
    input_limit: int
    public_url: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person of this request; ``ctx`` says that they came through the console."""

    ctx: Context
    token: str


DESK = web.AppKey("console_desk", Desk)
CLOSING = web.AppKey("console_closing", asyncio.Event)
SIGNED_IN: web.RequestKey[SignedIn] = web.RequestKey("console_signed_in", SignedIn)


def desk(request: web.Request) -> Desk:
    return request.app[DESK]


def signed_in(request: web.Request) -> SignedIn:
    """Return the person; only for routes behind the sign-in."""
    return request[SIGNED_IN]


def address(request: web.Request, name: str, **parts: str) -> str:
    """Return the path of a page of the console, wherever it is mounted."""
    return str(request.app.router[name].url_for(**parts))


def wants_data(request: web.Request) -> bool:
    """Whether a script asks (it wants JSON and problem documents), not a person's navigation."""
    return request.headers.get("X-Charter-Console") == "1" or "text/event-stream" in request.headers.get("Accept", "")
