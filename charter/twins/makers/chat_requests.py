"""What a maker of the chat-completions wire refuses in a request, in the maker's own sentences. Pure.

Sources. The fields: ``CreateChatCompletionRequest`` and what it is made of in openai/openai-openapi, ``openapi.yaml``
2.3.0. The shape of a fault (``message``, ``type``, ``param``, ``code``): ``Error`` there. The strict form of schemas: "Supported
schemas" of https://platform.openai.com/docs/guides/structured-outputs. The sentences are those that users of the service
quote in public issues; a client is never to depend on their words.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from charter.twins.makers.strict_schemas import loose

FIELDS = frozenset(
    {
        "messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
        "max_completion_tokens", "max_tokens", "metadata", "modalities", "moderation", "n", "parallel_tool_calls", "prediction",
        "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
        "response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options",
        "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
    }
)  # fmt: skip
_MESSAGE = {
    "system": {"content", "name"},
    "developer": {"content", "name"},
    "user": {"content", "name"},
    "assistant": {"content", "name", "refusal", "tool_calls", "function_call", "audio"},
    "tool": {"content", "tool_call_id"},
}
_PARTS = {"user": {"text", "image_url", "input_audio", "file"}, "assistant": {"text", "refusal"}}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA = re.compile(r"data:(image/[a-z+.-]+);base64,(.*)", re.DOTALL)
_BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_REASONING = re.compile(r"o\d|gpt-5")
_NOT_REASONING = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A request that the maker does not serve, with what its error object says."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    type: str = "invalid_request_error"

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def check(body: Mapping[str, Any], *, model: str, fields: frozenset[str] = FIELDS) -> None:
    """Hold a body against the wire.

    Raises:
        Refused: it is not of the wire.
    """
    if unknown := sorted(body.keys() - fields):
        raise Refused(f"Unrecognized request argument supplied: {unknown[0]}")
    _check_reasoning(body, model)
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise Refused("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not messages:
        raise Refused(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages", "empty_array",
        )  # fmt: skip
    for n, message in enumerate(cast("list[Mapping[str, Any]]", messages)):
        _check_message(message, f"messages[{n}]")
    _check_answers(cast("list[Mapping[str, Any]]", messages))
    _check_tools(body)
    _check_format(body.get("response_format"))
    if "stream_options" in body and not body.get("stream"):
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    _only(body.get("stream_options") or {}, {"include_usage", "include_obfuscation"}, "stream_options")


def _check_reasoning(body: Mapping[str, Any], model: str) -> None:
    if not _REASONING.match(model):
        return
    if "max_tokens" in body:
        raise Refused(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens", "unsupported_parameter",
        )  # fmt: skip
    for name in _NOT_REASONING:
        if name in body and body[name] != 1:
            raise Refused(
                f"Unsupported value: '{name}' does not support {body[name]} with this model. Only the default (1) value "
                "is supported.", name, "unsupported_value",
            )  # fmt: skip


def _only(found: Mapping[str, Any], known: set[str], place: str) -> None:
    if unknown := sorted(found.keys() - known):
        raise Refused(f"Unknown parameter: '{place}.{unknown[0]}'.", f"{place}.{unknown[0]}", "unknown_parameter")


def _check_message(message: Mapping[str, Any], place: str) -> None:
    role = str(message.get("role"))
    if role not in _MESSAGE:
        known = ", ".join(f"'{name}'" for name in ("system", "assistant", "user", "function", "tool", "developer"))
        raise Refused(
            f"Invalid value: '{role}'. Supported values are: {known}.", f"{place}.role", "invalid_value"
        )  # fmt: skip
    _only(message, {"role", *_MESSAGE[role]}, place)
    content = message.get("content")
    if content is None and not (role == "assistant" and (message.get("tool_calls") or message.get("refusal"))):
        raise Refused(
            f"Invalid value for 'content': expected a string, got null.", f"{place}.content"  # noqa: F541
        )  # fmt: skip
    if isinstance(content, list):
        for n, part in enumerate(cast("list[Mapping[str, Any]]", content)):
            _check_part(part, _PARTS.get(role, {"text"}), f"{place}.content[{n}]")
    elif content is not None and not isinstance(content, str):
        raise Refused(
            f"Invalid type for '{place}.content': expected one of a string or array of objects.",
            f"{place}.content", "invalid_type",
        )  # fmt: skip
    for n, call in enumerate(message.get("tool_calls") or ()):
        _check_call(call, f"{place}.tool_calls[{n}]")


def _check_part(part: Mapping[str, Any], allowed: set[str], place: str) -> None:
    kind = str(part.get("type"))
    if kind not in allowed:
        known = ", ".join(f"'{name}'" for name in sorted(allowed))
        raise Refused(f"Invalid value: '{kind}'. Supported values are: {known}.", f"{place}.type", "invalid_value")
    if kind == "image_url":
        image: Any = part.get("image_url")
        address: Any = cast("Mapping[str, Any]", image).get("url") if isinstance(image, Mapping) else None
        if not isinstance(address, str):
            raise Refused(
                f"Missing required parameter: '{place}.image_url.url'.", f"{place}.image_url.url", "missing_required_parameter"
            )  # fmt: skip
        _only(cast("Mapping[str, Any]", image), {"url", "detail"}, f"{place}.image_url")
        _check_image(address)
    elif kind == "text" and not isinstance(part.get("text"), str):
        raise Refused(f"Missing required parameter: '{place}.text'.", f"{place}.text", "missing_required_parameter")


def _check_image(url: str) -> None:
    if url.startswith(("https://", "http://")):
        return
    found = _DATA.fullmatch(url)
    beginnings = _BEGINNINGS.get(found[1]) if found else None
    try:
        data = base64.b64decode(found[2], validate=True) if found else b""
    except binascii.Error as fault:
        raise Refused("Invalid base64 image_url.", None, "invalid_base64") from fault
    if beginnings is None or not data.startswith(beginnings):
        raise Refused(
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
            "['png', 'jpeg', 'gif', 'webp'].", None, "invalid_image_format",
        )  # fmt: skip


def _check_call(call: Mapping[str, Any], place: str) -> None:
    if call.get("type") != "function":
        raise Refused(
            f"Invalid value: '{call.get('type')}'. Supported values are: 'function' and 'custom'.", f"{place}.type"
        )
    _only(call, {"id", "type", "function"}, place)
    function: Mapping[str, Any] = call.get("function") or {}
    _only(function, {"name", "arguments"}, f"{place}.function")
    for name, value in (("id", call.get("id")), *((n, function.get(n)) for n in ("name", "arguments"))):
        if not isinstance(value, str) or (name != "arguments" and not value):
            raise Refused(
                f"Missing required parameter: '{place}.{name}'.", f"{place}.{name}", "missing_required_parameter"
            )
    _check_name(str(function["name"]), f"{place}.function.name")


def _check_name(name: str, place: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise Refused(
            f"Invalid '{place}': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'.", place, "invalid_value",
        )  # fmt: skip


def _check_answers(messages: Sequence[Mapping[str, Any]]) -> None:
    """Every call has its tool message right behind it, and every tool message its call."""
    open_calls: list[str] = []
    for n, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise Refused(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    f"messages.[{n}].role",
                )  # fmt: skip
            open_calls.remove(message["tool_call_id"])
            continue
        _all_answered(open_calls)
        open_calls = [str(call["id"]) for call in message.get("tool_calls") or ()]
    _all_answered(open_calls)


def _all_answered(open_calls: Sequence[str]) -> None:
    if open_calls:
        raise Refused(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The "
            f"following tool_call_ids did not have response messages: {', '.join(open_calls)}", "messages",
        )  # fmt: skip


def _check_tools(body: Mapping[str, Any]) -> None:
    tools: Any = body.get("tools")
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and not tools:
            raise Refused(f"'{name}' is only allowed when 'tools' are specified.", name)
    if tools == []:
        raise Refused(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "tools", "empty_array",
        )  # fmt: skip
    for n, tool in enumerate(cast("list[Mapping[str, Any]]", tools or [])):
        place = f"tools[{n}]"
        if tool.get("type") != "function":
            raise Refused(
                f"Invalid value: '{tool.get('type')}'. Supported values are: 'function' and 'custom'.", f"{place}.type"
            )
        _only(tool, {"type", "function"}, place)
        function: Mapping[str, Any] = tool.get("function") or {}
        _only(function, {"name", "description", "parameters", "strict"}, f"{place}.function")
        _check_name(str(function.get("name", "")), f"{place}.function.name")
        for fault in _schema_faults(function):
            raise Refused(
                f"Invalid schema for function '{function['name']}': {fault}", f"{place}.function.parameters",
                "invalid_function_parameters",
            )  # fmt: skip


def _schema_faults(function: Mapping[str, Any]) -> Iterator[str]:
    parameters: Any = function.get("parameters", {"type": "object", "properties": {}})
    kind = cast("Mapping[str, Any]", parameters).get("type") if isinstance(parameters, Mapping) else None
    if kind != "object":
        yield f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    elif function.get("strict"):
        yield from loose(parameters)


def _check_format(wanted: Any) -> None:
    if wanted is None:
        return
    form: Mapping[str, Any] = wanted
    if form.get("type") not in {"text", "json_object", "json_schema"}:
        raise Refused(
            f"Invalid value: '{form.get('type')}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            "response_format.type", "invalid_value",
        )  # fmt: skip
    _only(form, {"type", "json_schema"} if form["type"] == "json_schema" else {"type"}, "response_format")
    if form["type"] != "json_schema":
        return
    told: Mapping[str, Any] = form.get("json_schema") or {}
    _only(told, {"name", "description", "schema", "strict"}, "response_format.json_schema")
    _check_name(str(told.get("name", "")), "response_format.json_schema.name")
    for fault in loose(told.get("schema") or {}) if told.get("strict") else ():
        raise Refused(f"Invalid schema for response_format '{told['name']}': {fault}", "response_format")
