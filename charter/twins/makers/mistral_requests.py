"""What Mistral's chat completions take, and what they say of a request that they do not take.

Sources. Fields: ``models/chatcompletionrequest.py`` and the messages beside it in mistralai/client-python, and
https://docs.mistral.ai/api/endpoint/chat. The order of roles, calls and their answers, and ids:
``protocol/instruct/validator.py`` of mistralai/mistral-common, which the maker publishes for its own models; sentences, types
and codes (3230, 3280) of refusals as users of the API quote them. Fields that are wrong: ``HTTPValidationError`` of the
client, status 422.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

_ID = re.compile(r"[a-zA-Z0-9]{9}")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,256}")
_FOLLOW: Mapping[str, set[str]] = {
    "system": {"user", "assistant", "system"},
    "user": {"assistant", "system", "user"},
    "assistant": {"assistant", "user", "tool"},
    "tool": {"assistant", "tool"},
}


class Refused(Exception):
    """The request is answered with an error of this type and code."""

    def __init__(
        self, message: str, kind: str = "invalid_request_error", code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.status = status


class Malformed(Exception):
    """Fields of the request are wrong; ``detail`` says which, as status 422 does."""

    def __init__(self, detail: Sequence[Any]) -> None:
        super().__init__("malformed")
        self.detail = list(detail)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Text(_Part):
    type: Literal["text"]
    text: str


class ImageUrl(_Part):
    type: Literal["image_url"]
    image_url: str | dict[str, str]


Chunk = Annotated[Text | ImageUrl, Field(discriminator="type")]


class Function(_Part):
    name: str
    arguments: str | dict[str, Any]


class Call(_Part):
    id: str = "null"
    type: Literal["function"] = "function"
    function: Function
    index: int = 0


class System(_Part):
    role: Literal["system"]
    content: str | list[Text]


class User(_Part):
    role: Literal["user"]
    content: str | list[Chunk] | None


class Assistant(_Part):
    role: Literal["assistant"]
    content: str | list[Chunk] | None = None
    tool_calls: list[Call] | None = None
    prefix: bool = False


class ToolAnswer(_Part):
    role: Literal["tool"]
    content: str | list[Chunk] | None
    tool_call_id: str | None = None
    name: str | None = None


class Described(_Part):
    name: str
    description: str = ""
    strict: bool = False
    parameters: dict[str, Any]


class Tool(_Part):
    type: Literal["function"] = "function"
    function: Described


class Form(_Part):
    name: str
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]
    description: str | None = None
    strict: bool = False


class ResponseFormat(_Part):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: Form | None = None


class Asked(_Part):
    model: str
    messages: list[Annotated[System | User | Assistant | ToolAnswer, Field(discriminator="role")]]
    temperature: Annotated[float, Field(ge=0, le=1.5)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    stream: bool = False
    stop: str | list[str] | None = None
    random_seed: int | None = None
    metadata: dict[str, Any] | None = None
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "any", "required"] | dict[str, Any] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    n: int | None = None
    parallel_tool_calls: bool | None = None
    prompt_cache_key: str | None = None
    safe_prompt: bool | None = None


def check(body: Mapping[str, Any]) -> None:
    """Check a body as the maker does.

    Raises:
        Malformed: a field is missing, unknown or of another type.
        Refused: the messages do not make a conversation that the maker takes.
    """
    try:
        asked = TypeAdapter(Asked).validate_python(body)
    except ValidationError as fault:
        wrong = fault.errors(include_url=False, include_context=False)
        raise Malformed([{**each, "loc": ["body", *each["loc"]]} for each in wrong]) from fault
    if not asked.messages:
        raise Refused("Conversation must have at least one message", "invalid_request_message_order", "3230")
    _check_order(asked.messages)
    _check_calls(asked.messages)
    for tool in asked.tools or ():
        if _NAME.fullmatch(tool.function.name) is None:
            raise Refused(
                f"Function name was {tool.function.name} but must be a-z, A-Z, 0-9, or contain underscores and dashes, with a "
                "maximum length of 256.", "invalid_function_call", "3280",
            )  # fmt: skip
    if asked.response_format and asked.response_format.type == "json_schema" and not asked.response_format.json_schema:
        raise Refused("json_schema must be provided when response_format type is json_schema")


def _check_order(messages: Sequence[Any]) -> None:
    for before, message in pairwise(messages):
        if message.role not in _FOLLOW[before.role]:
            said = f"Unexpected role '{message.role}' after role '{before.role}'"
            raise Refused(said, "invalid_request_message_order", "3230")
    last = messages[-1]
    if last.role not in {"user", "tool"} and not getattr(last, "prefix", False):
        raise Refused(
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got " + last.role,
            "invalid_request_message_order", "3230",
        )  # fmt: skip


def _check_calls(messages: Sequence[Any]) -> None:
    """Every id has the maker's form, and every call its answer before anything else is said."""
    open_calls: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in open_calls:
                said = f"Unexpected tool call id {message.tool_call_id} in tool results"
                raise Refused(said, "invalid_request_message_order", "3230")
            open_calls.remove(message.tool_call_id)
            continue
        _all_answered(open_calls)
        if message.role == "assistant":
            open_calls = [_checked(call) for call in message.tool_calls or ()]
            if not open_calls and not message.content:
                raise Refused("Assistant message must have either content or tool_calls, but not none.", code="3240")
    _all_answered(open_calls)


def _all_answered(open_calls: Sequence[str]) -> None:
    if open_calls:
        raise Refused("Not the same number of function calls and responses", "invalid_request_message_order", "3230")


def _checked(call: Call) -> str:
    if _ID.fullmatch(call.id) is None:
        raise Refused(
            f"Tool call id was {call.id} but must be a-z, A-Z, 0-9, with a length of 9.",
            "invalid_function_call",
            "3280",
        )
    return call.id
