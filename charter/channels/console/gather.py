"""Fetch what belongs together on a page: a run, and what a person is asked about it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from charter.channels.console import doubt, render
from charter.channels.console.desk import address, desk, signed_in
from charter.channels.console.render import Json, PassageAddress, View
from charter.errors import NotFound
from charter.runs.feedback import Feedback
from charter.runs.run import TERMINAL


async def turn(request: web.Request, run: Json, said: Mapping[str, Feedback] | None = None) -> View:
    """Return one question and its answer; ``said`` is what people thought of it, where that has been fetched."""
    view = render.turn(run, await _asked(request, run), signed_in(request).ctx, datetime.now(UTC), _passage_at(request))
    return await _with_doubt(request, run, view | await _opinion(request, run, said))


async def feedback(request: web.Request, runs: Sequence[Json]) -> Mapping[str, Feedback]:
    """Return what people thought of the runs that are over."""
    over = [str(run["id"]) for run in runs if run["status"] in TERMINAL]
    return await desk(request).service.feedback_of(signed_in(request).ctx, over) if over else {}


async def _opinion(request: web.Request, run: Json, said: Mapping[str, Feedback] | None = None) -> View:
    found = (await feedback(request, [run]) if said is None else said).get(run["id"])
    return {"opinion": render.opinion(run, found.as_json() if found else None, signed_in(request).ctx)}


async def whole_run(request: web.Request, run: Json) -> View:
    """Return the head of a run's own page."""
    view = render.run_page(
        run, await _asked(request, run), signed_in(request).ctx, datetime.now(UTC), _passage_at(request)
    )
    return await _with_doubt(request, run, view | await _opinion(request, run))


async def answered(request: web.Request, run: Json, step_id: str) -> View:
    """Return the card of an effect that somebody has just answered for.

    Raises:
        NotFound: the run has no such step.
    """
    found = await _card(request, run, step_id)
    if found is None:
        raise NotFound("The run has no such step.")
    return found


async def _with_doubt(request: web.Request, run: Json, view: View) -> View:
    """The effect that nobody knows of has its card; it is not told a second time among the others."""
    step_id = doubt.waits_for(run)
    card = await _card(request, run, step_id) if step_id else None
    others = [effect for effect in view["effects"] if card is None or effect["step_id"] != step_id]
    return view | {"doubt": card, "effects": others}


async def _card(request: web.Request, run: Json, step_id: str) -> View | None:
    ctx = signed_in(request).ctx
    steps = await desk(request).service.timeline(ctx, run["id"])
    return doubt.card(run, [step.as_json() for step in steps], step_id, ctx)


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
