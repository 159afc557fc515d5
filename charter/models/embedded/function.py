"""A function as the assistance sees it: the hint of its plugin joined with the schema that the request offers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from charter.models.chat import Hint
from charter.models.embedded.words import content, words

Kind = Literal["id", "money", "start", "end", "month", "number", "option", "thing", "query", "content", "name", "none"]
_SLOTS: dict[str, Kind] = {
    "money": "money", "date_start": "start", "date_end": "end", "month": "month", "number": "number",
}  # fmt: skip


@dataclass(frozen=True)
class Argument:
    """One argument: how its value is found in words, and what the schema allows."""

    name: str
    kind: Kind
    required: bool
    ask: str
    schema: Mapping[str, Any]
    pattern: str = ""
    synonyms: Mapping[str, Sequence[str]] | None = None
    role: str = ""

    @cached_property
    def label(self) -> str:
        return self.name.replace("_", " ")

    @cached_property
    def spelled(self) -> re.Pattern[str]:
        """The id's pattern, forgiving how its mark is written: ``po 7781``, ``PO7781`` and ``po#7781`` are PO-7781."""
        loose = re.sub(r"^([A-Za-z]+)-", lambda head: rf"{head[1]}[\\s#:_-]*", self.pattern)
        return re.compile(rf"(?<![\w-])(?:{loose})(?![\w-])", re.IGNORECASE)

    def written(self, found: str) -> str:
        """Return a found id as the pattern wants it."""
        head = re.match(r"[A-Za-z]+(?=-)", self.pattern)
        if not head:
            return found
        tail = re.sub(rf"^{head[0]}[\s#:_-]*", "", found, flags=re.IGNORECASE)
        return f"{head[0]}-{tail}"


@dataclass(frozen=True)
class Function:
    """``name`` is the wire's name; ``own_words`` are the stems of its name, description and argument names."""

    name: str
    hint: Hint
    arguments: tuple[Argument, ...]

    @property
    def label(self) -> str:
        """The name for people: ``create order``."""
        return self.name.partition("-")[2].replace("_", " ") or self.name

    @cached_property
    def required(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.required)

    @cached_property
    def own_words(self) -> frozenset[str]:
        named = re.sub(r"[-_]", " ", self.name)
        labels = " ".join(argument.label for argument in self.arguments)
        return frozenset(content(f"{named} {self.hint.description} {labels}"))

    @cached_property
    def option_words(self) -> frozenset[str]:
        synonyms = [argument.synonyms or {} for argument in self.arguments]
        return frozenset(content(" ".join(word for table in synonyms for said in table.values() for word in said)))

    @property
    def is_read(self) -> bool:
        return self.hint.effect == "read"


def prepared(tool: Mapping[str, Any], hint: Hint | None) -> Function:
    """Join a tool of the request with its hint; without a hint the schema has to do."""
    schema: Mapping[str, Any] = tool.get("parameters") or {}
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties") or {}
    required: set[str] = set(schema.get("required") or ())
    known = hint or Hint(str(tool["name"]), str(tool.get("description") or ""), "read", ())
    arguments = tuple(
        _argument(name, value, name in required, known.arguments.get(name) or {}) for name, value in properties.items()
    )
    return Function(tool["name"], known, arguments)


def _argument(name: str, schema: Mapping[str, Any], required: bool, hint: Mapping[str, Any]) -> Argument:
    synonyms: dict[str, Sequence[str]] = {str(value): (str(value),) for value in schema.get("enum") or ()}
    hinted: Mapping[str, Sequence[str]] = hint.get("synonyms") or {}
    for value, said in hinted.items():
        synonyms[value] = tuple(dict.fromkeys((value.replace("_", " "), *said)))
    return Argument(
        name=name,
        kind=_kind(name, schema, hint),
        required=required,
        ask=hint.get("ask") or f"What is the {name.replace('_', ' ')}?",
        schema=schema,
        pattern=hint.get("pattern") or "",
        synonyms=synonyms or None,
        role=hint.get("role") or "",
    )


def _kind(name: str, schema: Mapping[str, Any], hint: Mapping[str, Any]) -> Kind:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    slot: Kind | None = _SLOTS.get(hint.get("slot") or "")
    if hint.get("pattern") or slot:
        return slot or "id"
    if {"minor", "currency"} <= properties.keys():
        return "money"
    if schema.get("enum") or hint.get("synonyms"):
        return "option"
    return _by_type(name, schema, hint)


def _by_type(name: str, schema: Mapping[str, Any], hint: Mapping[str, Any]) -> Kind:
    if schema.get("format") == "date":
        return "end" if set(words(name.replace("_", " "))) & {"end", "until", "to", "last"} else "start"
    if schema.get("type") in {"integer", "number"}:
        return "number"
    if schema.get("type") not in {"string", None}:
        return "none"
    role = hint.get("role") or ""
    if role in {"query", "content"}:
        return "query" if role == "query" else "content"
    return "thing" if hint.get("slot") == "text" else "name"
