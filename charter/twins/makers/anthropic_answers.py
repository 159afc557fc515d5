"""A scene as a message of Claude, whole or in events. Pure.

Sources. Events and their order: https://platform.claude.com/docs/en/build-with-claude/streaming and the recorded streams of
anthropics/anthropic-sdk-python, ``tests/lib/streaming/fixtures``: ``basic_response.txt`` (text, ping),
``tool_use_response.txt`` (text beside a call, the empty piece first), ``refusal_response.txt`` (``stop_details``). Counts:
``types/usage.py``, ``types/message_delta_usage.py`` there: ``input_tokens`` is what neither came from the cache nor went there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from charter.twins.makers.scene import Call, Scene

_PIECES = re.compile(r".{1,8}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rendering:
    """One answer of ``model`` under its id."""

    scene: Scene
    model: str
    id: str

    def whole(self) -> dict[str, Any]:
        text = "".join(self.scene.text)
        content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        content += [{**_call(call), "input": orjson.loads(call.arguments)} for call in self.scene.calls]
        return {**self._head(content, self._usage(self.scene.output_tokens)), **self._stop()}

    def events(self) -> Iterator[tuple[bytes, bool]]:
        """Yield each event, and whether it is a piece of the answer."""
        empty = {"stop_reason": None, "stop_sequence": None}
        yield event({"type": "message_start", "message": {**self._head([], self._usage(1)), **empty}}), False
        spoken = bool(self.scene.text or self.scene.refused)
        if spoken:
            yield from self._block(0, {"type": "text", "text": ""}, "text_delta", "text", self.scene.text)
        for index, call in enumerate(self.scene.calls, int(spoken)):
            pieces = ["", *_PIECES.findall(call.arguments)]
            yield from self._block(index, {**_call(call), "input": {}}, "input_json_delta", "partial_json", pieces)
        usage = {"output_tokens": self.scene.output_tokens}
        yield event({"type": "message_delta", "delta": self._stop(), "usage": usage}), False
        yield event({"type": "message_stop"}), False

    @staticmethod
    def _block(
        index: int, opening: Mapping[str, Any], kind: str, key: str, pieces: Any
    ) -> Iterator[tuple[bytes, bool]]:
        yield event({"type": "content_block_start", "index": index, "content_block": opening}), False
        yield event({"type": "ping"}), False
        for piece in pieces:
            yield event({"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}}), True
        yield event({"type": "content_block_stop", "index": index}), False

    def _head(self, content: list[dict[str, Any]], usage: Mapping[str, Any]) -> dict[str, Any]:
        head = {"id": self.id, "type": "message", "role": "assistant", "model": self.model}
        return {**head, "content": content, "usage": usage}

    def _stop(self) -> dict[str, Any]:
        reason = (
            "refusal" if self.scene.refused else self.scene.finish or ("tool_use" if self.scene.calls else "end_turn")
        )
        details = (
            {"type": "refusal", "category": None, "explanation": self.scene.refused} if self.scene.refused else None
        )
        return {"stop_reason": reason, "stop_sequence": None, "stop_details": details}

    def _usage(self, written: int) -> dict[str, Any]:
        scene = self.scene
        return {
            "input_tokens": scene.input_tokens - scene.cached_tokens - scene.cache_write_tokens,
            "cache_creation_input_tokens": scene.cache_write_tokens,
            "cache_read_input_tokens": scene.cached_tokens,
            "output_tokens": written,
            "service_tier": "standard",
        }


def _call(call: Call) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "caller": {"type": "direct"}}


def event(data: Mapping[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
