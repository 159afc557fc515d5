"""The REST door: parse, call the service, render."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
from aiohttp import web

from charter.channels import images, sse
from charter.channels.api.schemas import CreateRun, Decide, GiveFeedback, Replay, Resolve, Search
from charter.channels.reading import body, caller, context, idempotency_key, whole
from charter.errors import NotFound
from charter.models.chat import Image
from charter.runs.run import Page, Run, StartRun
from charter.runs.service import RunService

_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")
_LONGEST_WAIT = 60


def routes(service: RunService) -> list[web.RouteDef]:
    door = _Door(service)
    return [
        web.get("/v1/agents", door.agents),
        web.get("/v1/agents/{agent}", door.agent),
        web.post("/v1/runs", door.create_run),
        web.get("/v1/runs", door.runs),
        web.get("/v1/runs/{run}", door.run),
        web.get("/v1/runs/{run}/events", door.events),
        web.get("/v1/runs/{run}/timeline", door.timeline),
        web.post("/v1/runs/{run}/cancel", door.cancel),
        web.post("/v1/runs/{run}/resolve", door.resolve),
        web.post("/v1/runs/{run}/replay", door.replay),
        web.put("/v1/runs/{run}/feedback", door.give_feedback),
        web.get("/v1/runs/{run}/feedback", door.feedback),
        web.get("/v1/approvals", door.approvals),
        web.get("/v1/approvals/{approval}", door.approval),
        web.post("/v1/approvals/{approval}/decision", door.decide),
        web.post("/v1/knowledge/search", door.search),
    ]


class _Door:
    def __init__(self, service: RunService) -> None:
        self._service = service

    async def agents(self, request: web.Request) -> web.Response:
        return _json({"items": self._service.agents(context(request)), "next": None})

    async def agent(self, request: web.Request) -> web.Response:
        return _json(self._service.agent(context(request), request.match_info["agent"]))

    async def create_run(self, request: web.Request) -> web.Response:
        asked = await body(request, CreateRun)
        seconds = _preferred_wait(request)
        start = StartRun(
            asked.agent, asked.input, asked.thread, asked.metadata, idempotency_key(request), streams=seconds is None,
            images=_images(asked),
        )  # fmt: skip
        ctx = context(request)
        run, _ = await self._service.start(replace(ctx, channel="api"), start, assertion=caller(request).token)
        if seconds is not None:
            run = await self._service.wait(ctx, run.id, seconds)
        waited = seconds is not None and run.settled
        headers = {"Location": f"/v1/runs/{run.id}"}
        if waited:
            headers["Preference-Applied"] = f"wait={seconds}"
        return _json(run.as_json(), status=200 if waited else 202, headers=headers)

    async def runs(self, request: web.Request) -> web.Response:
        filters = {name: request.query.get(name) for name in ("status", "agent", "thread")}
        page = await self._service.listing(
            context(request), cursor=request.query.get("cursor"), limit=_limit(request), **filters
        )
        return _page(page)

    async def run(self, request: web.Request) -> web.Response:
        return _run(await self._service.get(context(request), request.match_info["run"]))

    async def timeline(self, request: web.Request) -> web.Response:
        steps = await self._service.timeline(context(request), request.match_info["run"], whole(request, "after", 0))
        return _json({"items": [step.as_json() for step in steps], "next": None})

    async def events(self, request: web.Request) -> web.StreamResponse:
        after = sse.last_event_id(request)
        ctx, run_id = context(request), request.match_info["run"]
        await self._service.get(ctx, run_id)  # a missing run is a problem document, not a broken stream
        response = await sse.open_stream(request)
        await sse.send(response, self._lines(ctx, run_id, after))
        return response

    async def _lines(self, ctx: Any, run_id: str, after: int) -> AsyncIterator[bytes]:
        async for event in self._service.events(ctx, run_id, after):
            yield sse.line(event.type, event.data, event.id)

    async def cancel(self, request: web.Request) -> web.Response:
        return _run(await self._service.cancel(context(request), request.match_info["run"]))

    async def resolve(self, request: web.Request) -> web.Response:
        asked = await body(request, Resolve)
        run = await self._service.resolve(
            context(request), request.match_info["run"], asked.step_id, asked.answer, asked.result, asked.since
        )
        return _run(run)

    async def replay(self, request: web.Request) -> web.Response:
        asked = await body(request, Replay)
        found = await self._service.replay(
            context(request), request.match_info["run"], current=asked.bundle == "current"
        )
        return _json(found.as_json())

    async def give_feedback(self, request: web.Request) -> web.Response:
        asked = await body(request, GiveFeedback)
        run_id = request.match_info["run"]
        return _json((await self._service.feedback(context(request), run_id, asked.reaction, asked.reason)).as_json())

    async def feedback(self, request: web.Request) -> web.Response:
        ctx, run = context(request), request.match_info["run"]
        await self._service.get(ctx, run)
        found = (await self._service.feedback_of(ctx, [run])).get(run)
        if found is None:
            raise NotFound("Nobody has said yet what they think of this answer.", action="PUT says it.")
        return _json(found.as_json())

    async def approvals(self, request: web.Request) -> web.Response:
        page = await self._service.approvals(
            context(request),
            status=request.query.get("status"),
            cursor=request.query.get("cursor"),
            limit=_limit(request),
        )
        return _page(page)

    async def approval(self, request: web.Request) -> web.Response:
        return _json((await self._service.approval(context(request), request.match_info["approval"])).as_json())

    async def decide(self, request: web.Request) -> web.Response:
        said = await body(request, Decide)
        approval = await self._service.decide(
            context(request), request.match_info["approval"], said.decision, said.digest, said.comment
        )
        return _json(approval.as_json())

    async def search(self, request: web.Request) -> web.Response:
        asked = await body(request, Search)
        found = await self._service.search(context(request), asked.query, collection=asked.collection, top=asked.top)
        return _json({"items": found, "next": None})


def _images(asked: CreateRun) -> tuple[Image, ...]:
    return tuple(
        images.decoded(given.media_type, given.data, f"/images/{at}/data") for at, given in enumerate(asked.images)
    )


def _json(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json", headers=headers)


def _run(run: Run) -> web.Response:
    return _json(run.as_json())


def _page(page: Page) -> web.Response:
    return _json({"items": [item.as_json() for item in page.items], "next": page.next})


def _limit(request: web.Request) -> int:
    return whole(request, "limit", 50, least=1, most=200)


def _preferred_wait(request: web.Request) -> int | None:
    """Return the seconds of ``Prefer: wait=N`` (RFC 7240), at most a minute."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), _LONGEST_WAIT) if found else None
