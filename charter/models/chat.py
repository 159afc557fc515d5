"""Our words for one turn of a chat model; nothing here knows a maker or a framework."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

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
class Message:
    """One message of the conversation. A ``tool`` message answers the call ``call_id`` with JSON text."""

    role: Role
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answered: text, calls or both, and what it cost. ``level``, ``model`` and ``deployment`` say who
    really answered.
    """

    text: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    model: str
    level: Level
    finish_reason: str = "stop"
    deployment: str = ""


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
