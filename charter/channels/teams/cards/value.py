"""A call's arguments, one line for each: nothing is left out, and nothing in a value can pass for another line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, cast

import orjson

from charter.channels.teams.speech import Speech
from charter.channels.wording import title, visible

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_DEEPEST = 5
_LONGEST, _NAME = 4_000, 200
"""Characters of a value and of a name that are looked at: more is never shown, and must not cost time."""
_FIRST = ("target", "recipient", "amount")
"""What decides about a call: it is read first."""


@dataclass(frozen=True, slots=True)
class Line:
    """``ours``: the text is a word of the house (``none``), not the value itself. ``rest`` is how many characters more the
    value has.
    """

    label: str
    text: str
    ours: bool = False
    rest: int = 0


def arguments(
    speech: Speech, given: Mapping[str, Any], names: Sequence[str], roles: Mapping[str, str], *, most: int
) -> tuple[list[Line], int]:
    """Return the first ``most`` lines of these arguments, and how many more there are; those that say what, to whom and how
    much come first.

    ``roles`` are the plugin's: ``{"total": "amount"}``.
    """
    ordered = sorted(names, key=lambda name: _FIRST.index(roles[name]) if roles.get(name) in _FIRST else len(_FIRST))
    leaves = ((name, *leaf) for name in ordered for leaf in _leaves(_named(name), given[name]))
    lines = [
        _line(speech, label, leaf, grouped=roles.get(name) == "amount") for name, label, leaf in islice(leaves, most)
    ]
    return lines, sum(_count(given[name]) for name in ordered) - len(lines)


def _named(name: str) -> str:
    return visible(title(name[:_NAME]))


def _leaves(label: str, given: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Return every single thing of a value, with the path that leads to it; what lies too deep stays together."""
    if _single(given, depth):
        yield label, given
    elif isinstance(given, Mapping):
        for name, value in cast("Mapping[str, Any]", given).items():
            yield from _leaves(f"{label} › {_named(str(name))}", value, depth + 1)
    else:
        for n, item in enumerate(given, 1):
            yield from _leaves(f"{label} {n}" if len(given) > 1 else label, item, depth + 1)


def _count(given: Any, depth: int = 0) -> int:
    if _single(given, depth):
        return 1
    inner = cast("Mapping[str, Any]", given).values() if isinstance(given, Mapping) else given
    return sum(_count(item, depth + 1) for item in inner)


def _single(given: Any, depth: int) -> bool:
    if depth == _DEEPEST or not given or not isinstance(given, Mapping | list | tuple):
        return True
    return isinstance(given, Mapping) and _is_money(cast("Mapping[str, Any]", given))


def _is_money(given: Mapping[str, Any]) -> bool:
    minor, currency = given.get("minor"), given.get("currency")
    return len(given) == 2 and isinstance(currency, str) and isinstance(minor, int) and not isinstance(minor, bool)


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
            return _text(speech, label, orjson.dumps(given, default=str).decode())


def _text(speech: Speech, label: str, given: str) -> Line:
    if len(given) > _LONGEST:
        return Line(label, visible(given[:_LONGEST]), rest=len(given) - _LONGEST)
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
