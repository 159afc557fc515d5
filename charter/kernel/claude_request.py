"""A thread of ours as a request to Claude: https://platform.claude.com/docs/en/api/messages/create.

The instructions stand apart; all results of a turn's calls stand in one message of the person, before anything else, in
the order of the calls; neighbours of one role become one message.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import orjson

from charter.kernel.call_ids import for_claude
from charter.models.chat import Image, Message, ToolCall
from charter.models.form import asked

Block = dict[str, Any]

_KEPT: Mapping[str, str] = {"type": "ephemeral"}
"""Up to here the maker keeps what it has read, for five minutes: https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""
_OPENING: Block = {"role": "user", "content": [{"type": "text", "text": "(The conversation so far:)"}]}


def instructions(messages: Iterable[Message]) -> list[Block]:
    """Return the system prompt; it and the functions before it are the same in every turn, so they are kept."""
    said = [message.text for message in messages if message.role == "system" and message.text.strip()]
    return [{"type": "text", "text": "\n\n".join(said), "cache_control": _KEPT}] if said else []


def conversation(messages: Iterable[Message], *, kept: bool) -> list[Block]:
    """Return the messages. ``kept``: another turn is likely to follow that begins with all of these."""
    made: list[Block] = []
    order: dict[str, int] = {}
    for message in messages:
        if message.role == "system" or not (blocks := _blocks(message)):
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if made and made[-1]["role"] == role:
            made[-1]["content"] += blocks
        else:
            made.append({"role": role, "content": blocks})
        order |= {for_claude(call.id): place for place, call in enumerate(message.calls, len(order))}
    for each in made:
        each["content"].sort(key=partial(_place, order))
    if made and made[0]["role"] == "assistant":
        made.insert(0, _OPENING)
    if kept and made:
        made[-1]["content"][-1] = {**made[-1]["content"][-1], "cache_control": _KEPT}
    return made


def _place(order: Mapping[str, int], block: Block) -> int:
    # Results before what the person says; the sort keeps everything else where it is.
    return order.get(block["tool_use_id"], 0) if block["type"] == "tool_result" else len(order)


def _blocks(message: Message) -> list[Block]:
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": for_claude(message.call_id or ""), "content": message.text}]
    said: list[Block] = [{"type": "text", "text": message.text}] if message.text.strip() else []
    return [*map(_image, message.images), *said, *map(_call, message.calls)]


def _image(image: Image) -> Block:
    return {"type": "image", "source": {"type": "base64", "media_type": image.media_type, "data": image.base64}}


def _call(call: ToolCall) -> Block:
    name = call.name.replace(".", "-", 1)
    return {"type": "tool_use", "id": for_claude(call.id), "name": name, "input": _object(call.arguments)}


def _object(text: str) -> Mapping[str, Any]:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    # What a model wrote may have been no object: the call was refused then, and is shown to have been wrong.
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {"not_an_object": text}


def tools(offered: Mapping[str, Mapping[str, Any]], messages: Sequence[Block]) -> dict[str, Any]:
    """Return the fields that offer these functions, and no other.

    A thread with calls in it is refused where no function is described; then those are named that were called, and the
    model is told to call none.
    """
    if offered:
        return {"tools": [_tool(tool["function"]) for tool in offered.values()]}
    called = {block["name"]: None for m in messages for block in m["content"] if block["type"] == "tool_use"}
    if not called:
        return {}
    named = [{"name": name, "input_schema": {"type": "object"}} for name in called]
    return {"tools": named, "tool_choice": {"type": "none"}}


def _tool(function: Mapping[str, Any]) -> Block:
    return {
        "name": function["name"],
        "description": function["description"],
        "input_schema": function["parameters"],
    }


def output_config(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the field that asks for JSON of this schema."""
    if schema is None:
        return {}
    return {"output_config": {"format": {"type": "json_schema", "schema": asked(schema)}}}
