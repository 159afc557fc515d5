"""Our words for one turn of a chat model; nothing here knows a maker or a framework."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from charter.errors import ModelFault

Role = Literal["system", "user", "assistant", "tool"]
Level = Literal["yours", "embedded", "assistance"]

UNSUPPORTED = "No approved source that you may read says anything about this, so nothing was written."
"""The whole text of a writer whose brief no source supports."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wants called: ``name`` is the full name, ``arguments`` the raw JSON text it wrote."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """``input_tokens`` counts all that was read; how much of it came from the maker's cache, or went there, is said beside."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that a person's message shows; its bytes are kept out of every ``repr``, and so out of logs."""

    media_type: str
    data: bytes = field(repr=False)

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode()

    @property
    def data_url(self) -> str:
        return f"data:{self.media_type};base64,{self.base64}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation. A ``tool`` message answers the call ``call_id`` with JSON text; only a ``user``
    message has images.
    """

    role: Role
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    name: str | None = None
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A deployment that was asked and did not answer: why, in our words, when, and what it is known to have used."""

    deployment: str
    why: ModelFault
    detail: str
    at: datetime
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answered: text, calls or both, and what it cost. ``level``, ``model`` and ``deployment`` say who
    really answered, ``attempts`` who was asked before. ``finish_reason`` is ``stop``, ``tool_calls``, ``length``,
    ``content_filter`` (the maker's filter stopped it; the text says so) or ``refusal`` (the text is the model's own
    refusal), whatever the maker calls them.
    """

    text: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    model: str
    level: Level
    finish_reason: str = "stop"
    deployment: str = ""
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Hint:
    """What a small model needs to know of a function beyond its schema: how people ask for it, and how to find values.

    ``arguments`` has, per argument, the keys of ``ArgumentSpec`` (role, slot, pattern, synonyms, ask);
    ``receipt`` is a Jinja template over ``result`` and ``arguments``.
    """

    wire_name: str
    description: str
    effect: str
    examples: Sequence[str]
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    receipt: str | None = None
    retrieval: bool = False
