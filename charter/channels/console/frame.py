"""A page within the console's frame: who is signed in, where one can go, what waits, and the level."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from charter.channels.console import level, render
from charter.channels.console.desk import SIGNED_IN, desk, signed_in
from charter.channels.console.session import csrf_token
from charter.errors import CharterError

RECENT = 50
SHOWN = 12


async def page(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    live: bool = True,
    agent: str | None = None,
    **context: Any,
) -> web.Response:
    """Render a whole page. ``live=False`` asks nothing of the house: a page about a fault must not fault."""
    known = SIGNED_IN in request
    frame: dict[str, Any] = {
        "csrf": await csrf_token(request),
        "person": signed_in(request).ctx if known else None,
        "threads": [],
        "inbox": 0,
        "level": None,
        "agent": agent,
    }
    if known and live:
        frame |= await _surroundings(request, agent)
    return aiohttp_jinja2.render_template(template, request, {**frame, **context}, status=status)


def fragment(request: web.Request, template: str, context: Mapping[str, Any]) -> str:
    """Render a piece of a page, for a script that puts it in its place."""
    return aiohttp_jinja2.render_string(template, request, context)


async def _surroundings(request: web.Request, agent: str | None) -> dict[str, Any]:
    return {
        "threads": await recent(request),
        "inbox": await inbox(request),
        "level": _level(request, agent),
    }


async def recent(request: web.Request) -> list[render.View]:
    """Return the person's newest conversations."""
    ctx = signed_in(request).ctx
    found = await desk(request).service.listing(ctx, limit=RECENT)
    return render.threads([run.as_json() for run in found.items], ctx)[:SHOWN]


def _level(request: web.Request, agent: str | None) -> dict[str, Any]:
    """An agent of an old thread may be gone by now; its messages stay readable."""
    try:
        return level.of(request, agent)
    except CharterError:
        return level.of(request)


async def inbox(request: web.Request) -> int:
    """Return how many questions wait for this person."""
    ctx, now = signed_in(request).ctx, datetime.now(UTC)
    pending = await desk(request).service.approvals(ctx, status="pending")
    return sum(render.approval_card(item.as_json(), ctx, now)["may_decide"] for item in pending.items)
