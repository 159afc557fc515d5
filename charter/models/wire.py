"""The OpenAI chat-completions wire inside the process: a transport that never leaves it.

A model of ours answers a request body; the stock ``openai`` client, given this transport, cannot tell it from a maker's
endpoint. So every level of model is reached through the same client, connector and error handling.
https://platform.openai.com/docs/api-reference/chat
"""

import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from charter.models.chat import Level, ToolCall, Usage

CHARS_PER_TOKEN = 4
"""What a token is worth where nobody counts them: the usual rule of thumb for European languages."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model of ours answers: text, calls or both, and who it really was.

    ``usage`` is None where no tokenizer counted; the wire then estimates from the length of request and answer.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    model: str = "embedded"
    level: Level = "assistance"
    usage: Usage | None = None


class WireError(Exception):
    """The answer is an HTTP fault: ``status`` and headers as a maker's endpoint sends them.

    ``raw`` replaces the JSON body, whatever it is.
    """

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None, raw: bytes | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.raw = raw


Answer = Callable[[dict[str, Any]], Awaitable[Answered]]


class AnswerTransport(httpx2.AsyncBaseTransport):
    """Give each chat-completions request to ``answer`` and render what it returns, as JSON or as a stream."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        content = await request.aread()
        if not request.url.path.endswith("/chat/completions"):
            return _fault(request, WireError(404, f"There is no {request.url.path} here, only chat completions."))
        try:
            body: dict[str, Any] = orjson.loads(content)
            answered = await self._answer(body)
        except WireError as fault:
            return _fault(request, fault)
        frame = _Frame(answered, answered.usage or _estimated(content, answered))
        if not body.get("stream"):
            return httpx2.Response(200, headers=_JSON, content=frame.whole(), request=request)
        options: dict[str, Any] = body.get("stream_options") or {}
        include_usage = bool(options.get("include_usage"))
        return httpx2.Response(200, headers=_SSE, stream=_Chunks(frame.chunks(include_usage)), request=request)


_JSON = {"content-type": "application/json"}
_SSE = {"content-type": "text/event-stream"}


def _fault(request: httpx2.Request, fault: WireError) -> httpx2.Response:
    body = (
        fault.raw if fault.raw is not None else orjson.dumps({"error": {"message": str(fault), "code": fault.status}})
    )
    return httpx2.Response(fault.status, headers={**_JSON, **fault.headers}, content=body, request=request)


def _estimated(content: bytes, answered: Answered) -> Usage:
    written = len(answered.text) + sum(len(call.name) + len(call.arguments) for call in answered.calls)
    return Usage(len(content) // CHARS_PER_TOKEN + 1, written // CHARS_PER_TOKEN + 1)


class _Chunks(httpx2.AsyncByteStream):
    """The events of one streamed answer."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


@dataclass(frozen=True, slots=True)
class _Frame:
    """One answer in the wire's words. ``system_fingerprint`` carries the level, so that it travels with the answer."""

    answered: Answered
    usage: Usage
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex[:16]}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": self.answered.text or None}
        if self.answered.calls:
            message["tool_calls"] = [_call(call) for call in self.answered.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        return orjson.dumps(self._head("chat.completion") | {"choices": [choice], "usage": self._counts})

    def chunks(self, include_usage: bool) -> Iterator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})
        for word in re.findall(r"\s*\S+\s*", self.answered.text):
            yield self._chunk({"content": word})
        for index, call in enumerate(self.answered.calls):
            yield self._chunk({"tool_calls": [{"index": index, **_call(call)}]})
        yield self._chunk({}, finish=self._finish)
        if include_usage:
            yield _event(self._head("chat.completion.chunk") | {"choices": [], "usage": self._counts})
        yield b"data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(self._head("chat.completion.chunk") | {"choices": [choice]})

    def _head(self, kind: str) -> dict[str, Any]:
        head = {"id": self.id, "object": kind, "created": self.created, "model": self.answered.model}
        return head | {"system_fingerprint": self.answered.level}

    @property
    def _finish(self) -> str:
        return "tool_calls" if self.answered.calls else "stop"

    @property
    def _counts(self) -> dict[str, int]:
        read, written = self.usage.input_tokens, self.usage.output_tokens
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def new_call(name: str, arguments: Mapping[str, Any]) -> ToolCall:
    """Return a call of ``name`` under a fresh id."""
    return ToolCall(f"call_{uuid.uuid4().hex[:16]}", name, orjson.dumps(arguments).decode())
