"""The values of a function's arguments, found in the person's own words; nothing is ever invented.

In order of trust: ids by their pattern, amounts beside a currency, days, options by their synonyms, names, and last the
free words that are left.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from charter.models.embedded import notes, phrases
from charter.models.embedded.dates import Period, Span
from charter.models.embedded.function import Argument, Function
from charter.models.embedded.options import meant
from charter.models.embedded.reading import Reading
from charter.models.embedded.words import content


@dataclass(slots=True)
class Filled:
    """What was found: ``values`` by argument, ``doubts`` where the words name several, ``taken`` their places."""

    function: Function
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    doubts: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    several: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    period: Period | None = None
    taken: list[Span] = field(default_factory=list[Span])

    @property
    def missing(self) -> tuple[Argument, ...]:
        """The required arguments without a value, in the schema's order."""
        return tuple(argument for argument in self.function.required if argument.name not in self.values)

    def arguments(self) -> dict[str, Any]:
        """Return the values in the order of the schema."""
        return {a.name: self.values[a.name] for a in self.function.arguments if a.name in self.values}


def fill(function: Function, readings: Sequence[Reading]) -> Filled:
    """Fill the arguments from the readings: what the first one leaves open, the later ones may say."""
    filled = Filled(function)
    for reading in readings:
        filled.taken = _set_aside(function, reading)
        for kind in _ORDER:
            for argument in function.arguments:
                if argument.kind == kind and argument.name not in filled.values:
                    _FINDERS[kind](filled, argument, reading)
    return filled


def _set_aside(function: Function, reading: Reading) -> list[Span]:
    """Return the places that cannot be free words: days, amounts, and ids of this function."""
    kinds = {argument.kind for argument in function.arguments}
    spans: list[Span] = []
    if kinds & {"start", "end"}:
        spans += reading.day_spans
    if "money" in kinds:
        spans += [(amount.start, amount.end) for amount in reading.amounts]
    if "month" in kinds:
        spans += [span for _, span in reading.months]
    return spans


def _id(filled: Filled, argument: Argument, reading: Reading) -> None:
    found = [(argument.written(m[0]), m.span()) for m in argument.spelled.finditer(reading.clear)]
    if not found and reading.answers:
        found = _bare_id(argument, reading)
    if found:
        filled.values[argument.name] = found[0][0]
        filled.taken += [span for _, span in found]
        filled.several[argument.name] = list(dict.fromkeys(value for value, _ in found))


def _bare_id(argument: Argument, reading: Reading) -> list[tuple[str, Span]]:
    """In reply to our question the digits alone will do: '7781' is PO-7781."""
    head = re.match(r"[A-Za-z]+-", argument.pattern)
    for digits in re.finditer(r"\b\d+\b", reading.clear):
        written = f"{head[0] if head else ''}{digits[0]}"
        if re.fullmatch(argument.pattern, written):
            return [(written, digits.span())]
    return []


_TOTAL = re.compile(r"\b(?:total|altogether|in all|overall|sum|insgesamt|zusammen|gesamt)\b", re.IGNORECASE)


def _money(filled: Filled, argument: Argument, reading: Reading) -> None:
    allowed = _currencies(argument)
    found = [
        {"minor": a.minor, "currency": a.currency} for a in reading.amounts if not allowed or a.currency in allowed
    ]
    distinct = [value for at, value in enumerate(found) if value not in found[:at]]
    if not distinct and reading.answers and len(allowed) == 1 and len(reading.numbers) == 1:
        distinct = [{"minor": int(reading.numbers[0].value * 100), "currency": allowed[0]}]
    if len(distinct) == 1:
        filled.values[argument.name] = _as_wanted(argument, distinct[0])
    elif distinct:
        total = _TOTAL.search(reading.clear)
        behind = [a for a in reading.amounts if total and a.start >= total.start()]
        if behind:
            value = {"minor": behind[0].minor, "currency": behind[0].currency}
            filled.values[argument.name] = _as_wanted(argument, value)
        else:
            filled.doubts[argument.name] = distinct


def _currencies(argument: Argument) -> list[str]:
    properties: Mapping[str, Any] = argument.schema.get("properties") or {}
    currency: Mapping[str, Any] = properties.get("currency") or {}
    return [currency["const"]] if "const" in currency else list(currency.get("enum") or ())


def _as_wanted(argument: Argument, value: dict[str, Any]) -> Any:
    if argument.schema.get("type") in {"number", "integer"}:
        return value["minor"] / 100 if value["minor"] % 100 else value["minor"] // 100
    return value


def _days(filled: Filled, argument: Argument, reading: Reading) -> None:
    period = reading.period
    if period is None:
        return
    kinds = {a.kind for a in filled.function.arguments if a.kind in {"start", "end"}}
    if filled.period is None or filled.period is period:
        filled.period = period
    elif argument.kind == "end" and period.first and period.first == period.last:
        filled.period = filled.period.joined(Period(None, period.last))
    else:
        filled.period = filled.period.joined(period)
    if kinds == {"start"}:
        day = filled.period.first or filled.period.last
    else:
        day = filled.period.first if argument.kind == "start" else filled.period.last
    if day:
        filled.values[argument.name] = day.isoformat()


def _month(filled: Filled, argument: Argument, reading: Reading) -> None:
    if reading.months:
        found = list(dict.fromkeys(value for value, _ in reading.months))
        filled.values[argument.name] = found[0]
        filled.several[argument.name] = found


def _number(filled: Filled, argument: Argument, reading: Reading) -> None:
    free = [n for n in reading.numbers if not any(n.start < end and start < n.end for start, end in filled.taken)]
    if len(free) > 1:
        wanted = set(content(f"{argument.label} {argument.schema.get('description', '')} {argument.ask}"))
        free = [n for n in free if wanted & set(content(reading.clear[max(0, n.start - 24) : n.end + 24]))][:1]
    if len(free) == 1:
        value = free[0].value
        whole = value == value.to_integral_value()
        filled.values[argument.name] = int(value) if whole else _fraction(value, argument)
        filled.taken.append((free[0].start, free[0].end))


def _fraction(value: Decimal, argument: Argument) -> float | int:
    return int(value) if argument.schema.get("type") == "integer" else float(value)


def _option(filled: Filled, argument: Argument, reading: Reading) -> None:
    found = meant(reading.clear, argument.synonyms or {})
    if len(found) == 1 or (found and not argument.required) or (found and _by_own_name(found[0], found[1], reading)):
        filled.values[argument.name] = found[0]
    elif found:
        filled.doubts[argument.name] = found


def _by_own_name(first: str, second: str, reading: Reading) -> bool:
    said = set(content(reading.clear))
    return set(content(first)) <= said and not set(content(second)) <= said


def _thing(filled: Filled, argument: Argument, reading: Reading) -> None:
    said = phrases.quoted(reading)
    if said:
        filled.values[argument.name] = said
        return
    found = phrases.thing(reading, filled.taken)
    if found:
        filled.values[argument.name] = found[0]


def _query(filled: Filled, argument: Argument, reading: Reading) -> None:
    if filled.function.hint.retrieval:
        limit = int(argument.schema.get("maxLength") or _QUERY_LIMIT)
        filled.values[argument.name] = reading.text.raw.strip()[:limit]
        return
    said = phrases.quoted(reading) or phrases.search_words(reading, filled.function, filled.taken)
    if said:
        filled.values[argument.name] = said


def _content(filled: Filled, argument: Argument, reading: Reading) -> None:
    text = notes.told(reading, filled.function, filled.taken) if argument.required else None
    if said := text or _labelled(argument, reading):
        limit = int(argument.schema.get("maxLength") or _NOTE_LIMIT)
        filled.values[argument.name] = said[:limit]


_NOTE_LIMIT = 4000
_QUERY_LIMIT = 1000


def _labelled(argument: Argument, reading: Reading) -> str | None:
    """An optional text is taken only where it is named ('note: ring twice') or given as the reason."""
    named = re.search(rf"\b{re.escape(argument.label)}\s*[:=]\s*(?P<said>\S.*)", reading.text.raw, re.IGNORECASE)
    why = re.search(r"\b(?:because|since|weil)\s+(?P<said>\S.*)", reading.text.raw, re.IGNORECASE)
    found = named or (why if argument.name == "reason" else None)
    return found["said"].strip(" .!") if found else None


def _name(filled: Filled, argument: Argument, reading: Reading) -> None:
    said = phrases.quoted(reading) or _behind_label(argument, reading)
    if said:
        filled.values[argument.name] = said
        return
    found = phrases.names(reading, filled.function, filled.taken)
    party = argument.role == "recipient"
    fitting = [span for behind_from, span in found if behind_from == party]
    if party and argument.required and not fitting:
        fitting = [span for _, span in found]
    if fitting:
        filled.values[argument.name] = reading.original(fitting[0])
        filled.taken.append(_with_preposition(reading, fitting[0]))
    elif reading.answers and argument.required and not filled.values.keys() & {argument.name}:
        bare = phrases.thing(reading, filled.taken)
        if bare:
            filled.values[argument.name] = bare[0]


def _behind_label(argument: Argument, reading: Reading) -> str | None:
    """The value named by its argument: 'with the key abc-123'."""
    found = re.search(
        rf"\b{re.escape(argument.label)}\s*[:=]?\s+(?P<said>[\w.-]*\d[\w.-]*)", reading.text.raw, re.IGNORECASE
    )
    return found["said"].rstrip(".") if found else None


def _with_preposition(reading: Reading, span: Span) -> Span:
    before = re.search(r"\b\w+\s+$", reading.clear[: span[0]])
    return (before.start() if before else span[0], span[1])


_FINDERS: dict[str, Callable[[Filled, Argument, Reading], None]] = {
    "id": _id, "money": _money, "start": _days, "end": _days, "month": _month, "option": _option, "number": _number,
    "name": _name, "thing": _thing, "query": _query, "content": _content,
}  # fmt: skip
_ORDER = tuple(_FINDERS)


def evidence(function: Function, reading: Reading) -> Mapping[str, tuple[bool, bool]]:
    """Tell of each kind of value that only certain words can give (ids, money, days, months): required, and there?"""
    found: dict[str, tuple[bool, bool]] = {}
    for argument in function.arguments:
        match argument.kind:
            case "id":
                there = argument.spelled.search(reading.clear) is not None
            case "money":
                there = bool(reading.amounts)
            case "start" | "end":
                there = bool(reading.period and reading.period.first)
            case "month":
                there = bool(reading.months)
            case _:
                continue
        kind = "days" if argument.kind in {"start", "end"} else argument.kind
        required, before = found.get(kind, (False, False))
        found[kind] = (required or argument.required, before or there)
    return found
