"""A model endpoint of the drill's own: real HTTP, answers that take as long as the drill likes, and who hung up when."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
from aiohttp import web

from charter.models.wire import Answered, AnswerTransport, new_call


@dataclass(slots=True)
class SlowModel:
    """Books what ``book <mark>`` asks for at once, and lets every other question wait until the caller goes."""

    url: str = ""
    asked: int = 0
    waiting: int = 0
    hung_up: list[float] = field(default_factory=list[float])

    async def complete(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = orjson.loads(raw)
        self.asked += 1
        said = next(str(m["content"]) for m in reversed(body["messages"]) if m["role"] == "user")
        if not said.startswith("book "):
            return await self._wait(request, stream=bool(body.get("stream")))
        asked = httpx2.Request("POST", "http://model.invalid/v1/chat/completions", content=raw)
        answer = await AnswerTransport(_booking).handle_async_request(asked)
        return web.Response(body=await answer.aread(), headers={"Content-Type": answer.headers["content-type"]})

    async def _wait(self, request: web.Request, *, stream: bool) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        self.waiting += 1
        try:
            if stream:
                await response.prepare(request)
                await response.write(_BEGINNING)
            await asyncio.sleep(120)
        except asyncio.CancelledError:
            self.hung_up.append(time.monotonic())
            raise
        finally:
            self.waiting -= 1
        return response


_CHUNK = {"id": "slow", "object": "chat.completion.chunk", "created": 1, "model": "slow"}
_DELTA = {"index": 0, "delta": {"role": "assistant", "content": "Let me "}, "logprobs": None, "finish_reason": None}
_BEGINNING = b"data: " + orjson.dumps({**_CHUNK, "choices": [_DELTA]}) + b"\n\n"


async def _booking(body: dict[str, Any]) -> Answered:
    if body["messages"][-1]["role"] == "tool":
        return Answered(text="It is done.", model="slow")
    said = next(str(m["content"]) for m in reversed(body["messages"]) if m["role"] == "user")
    return Answered(calls=(new_call("counter-book", {"mark": said.split()[1], "place": 1}),), model="slow")


@asynccontextmanager
async def slow_model() -> AsyncIterator[SlowModel]:
    """Serve it on a free port of the loopback."""
    model = SlowModel()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    # A handler hears it when its caller hangs up.
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield model
    finally:
        await runner.cleanup()
