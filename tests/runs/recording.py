"""A chat-completions endpoint on loopback that keeps every request it gets, and answers as a test wants."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from charter import settings

Said = Mapping[str, Any]
"""An assistant's message on the wire; ``pause`` is how many seconds pass before each word of a streamed answer."""

Answer = Callable[[dict[str, Any]], Said | Awaitable[Said]]

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def says(text: str, *, pause: float = 0) -> Said:
    return {"role": "assistant", "content": text, "pause": pause}


def calls(name: str, arguments: Mapping[str, Any], number: int = 1) -> Said:
    """Return a message with one call; ``number`` tells the calls of a run apart."""
    function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


class RecordingModel:
    """``requests`` are the bodies in the order in which they came."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[dict[str, Any]] = []
        self._answer = answer
        self.url = ""

    @property
    def deployment(self) -> settings.Deployment:
        key = settings.SecretStr("none")
        return settings.Deployment(kind="openai", model="recording", base_url=self.url, api_key=key)

    @property
    def talks(self) -> list[list[dict[str, Any]]]:
        """The messages of each request, without the instructions."""
        return [request["messages"][1:] for request in self.requests]

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        self.requests.append(body)
        answer = self._answer(body)
        said = dict(await answer if inspect.isawaitable(answer) else answer)
        pause = said.pop("pause", 0)
        finish = "tool_calls" if said.get("tool_calls") else "stop"
        head = {"id": "c", "created": 1, "model": "recording"}
        if not body.get("stream"):
            choice = {"index": 0, "message": said, "finish_reason": finish, "logprobs": None}
            return web.json_response({**head, "object": "chat.completion", "choices": [choice], "usage": USAGE})
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for delta in _deltas(said):
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            await _send(response, {**head, "object": "chat.completion.chunk", "choices": [choice]})
            await asyncio.sleep(pause)
        choice = {"index": 0, "delta": {}, "finish_reason": finish}
        await _send(response, {**head, "object": "chat.completion.chunk", "choices": [choice], "usage": USAGE})
        await response.write(b"data: [DONE]\n\n")
        return response


def _deltas(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    words = [{"content": word + " "} for word in (said.get("content") or "").split()]
    called = [{"tool_calls": [{"index": n, **call}]} for n, call in enumerate(said.get("tool_calls") or ())]
    return [{"role": "assistant", "content": ""}, *words, *called]


async def _send(response: web.StreamResponse, chunk: Mapping[str, Any]) -> None:
    await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")


@asynccontextmanager
async def recording(answer: Answer) -> AsyncIterator[RecordingModel]:
    model = RecordingModel(answer)
    app = web.Application(client_max_size=50_000_000)
    app.router.add_post("/v1/chat/completions", model.chat)
    runner = web.AppRunner(app, shutdown_timeout=1.0)  # an answer that nobody waits for any more
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield model
    finally:
        await runner.cleanup()
