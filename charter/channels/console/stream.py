"""A run, live: its events as the pieces of pages that show them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from charter.channels import sse
from charter.channels.console import gather, render, words
from charter.channels.console.desk import CLOSING, desk, signed_in
from charter.channels.console.frame import fragment
from charter.channels.console.session import csrf_token

# No stream outlives its sign-in for long: it ends after this time, and the browser comes back with its cookie.
LONGEST_SECONDS = 600.0


async def events(request: web.Request) -> web.StreamResponse:
    """Stream one run as its thread shows it, or as its timeline does (``?view=timeline``); resumes by ``Last-Event-ID``."""
    after = sse.last_event_id(request)
    run_id = request.match_info["run"]
    await desk(request).service.get(signed_in(request).ctx, run_id)  # a missing run is an error, not an empty stream
    lines = (
        _timeline(request, run_id, after)
        if request.query.get("view") == "timeline"
        else _thread(request, run_id, after)
    )
    response = await sse.open_stream(request)
    await _until_closing(request.app[CLOSING], sse.send(response, lines))
    return response


async def _until_closing(closing: asyncio.Event, sending: Coroutine[Any, Any, None]) -> None:
    """Send until the run is done, the host closes, or the time is over."""
    tasks = {asyncio.create_task(sending), asyncio.create_task(closing.wait())}
    try:
        await asyncio.wait(tasks, timeout=LONGEST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
            # A connection error: the person has closed the page, and nobody is left to be told.
            with suppress(asyncio.CancelledError, ConnectionError):
                await task


async def _thread(request: web.Request, run_id: str, after: int) -> AsyncIterator[bytes]:
    async for event in desk(request).service.events(signed_in(request).ctx, run_id, after):
        match event.type:
            case "output.delta":
                yield sse.line("delta", {"text": event.data["text"]})
            case "output.withdrawn":
                yield sse.line("anew", {"text": words.ANEW})
            case "step":
                yield sse.line("line", {"text": words.line(event.data)}, event.id)
            case "approval" if event.data["status"] != "pending":
                yield sse.line("line", {"text": _decided(event.data)}, event.id)
            case _:
                yield sse.line("turn", await _answer(request, run_id), event.id)
    yield sse.line("done", {})


def _decided(approval: Mapping[str, Any]) -> str:
    return (
        f"{words.STATUS[approval['status']]} by {approval['decided_by']}"
        if approval["decided_by"]
        else words.STATUS[approval["status"]]
    )


async def _answer(request: web.Request, run_id: str) -> dict[str, Any]:
    run = await desk(request).service.get(signed_in(request).ctx, run_id)
    view = await gather.turn(request, run.as_json())
    said = "Answer ready." if view["answer"] else words.STATUS[view["status"]]
    if view["approval"]:
        said = f"Waiting: {view['approval']['who']} must decide."
    elif view["doubt"]:
        said = f"Waiting: nobody knows whether this happened: {view['doubt']['name']}. Please say so."
    return {
        "html": fragment(request, "_answer.html", {"turn": view, "csrf": await csrf_token(request)}),
        "busy": view["busy"],
        "doing": view["doing"],
        "said": said,
    }


async def _timeline(request: web.Request, run_id: str, after: int) -> AsyncIterator[bytes]:
    ctx, service = signed_in(request).ctx, desk(request).service
    async for event in service.events(ctx, run_id, after):
        match event.type:
            case "output.delta" | "output.withdrawn":
                continue
            case "step":
                yield _step(request, event.data, event.id)
            case "approval":
                # The event tells the question; the timeline shows it as the step that it is.
                for step in await service.timeline(ctx, run_id):
                    if step.type == "approval":
                        yield _step(request, step.as_json(), event.id)
            case _:
                yield sse.line("head", await _head(request, run_id), event.id)
    yield sse.line("done", {})


def _step(request: web.Request, step: Mapping[str, Any], number: int | None) -> bytes:
    return sse.line(
        "step", {"id": step["id"], "html": fragment(request, "_step.html", {"step": render.step(step)})}, number
    )


async def _head(request: web.Request, run_id: str) -> dict[str, Any]:
    run = await desk(request).service.get(signed_in(request).ctx, run_id)
    view = await gather.whole_run(request, run.as_json())
    return {
        "html": fragment(request, "_run_head.html", {"run": view, "csrf": await csrf_token(request)}),
        "said": view["status_words"],
    }
