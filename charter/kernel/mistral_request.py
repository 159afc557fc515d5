"""A thread of ours as a request to Mistral: https://docs.mistral.ai/api/endpoint/chat."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import orjson

from charter.kernel.call_ids import for_mistral
from charter.models.chat import Message, ToolCall
from charter.models.form import asked

_UNANSWERED = {"role": "assistant", "content": "(I gave no answer to this.)"}
"""Stands where a person wrote after results that no answer followed: the maker takes only an answer there."""


def conversation(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Return the messages."""
    made: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "assistant" and not message.text.strip() and not message.calls:
            continue
        if message.role == "user" and made and made[-1]["role"] == "tool":
            made.append(_UNANSWERED)
        made.append(_message(message))
    return made


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        name = (message.name or "").replace(".", "-", 1)
        call_id = for_mistral(message.call_id or "")
        return {"role": "tool", "name": name, "tool_call_id": call_id, "content": message.text}
    if message.images:
        shown = [{"type": "image_url", "image_url": image.data_url} for image in message.images]
        return {"role": message.role, "content": [{"type": "text", "text": message.text}, *shown]}
    said: dict[str, Any] = {"role": message.role, "content": message.text}
    return said | {"tool_calls": [_call(call) for call in message.calls]} if message.calls else said


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name.replace(".", "-", 1), "arguments": call.arguments}
    return {"id": for_mistral(call.id), "type": "function", "function": function}


def response_format(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the field that asks for JSON of this schema."""
    if schema is None:
        return {}
    form = {"name": "answer", "schema": asked(schema), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


def cache_key(messages: Iterable[Mapping[str, Any]], tools: Iterable[Mapping[str, Any]]) -> str:
    """Return what requests share that begin alike, so that the maker finds what it has read before."""
    begun = [message for message in messages if message["role"] == "system"]
    return blake2b(orjson.dumps([begun, *tools]), digest_size=16).hexdigest()
