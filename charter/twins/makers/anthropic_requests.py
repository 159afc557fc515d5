"""What Anthropic's API takes, and what it says of a request that it does not take.

Sources. Versions: https://platform.claude.com/docs/en/api/versioning and
https://platform.claude.com/docs/en/api/migration-2026-10-21. Fields: https://platform.claude.com/docs/en/api/messages/create and
``types/message_create_params.py`` of anthropics/anthropic-sdk-python. Roles that follow one another, and where results stand:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls. Breakpoints:
https://platform.claude.com/docs/en/build-with-claude/prompt-caching. Schemas of answers:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs. Bodies of refusals:
https://platform.claude.com/docs/en/api/errors; their sentences as its users quote them. Instructions amid the messages, which
some models take, are not taken here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

_BREAKPOINTS = 4
_BOUNDS = frozenset(
    {"minimum", "maximum", "minLength", "maxLength", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"}
)


class Refused(Exception):
    """The request is answered with an error of this type."""

    def __init__(self, message: str, kind: str = "invalid_request_error", status: int = 400) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CacheControl(_Part):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class _Cached(_Part):
    cache_control: CacheControl | None = None


class Text(_Cached):
    type: Literal["text"]
    text: str
    citations: list[Any] | None = None


class Base64(_Part):
    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: Annotated[str, Field(min_length=1)]


class Address(_Part):
    type: Literal["url"]
    url: str


class Image(_Cached):
    type: Literal["image"]
    source: Annotated[Base64 | Address, Field(discriminator="type")]


class ToolUse(_Cached):
    type: Literal["tool_use"]
    id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    input: dict[str, Any]


class ToolResult(_Cached):
    type: Literal["tool_result"]
    tool_use_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")]
    content: str | list[Annotated[Text | Image, Field(discriminator="type")]] | None = None
    is_error: bool | None = None


class Thinking(_Part):
    type: Literal["thinking"]
    thinking: str
    signature: str


Block = Annotated[Text | Image | ToolUse | ToolResult | Thinking, Field(discriminator="type")]


class Message(_Part):
    role: Literal["user", "assistant"]
    content: str | list[Block]


class Tool(_Cached):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
    description: str | None = None
    input_schema: dict[str, Any]
    type: Literal["custom"] | None = None
    strict: bool | None = None


class ToolChoice(_Part):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class OutputFormat(_Part):
    type: Literal["json_schema"]
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]


class OutputConfig(_Part):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class Counted(_Part):
    """What ``count_tokens`` takes."""

    model: Annotated[str, Field(min_length=1)]
    messages: Annotated[list[Message], Field(min_length=1)]
    system: str | list[Text] | None = None
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    thinking: dict[str, Any] | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None


class Asked(Counted):
    """What ``messages`` takes."""

    max_tokens: Annotated[int, Field(ge=1)]
    stream: bool = False
    metadata: dict[str, Any] | None = None
    stop_sequences: list[str] | None = None
    service_tier: Literal["auto", "standard_only"] | None = None


class AskedEarlier(Asked):
    """What ``messages`` took up to version 2023-06-01."""

    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None


TAKEN: Mapping[str, type[Asked]] = {"2026-10-21": Asked, "2023-06-01": AskedEarlier}
"""What ``messages`` takes in each version of the API."""


def check(body: Mapping[str, Any], kind: type[Counted]) -> None:
    """Check a body as the maker does.

    Raises:
        Refused: the maker would not take it.
    """
    try:
        asked = TypeAdapter(kind).validate_python(body)
    except ValidationError as fault:
        # Of what does not fit in any way, the deepest says what was meant.
        wrong = max(fault.errors(), key=lambda each: len(each["loc"]))
        raise Refused(f"{'.'.join(str(part) for part in wrong['loc'])}: {wrong['msg']}") from fault
    turns = _combined(asked.messages)
    if turns[0][0] != "user":
        raise Refused('messages: first message must use the "user" role')
    _check_texts(asked)
    _check_calls(turns)
    _check_tools(asked, turns)
    if (found := _breakpoints(body)) > _BREAKPOINTS:
        raise Refused(f"A maximum of 4 blocks with cache_control may be provided. Found {found}.")
    if asked.output_config and asked.output_config.format:
        _check_schema(asked.output_config.format.json_schema)


def _combined(messages: Sequence[Message]) -> list[tuple[str, list[Any]]]:
    """Return the turns: neighbours of one role are one."""
    turns: list[tuple[str, list[Any]]] = []
    for message in messages:
        blocks = [Text(type="text", text=message.content)] if isinstance(message.content, str) else message.content
        if turns and turns[-1][0] == message.role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message.role, list(blocks)))
    return turns


def _check_texts(asked: Counted) -> None:
    system = asked.system if isinstance(asked.system, list) else []
    blocks: list[Any] = [*system, *(b for _, blocks in _combined(asked.messages) for b in blocks)]
    for block in blocks:
        if isinstance(block, Text) and not block.text.strip():
            raise Refused("messages: text content blocks must contain non-whitespace text")


def _check_calls(turns: Sequence[tuple[str, list[Any]]]) -> None:
    """Each call has its result in the next message, before anything else there, and each result its call."""
    seen: set[str] = set()
    before: list[str] = []
    for place, (role, blocks) in enumerate(turns):
        results = [block.tool_use_id for block in blocks if isinstance(block, ToolResult)]
        if stray := [each for each in results if each not in before]:
            raise Refused(
                f"messages.{place}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {stray[0]}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        leading = blocks[: len(results)] if role == "user" else []
        answered = {block.tool_use_id for block in leading if isinstance(block, ToolResult)}
        _all_answered(place - 1, [each for each in before if each not in answered])
        if len(set(results)) < len(results):
            raise Refused(
                f"messages.{place}.content: each tool_use must have a single result. Found multiple `tool_result`."
            )
        before = [block.id for block in blocks if isinstance(block, ToolUse)]
        if len(set(before)) < len(before) or seen & set(before):
            raise Refused(f"messages.{place}.content: `tool_use` ids must be unique")
        seen |= set(before)
    _all_answered(len(turns) - 1, before)


def _all_answered(place: int, missing: Sequence[str]) -> None:
    if missing:
        raise Refused(
            f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        )


def _check_tools(asked: Counted, turns: Sequence[tuple[str, list[Any]]]) -> None:
    names = [tool.name for tool in asked.tools]
    if len(set(names)) < len(names):
        raise Refused("tools: Tool names must be unique.")
    for place, tool in enumerate(asked.tools):
        if tool.input_schema.get("type") != "object":
            raise Refused(f"tools.{place}.custom.input_schema.type: Field required")
    if not names and asked.tool_choice is not None:
        raise Refused("tool_choice: may only be specified while providing `tools`")
    if not names and any(isinstance(block, ToolUse | ToolResult) for _, blocks in turns for block in blocks):
        raise Refused("Requests which include `tool_use` or `tool_result` blocks in `messages` must define `tools`.")


def _breakpoints(part: Any) -> int:
    if isinstance(part, Mapping):
        found = cast("Mapping[str, Any]", part)
        inner = sum(_breakpoints(v) for key, v in found.items() if key not in {"input", "input_schema"})
        return inner + (found.get("cache_control") is not None)
    return sum(map(_breakpoints, cast("list[Any]", part))) if isinstance(part, list) else 0


def _check_schema(schema: Mapping[str, Any]) -> None:
    for part in _schemas(schema):
        kind = part.get("type")
        if kind == "object" and part.get("additionalProperties") is not False:
            raise Refused(
                "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
            )
        if bounds := sorted(_BOUNDS & part.keys()):
            raise Refused(
                f"output_config.format.schema: For '{kind}' type, properties {', '.join(bounds)} are not supported"
            )


def _schemas(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    inner: list[Any] = [
        *schema.get("properties", {}).values(),
        *schema.get("$defs", {}).values(),
        *schema.get("anyOf", []),
    ]
    for part in [*inner, schema.get("items")]:
        if isinstance(part, Mapping):
            yield from _schemas(cast("Mapping[str, Any]", part))
