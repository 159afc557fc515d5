"""A scene as a chat completion, whole or in chunks. Pure.

Sources. Whole answers: the recorded ones of openai/openai-python, ``tests/lib/chat/test_completions.py``. Chunks (the role
first, a call's name before its pieces, ``refusal`` beside ``content``, usage last with no choices): the recorded streams in
its ``.inline-snapshot/external``, ``173417d5…`` (refusal), ``c6aa7e39…`` (call), ``a491adda…`` (text). Usage:
``CompletionUsage`` of openai/openai-openapi 2.3.0.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from charter.twins.makers.scene import Call, Scene

PIECES = re.compile(r".{1,8}", re.DOTALL)
"""The arguments of a call come in pieces of so many characters."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """One answer of ``model`` under its id."""

    scene: Scene
    model: str
    id: str
    created: int

    def whole(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self.scene.text) or None}
        message |= {"refusal": self.scene.refused or None, "annotations": []}
        if self.scene.calls:
            message["tool_calls"] = [_call(call, call.arguments) for call in self.scene.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        return {**self.head("chat.completion"), "choices": [choice], "usage": self.usage()}

    def pieces(self) -> Iterator[dict[str, Any]]:
        """Yield what follows the role: the deltas of text, of a refusal, and of each call."""
        for text in self.scene.text:
            yield {"content": text}
        for text in re.findall(r"\s*\S+", self.scene.refused):
            yield {"refusal": text}
        for index, call in enumerate(self.scene.calls):
            yield {"tool_calls": [{"index": index, **_call(call, "")}]}
            for piece in PIECES.findall(call.arguments):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}

    def chunk(self, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
        return {**self.head("chat.completion.chunk"), "choices": [choice]}

    def chunks(self) -> Iterator[dict[str, Any]]:
        """Yield the answer without its end."""
        opening = {"role": "assistant", "content": None if self.scene.refused else "", "refusal": None}
        yield self.chunk(opening)
        for delta in self.pieces():
            yield self.chunk(delta)

    def last(self) -> dict[str, Any]:
        return self.chunk({}, self.finish)

    def counted(self) -> dict[str, Any]:
        """Return the chunk that a client gets who asked to include the usage."""
        return {**self.head("chat.completion.chunk"), "choices": [], "usage": self.usage()}

    @property
    def finish(self) -> str:
        if self.scene.filtered == "answer":
            return "content_filter"
        return self.scene.finish or ("tool_calls" if self.scene.calls else "stop")

    def usage(self) -> dict[str, Any]:
        read, written = self.scene.input_tokens, self.scene.output_tokens
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": self.scene.cached_tokens, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def head(self, kind: str) -> dict[str, Any]:
        head = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return {**head, "service_tier": "default", "system_fingerprint": "fp_twin"}


def _call(call: Call, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
