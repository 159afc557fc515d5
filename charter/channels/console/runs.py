"""Runs: the list, one run's timeline, cancelling it."""

from typing import Any

from aiohttp import web

from charter.channels.console import gather, parse, render, stream, words
from charter.channels.console.desk import address, desk, signed_in
from charter.channels.console.frame import page

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
        agents=[(agent["name"], words.title(agent["name"])) for agent in service.agents(ctx)],
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


async def cancel(request: web.Request) -> web.Response:
    run_id = request.match_info["run"]
    await desk(request).service.cancel(signed_in(request).ctx, run_id)
    raise web.HTTPSeeOther(address(request, "run", run=run_id))


def routes() -> list[web.RouteDef]:
    return [
        web.get("/runs", listing, name="runs"),
        web.get("/runs/{run}", run, name="run"),
        web.get("/runs/{run}/events", stream.events, name="events"),
        web.post("/runs/{run}/cancel", cancel, name="cancel"),
    ]
