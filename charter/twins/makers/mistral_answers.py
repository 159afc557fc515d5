"""A scene as a chat completion of Mistral, whole or in chunks. Pure.

Sources. Shapes: ``models/chatcompletionresponse.py``, ``completionchunk.py``, ``deltamessage.py``, ``usageinfo.py`` of
mistralai/client-python, and the answers in its ``src/mistralai/extra/tests/test_otel_tracing.py``. Chunks (the role first, calls
whole and with the reason to stop, usage in the last one, ``[DONE]``): https://docs.mistral.ai/capabilities/completion and
https://docs.mistral.ai/capabilities/function_calling. Content in chunks: ``models/contentchunk.py``. Cached tokens:
``prompt_tokens_details`` in ``src/mistralai/extra/observability/otel.py`` there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from charter.twins.makers.scene import Call, Scene

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Rendering:
    """One answer of ``model`` under its id. A refusal is text like any other: this maker has no other word for it."""

    scene: Scene
    model: str
    id: str
    created: int

    def whole(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts()), "tool_calls": None}
        if self.scene.calls:
            message["tool_calls"] = [_call(call) for call in self.scene.calls]  # a whole answer may name no places
        choice = {"index": 0, "message": message, "finish_reason": self._finish}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    def events(self) -> Iterator[tuple[bytes, bool]]:
        """Yield each chunk, and whether it is a piece of the answer."""
        yield self._chunk({"role": "assistant", "content": ""}), False
        for place, text in enumerate(self._texts()):
            # Reasoning models speak in lists of chunks; both forms are the maker's.
            yield self._chunk({"content": [{"type": "text", "text": text}] if place % 2 else text}), True
        called = [_call(call) | {"index": index} for index, call in enumerate(self.scene.calls)]
        last: Mapping[str, Any] = {"content": "", "tool_calls": called} if called else {"content": ""}
        yield self._chunk(last, finish=self._finish, usage=self._usage()), bool(called)
        yield DONE, False

    def failing(self) -> bytes:
        """Return the chunk with which the maker ends an answer that it could not finish."""
        return self._chunk({"content": ""}, finish="error") + DONE

    def _texts(self) -> list[str]:
        return [*self.scene.text, *filter(None, [self.scene.refused])]

    def _chunk(
        self, delta: Mapping[str, Any], *, finish: str | None = None, usage: Mapping[str, Any] | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": dict(delta), "finish_reason": finish}
        more = {"usage": usage} if usage else {}
        return b"data: " + orjson.dumps({**self._head("chat.completion.chunk"), "choices": [choice], **more}) + b"\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    @property
    def _finish(self) -> str:
        return self.scene.finish or ("tool_calls" if self.scene.calls else "stop")

    def _usage(self) -> dict[str, Any]:
        read, written = self.scene.input_tokens, self.scene.output_tokens
        details = {"prompt_tokens_details": {"cached_tokens": self.scene.cached_tokens}}
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written, **details}


def _call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}
