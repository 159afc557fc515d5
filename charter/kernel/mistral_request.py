"""A thread of ours as a request to Mistral: https://docs.mistral.ai/api/endpoint/chat.

It is made of the maker's own classes: what comes to its client as plain JSON is turned into them by classes that it makes
anew for every request, which costs more than all else.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import orjson
from mistralai.client import models

from charter.kernel.call_ids import for_mistral
from charter.models.chat import Message, ToolCall
from charter.models.form import asked

_UNANSWERED = "(I gave no answer to this.)"
"""Stands where a person wrote after results that no answer followed: the maker takes only an answer there."""


def conversation(messages: Iterable[Message]) -> list[Any]:
    """Return the messages."""
    made: list[Any] = []
    for message in messages:
        if message.role == "assistant" and not message.text.strip() and not message.calls:
            continue
        if message.role == "user" and made and made[-1].role == "tool":
            made.append(models.AssistantMessage(content=_UNANSWERED))
        made.append(_message(message))
    return made


def _message(message: Message) -> Any:
    match message.role:
        case "system":
            return models.SystemMessage(content=message.text)
        case "user":
            return models.UserMessage(content=_seen(message) if message.images else message.text)
        case "assistant" if message.calls:
            return models.AssistantMessage(content=message.text, tool_calls=[_call(call) for call in message.calls])
        case "assistant":
            return models.AssistantMessage(content=message.text)
        case "tool":
            name = (message.name or "").replace(".", "-", 1)
            return models.ToolMessage(content=message.text, tool_call_id=for_mistral(message.call_id or ""), name=name)


def _seen(message: Message) -> list[Any]:
    images = [models.ImageURLChunk(image_url=image.data_url) for image in message.images]
    return [*images, models.TextChunk(text=message.text)] if message.text else images


def _call(call: ToolCall) -> models.ToolCall:
    function = models.FunctionCall(name=call.name.replace(".", "-", 1), arguments=call.arguments)
    return models.ToolCall(id=for_mistral(call.id), function=function)


def tools(offered: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the field that offers these functions, and no other."""
    functions = [tool["function"] for tool in offered.values()]
    described = [
        models.Function(name=each["name"], description=each["description"], parameters=each["parameters"])
        for each in functions
    ]
    return {"tools": [models.Tool(function=function) for function in described]} if described else {}


def response_format(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the field that asks for JSON of this schema."""
    if schema is None:
        return {}
    form = models.JSONSchema(name="answer", schema_definition=asked(schema), strict=True)
    return {"response_format": models.ResponseFormat(type="json_schema", json_schema=form)}


def cache_key(messages: Iterable[Message], offered: Iterable[str]) -> str:
    """Return what requests share that begin alike, so that the maker finds what it has read before."""
    begun = [message.text for message in messages if message.role == "system"]
    return blake2b(orjson.dumps([begun, *offered]), digest_size=16).hexdigest()
