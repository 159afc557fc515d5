"""Fetch what belongs together on a page: a run and the question it waits with."""

from datetime import UTC, datetime

from aiohttp import web

from charter.channels.console import render
from charter.channels.console.desk import address, desk, signed_in
from charter.channels.console.render import Json, PassageAddress, View
from charter.errors import NotFound


async def turn(request: web.Request, run: Json) -> View:
    """Return one question and its answer."""
    return render.turn(run, await _asked(request, run), signed_in(request).ctx, datetime.now(UTC), _passage_at(request))


async def whole_run(request: web.Request, run: Json) -> View:
    """Return the head of a run's own page."""
    return render.run_page(
        run, await _asked(request, run), signed_in(request).ctx, datetime.now(UTC), _passage_at(request)
    )


async def _asked(request: web.Request, run: Json) -> Json | None:
    waiting: Json = run["waiting"] or {}
    approval_id = waiting.get("approval_id")
    if not approval_id:
        return None
    try:
        return (await desk(request).service.approval(signed_in(request).ctx, approval_id)).as_json()
    except NotFound:
        return None


def _passage_at(request: web.Request) -> PassageAddress:
    return lambda document, passage: address(request, "passage", document=document, passage=passage)
