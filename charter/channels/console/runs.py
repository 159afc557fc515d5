"""Runs: the list, one run's timeline, answering for an effect that nobody knows of, cancelling."""

from typing import Any

from aiohttp import web

from charter.channels import wording
from charter.channels.console import gather, parse, render, stream, words
from charter.channels.console.desk import address, desk, signed_in, wants_data
from charter.channels.console.frame import fragment, page
from charter.channels.console.session import csrf_token

SHOWN = 30


async def listing(request: web.Request) -> web.Response:
    ctx, service = signed_in(request).ctx, desk(request).service
    wanted = parse.run_filter(request.query)
    found = await service.listing(ctx, cursor=wanted.cursor, limit=SHOWN, status=wanted.status, agent=wanted.agent)
    filters = {"status": wanted.status, "agent": wanted.agent}
    return await page(
        request,
        "runs.html",
        section="runs",
        runs=[render.run_row(run.as_json(), ctx) for run in found.items],
        wanted=wanted,
        statuses=[(status, words.STATUS[status]) for status in parse.STATUSES],
        agents=[(agent["name"], wording.title(agent["name"])) for agent in service.agents(ctx)],
        next=_query({**filters, "cursor": found.next}) if found.next else None,
        newest=_query(filters) if wanted.cursor else None,
        filtered=any(filters.values()),
    )


def _query(parts: dict[str, Any]) -> dict[str, str]:
    return {name: str(part) for name, part in parts.items() if part}


async def run(request: web.Request) -> web.Response:
    ctx, service = signed_in(request).ctx, desk(request).service
    found = await service.get(ctx, request.match_info["run"])
    view = await gather.whole_run(request, found.as_json())
    steps = [render.step(step.as_json()) for step in await service.timeline(ctx, found.id)]
    return await page(
        request, "run.html", section="runs", run=view, steps=steps, after=found.last_seq, refresh=view["busy"]
    )


async def answer(request: web.Request) -> web.Response:
    """Take a person's word on an effect that nobody knows of; a form is led to the run, a script gets the card."""
    said = parse.answer(await request.post())
    ctx, run_id, step_id = signed_in(request).ctx, request.match_info["run"], request.match_info["step"]
    found = await desk(request).service.resolve(ctx, run_id, step_id, said.answer, said.result, said.since)
    if not wants_data(request):
        raise web.HTTPSeeOther(address(request, "run", run=run_id))
    card = await gather.answered(request, found.as_json(), step_id)
    html = fragment(request, "_doubt.html", {"card": card, "csrf": await csrf_token(request), "depth": 2})
    return web.json_response({"html": html, "said": f"{card['name']}: {words.ANSWERS[said.answer]}."})


async def feedback(request: web.Request) -> web.Response:
    """Take what a person thinks of the answer to their run; without a word on the why, what they said of it stays."""
    (reaction, reason), run_id = parse.feedback(await request.post()), request.match_info["run"]
    ctx, service = signed_in(request).ctx, desk(request).service
    kept = (await service.feedback_of(ctx, [run_id])).get(run_id)
    if reason is None:
        reason = kept.reason if kept and kept.reaction == reaction else ""
    await service.feedback(ctx, run_id, reaction, reason)
    on_run = (await request.post()).get("at") == "run"
    found = (await service.get(ctx, run_id)).as_json()
    if not wants_data(request):
        where = address(request, "run", run=run_id) if on_run else address(request, "thread", thread=found["thread"])
        raise web.HTTPSeeOther(where if on_run else f"{where}#{run_id}")
    view = await gather.turn(request, found)
    shown = {"turn": view, "csrf": await csrf_token(request)} | ({"run": view} if on_run else {})
    html = fragment(request, "_opinion.html", shown)
    return web.json_response({"html": html, "said": f"Thank you: {words.REACTIONS[reaction].lower()}."})


async def cancel(request: web.Request) -> web.Response:
    run_id = request.match_info["run"]
    await desk(request).service.cancel(signed_in(request).ctx, run_id)
    raise web.HTTPSeeOther(address(request, "run", run=run_id))


def routes() -> list[web.RouteDef]:
    return [
        web.get("/runs", listing, name="runs"),
        web.get("/runs/{run}", run, name="run"),
        web.get("/runs/{run}/events", stream.events, name="events"),
        web.post("/runs/{run}/steps/{step}/answer", answer, name="answer"),
        web.post("/runs/{run}/feedback", feedback, name="feedback"),
        web.post("/runs/{run}/cancel", cancel, name="cancel"),
    ]
