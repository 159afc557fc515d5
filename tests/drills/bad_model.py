"""A model endpoint that misbehaves over real HTTP: the word behind the mark in a person's message says how.

``work m-1 then hang at 2`` does what the script says for ``work m-1``, and hangs at the second request of the run.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson
from aiohttp import web

from charter.models.chat import ToolCall
from charter.models.scripted import ScriptedModel, load
from charter.models.wire import Answered, AnswerTransport

_ORDER = re.compile(r"then (?P<fault>[\w-]+) at (?P<turn>\d+)")
_PLAIN: dict[str, Any] = {"id": "x", "object": "chat.completion", "created": 1, "model": "drill"}


class BadModel:
    """The scripted model behind an endpoint with faults. ``faults`` counts the requests that met one."""

    def __init__(self, script: Path) -> None:
        self._model = AnswerTransport(ScriptedModel(load(script)).answer)
        self._tries: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.url = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        messages = orjson.loads(raw)["messages"]
        said = next(str(m["content"]) for m in reversed(messages) if m["role"] == "user")
        turn = 1 + sum(m["role"] == "assistant" for m in messages)
        order = _ORDER.search(said)
        if order and turn == int(order["turn"]):
            self._tries[said] += 1
            self.faults[order["fault"]] += 1
            answer = await FAULTS[order["fault"]](request, self._tries[said])
            if answer is not None:
                return answer
        return await _given(self._model, raw)


async def _busy_twice(request: web.Request, tries: int) -> web.Response | None:
    return (
        web.json_response({"error": {"message": "busy"}}, status=429, headers={"Retry-After": "1"})
        if tries < 3
        else None
    )


async def _busy(request: web.Request, tries: int) -> web.Response:
    return web.json_response({"error": {"message": "busy"}}, status=429)


async def _broken_once(request: web.Request, tries: int) -> web.Response | None:
    return web.Response(status=500, text="oops") if tries < 2 else None


async def _broken(request: web.Request, tries: int) -> web.Response:
    return web.Response(status=500, text="oops")


async def _garbage(request: web.Request, tries: int) -> web.Response:
    return web.Response(text="<html>I am no JSON</html>", content_type="application/json")


async def _half(request: web.Request, tries: int) -> web.Response:
    return web.Response(text='{"id": "x", "choices": [{"index": 0, "mess', content_type="application/json")


async def _empty(request: web.Request, tries: int) -> web.Response:
    return web.json_response({**_PLAIN, "choices": []})


async def _nothing(request: web.Request, tries: int) -> web.Response:
    return await _rendered(request, Answered(model="drill"))


async def _stranger(request: web.Request, tries: int) -> web.Response:
    return await _rendered(request, Answered(calls=(ToolCall("call_1", "payroll-pay_everybody", "{}"),), model="drill"))


async def _nonsense(request: web.Request, tries: int) -> web.Response:
    call = ToolCall("call_1", "counter-book", "{mark: not json")
    return await _rendered(request, Answered(calls=(call,), model="drill"))


async def _cut(request: web.Request, tries: int) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _hang(request: web.Request, tries: int) -> web.Response:
    await asyncio.sleep(120)
    return web.Response(status=504)


async def _drip(request: web.Request, tries: int) -> web.StreamResponse:
    """Say a byte now and then: no single read takes long, and yet it never ends."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(240):
        await response.write(b" ")
        await asyncio.sleep(0.5)
    return response


async def _rendered(request: web.Request, answered: Answered) -> web.Response:
    async def answer(body: dict[str, Any]) -> Answered:
        return answered

    return await _given(AnswerTransport(answer), await request.read())


async def _given(model: AnswerTransport, raw: bytes) -> web.Response:
    """Answer as the wire does, streaming where that is asked for."""
    given = await model.handle_async_request(
        httpx2.Request("POST", "http://model.invalid/v1/chat/completions", content=raw)
    )
    return web.Response(body=await given.aread(), headers={"Content-Type": given.headers["content-type"]})


Fault = Callable[[web.Request, int], Awaitable[web.StreamResponse | None]]
FAULTS: dict[str, Fault] = {
    "busy-twice": _busy_twice,
    "busy": _busy,
    "broken-once": _broken_once,
    "broken": _broken,
    "garbage": _garbage,
    "half": _half,
    "empty": _empty,
    "nothing": _nothing,
    "stranger": _stranger,
    "nonsense": _nonsense,
    "cut": _cut,
    "hang": _hang,
    "drip": _drip,
}


@asynccontextmanager
async def bad_model(script: Path) -> AsyncIterator[BadModel]:
    """Serve it on a free port of the loopback."""
    model = BadModel(script)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield model
    finally:
        await runner.cleanup()
