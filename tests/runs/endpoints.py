"""A model's endpoint on loopback whose faults a test chooses by what the person says. It notes whom it heard."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from charter import settings

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


@dataclass(frozen=True, slots=True)
class Plays:
    """One answer: ``words`` with ``pause`` seconds before each, cut after ``cut`` of them; or a fault. ``neatly``: the cut
    line ends as a whole one would. It begins once ``heard`` is set, and is cut once ``until`` is, where these are given.
    """

    words: tuple[str, ...] = ("Well.",)
    cut: int | None = None
    neatly: bool = False
    pause: float = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    garbage: bool = False
    until: asyncio.Event | None = None
    heard: asyncio.Event | None = None


@dataclass(slots=True)
class Endpoint:
    """``plays`` has answers by a word of the request, the last one again and again."""

    name: str
    plays: dict[str, deque[Plays]] = field(default_factory=dict[str, deque[Plays]])
    heard: dict[str, list[float]] = field(default_factory=lambda: defaultdict[str, list[float]](list))
    left: list[str] = field(default_factory=list[str])
    url: str = ""

    def on(self, word: str, *plays: Plays) -> None:
        self.plays[word] = deque(plays)

    def deployment(self, **said: Any) -> settings.Deployment:
        key = settings.SecretStr("none")
        return settings.Deployment(
            kind="openai", name=self.name, model=f"model-{self.name}", base_url=self.url, api_key=key, **said
        )

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        said = str(body["messages"][-1]["content"])
        self.heard[said].append(asyncio.get_running_loop().time())
        played = next((plays for word, plays in self.plays.items() if word in said), deque([Plays()]))
        play = played.popleft() if len(played) > 1 else played[0]
        if play.heard is not None:
            await play.heard.wait()
        if play.status != 200:
            return web.json_response({"error": {"message": "secret"}}, status=play.status, headers=play.headers)
        if play.garbage:
            return web.Response(body=b"<html>", content_type="application/json")
        try:
            return await (self._streamed if body.get("stream") else self._whole)(request, play)
        except (asyncio.CancelledError, ConnectionError):
            self.left.append(said)
            raise

    async def _whole(self, request: web.Request, play: Plays) -> web.StreamResponse:
        await asyncio.sleep(play.pause * len(play.words))
        message = {"role": "assistant", "content": "".join(play.words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        answer = orjson.dumps({**self._head("chat.completion"), "choices": [choice], "usage": USAGE})
        response = web.StreamResponse(headers={"content-type": "application/json", "content-length": str(len(answer))})
        await response.prepare(request)
        await response.write(answer if play.cut is None else answer[: len(answer) // 2])
        if play.cut is not None:
            _cut(request)
        return response

    async def _streamed(self, request: web.Request, play: Plays) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await self._send(response, {"role": "assistant", "content": ""}, None)
        for word in play.words[: play.cut]:
            await asyncio.sleep(play.pause)
            await self._send(response, {"content": word}, None)
        if play.cut is not None:
            await asyncio.sleep(play.pause)
            if play.until is not None:
                await play.until.wait()
            if not play.neatly:
                _cut(request)
            return response
        await self._send(response, {}, "stop", usage=USAGE)
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _send(self, response: web.StreamResponse, delta: Any, finish: str | None, **more: Any) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {**self._head("chat.completion.chunk"), "choices": [choice], **more}
        await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": "c", "object": kind, "created": 1, "model": f"model-{self.name}"}


def _cut(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()


@asynccontextmanager
async def endpoint(name: str) -> AsyncIterator[Endpoint]:
    made = Endpoint(name)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", made.chat)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield made
    finally:
        await runner.cleanup()
