"""A call's arguments, one line for each: nothing is left out, and nothing in a value can pass for another line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

import orjson

from charter.channels.teams.speech import Speech
from charter.channels.wording import title, visible

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_DEEPEST = 5
_FIRST = ("target", "recipient", "amount")
"""What decides about a call: it is read first."""


@dataclass(frozen=True, slots=True)
class Line:
    """``ours``: the text is a word of the house (``none``), not the value itself."""

    label: str
    text: str
    ours: bool = False


def arguments(speech: Speech, given: Mapping[str, Any], names: Sequence[str], roles: Mapping[str, str]) -> list[Line]:
    """Return the lines of these arguments; those that say what, to whom and how much come first.

    ``roles`` are the plugin's: ``{"total": "amount"}``.
    """
    ordered = sorted(names, key=lambda name: _FIRST.index(roles[name]) if roles.get(name) in _FIRST else len(_FIRST))
    return [
        line
        for name in ordered
        for line in _lines(speech, visible(title(name)), given[name], grouped=roles.get(name) == "amount")
    ]


def _lines(speech: Speech, label: str, given: Any, *, grouped: bool = False, depth: int = 0) -> Iterator[Line]:
    inner = _inner(label, given) if depth < _DEEPEST else None
    if inner is None:
        yield _line(speech, label, given, grouped=grouped)
        return
    for name, value in inner:
        yield from _lines(speech, name, value, grouped=grouped, depth=depth + 1)


def _inner(label: str, given: Any) -> list[tuple[str, Any]] | None:
    """Return what stands inside of a value, with its path; ``None``: it is a single thing."""
    match given:
        case {"minor": int(minor), "currency": str(), **rest} if not rest and not isinstance(minor, bool):
            return None
        case Mapping() if given:
            fields = cast("Mapping[str, Any]", given)
            return [(f"{label} › {visible(title(str(name)))}", value) for name, value in fields.items()]
        case list() | tuple() if given:
            items = cast("Sequence[Any]", given)
            return [(f"{label} {n}" if len(items) > 1 else label, item) for n, item in enumerate(items, 1)]
        case _:
            return None


def _line(speech: Speech, label: str, given: Any, *, grouped: bool) -> Line:
    match given:
        case None:
            return Line(label, speech.say("value.none"), ours=True)
        case bool():
            return Line(label, speech.say("value.yes" if given else "value.no"), ours=True)
        case int() | float():
            return Line(label, speech.number(given, grouped=grouped))
        case {"minor": int(minor), "currency": str(currency), **rest} if not rest:
            return Line(label, visible(speech.money(minor, currency)))
        case str():
            return _text(speech, label, given)
        case Mapping() | list() | tuple() if not given:
            return Line(label, speech.say("value.nothing"), ours=True)
        case _:
            return Line(label, visible(orjson.dumps(given, default=str).decode()))


def _text(speech: Speech, label: str, given: str) -> Line:
    if not given.strip():
        return Line(label, visible(given) if given.strip(" ") else speech.say("value.empty"), ours=not given.strip(" "))
    try:
        if _DATE.fullmatch(given):
            return Line(label, speech.day(date.fromisoformat(given)))
        if _MOMENT.fullmatch(given):
            return Line(label, speech.moment(datetime.fromisoformat(given)))
    except ValueError:
        pass
    return Line(label, visible(given))
