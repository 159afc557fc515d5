"""From a person's words to the calls they ask for, with what is still missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from charter.models.embedded import slots
from charter.models.embedded.clauses import Clause, split
from charter.models.embedded.commands import asks_something
from charter.models.embedded.function import Argument, Function
from charter.models.embedded.reading import Reading
from charter.models.embedded.router import Ranking
from charter.models.embedded.slots import Filled
from charter.models.embedded.words import words

SURE_KIND = 0.88
"""From this likeness on, words are taken for the small talk they resemble."""


class Judge(Protocol):
    """Who decides: the rules alone, or the small model where the rules are not sure."""

    def choose(self, reading: Reading, functions: Sequence[Function]) -> tuple[Function | None, Ranking]:
        """Return the function that the clause asks for, or None."""
        ...

    def settle(self, filled: Filled, reading: Reading) -> None:
        """Decide what the rules left in doubt; leave open what nobody can know."""
        ...


@dataclass(frozen=True)
class Step:
    """One call: ready when nothing is ``missing``; otherwise the person is asked."""

    function: Function
    arguments: Mapping[str, Any]
    missing: tuple[Argument, ...]
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The calls in order. Without any, ``kind`` says which small talk the words surely were."""

    steps: tuple[Step, ...] = ()
    kind: str = ""

    @property
    def ready(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if not step.missing)

    @property
    def asking(self) -> Step | None:
        return next((step for step in self.steps if step.missing), None)


@dataclass
class _Part:
    clause: Clause
    reading: Reading
    function: Function | None
    ranking: Ranking | None = field(default=None)


def plan(whole: Reading, functions: Sequence[Function], judge: Judge) -> Plan:
    """Plan one message on its own."""
    parts = _merged(whole, _parts(whole, functions, judge))
    asked = [part for part in parts if part.function]
    if not asked:
        known = [part.ranking for part in parts if part.ranking]
        nearest = max(known, key=lambda ranking: ranking.none, default=None)
        return Plan(kind=nearest.kind if nearest and nearest.none >= SURE_KIND else "")
    context = [part.reading for part in parts if part.function is None]
    return Plan(tuple(step for part in asked for step in _steps(part, context, whole, judge)))


def _parts(whole: Reading, functions: Sequence[Function], judge: Judge) -> list[_Part]:
    parts: list[_Part] = []
    for clause in split(whole):
        reading = _cut(whole, clause)
        before = next((part.function for part in reversed(parts) if part.function), None)
        if clause.continues and before:
            parts.append(_Part(clause, reading, before))
        else:
            led = _led(reading, parts)
            parts.append(_Part(clause, reading, *judge.choose(led, functions)))
    return parts


def _led(reading: Reading, parts: Sequence[_Part]) -> Reading:
    """Put the verb of the clause before in front of one that has none: 'Show PO-1001, then my tickets'."""
    if not parts or any(asks_something(word) for word in words(reading.clear)):
        return reading
    verb = next((word for word in words(parts[-1].reading.clear) if asks_something(word)), None)
    return replace(reading, text=reading.text.led_by(verb)) if verb else reading


def _cut(whole: Reading, clause: Clause) -> Reading:
    return replace(whole, text=whole.text.part(*clause.span))


def _merged(whole: Reading, parts: list[_Part]) -> list[_Part]:
    """Join neighbours that ask for one thing only together, as in 'The wifi is down. Please open a ticket.'."""
    found: list[_Part] = []
    for part in parts:
        last = found[-1] if found else None
        if last and last.function and last.function is part.function and not part.clause.continues:
            alone = [slots.fill(last.function, [one.reading]) for one in (last, part)]
            if any(one.missing for one in alone) or _same_values(*alone):
                clause = Clause((last.clause.span[0], part.clause.span[1]), last.clause.continues)
                found[-1] = _Part(clause, _cut(whole, clause), part.function, last.ranking)
                continue
        found.append(part)
    return found


def _same_values(one: Filled, other: Filled) -> bool:
    """Two parts are two calls only where both carry something that only certain words can give."""
    hard = [a.name for a in one.function.arguments if a.kind in {"id", "money", "start", "month", "number"}]
    return not any(name in one.values and name in other.values for name in hard)


def _steps(part: _Part, context: Sequence[Reading], whole: Reading, judge: Judge) -> list[Step]:
    assert part.function
    filled = slots.fill(part.function, [part.reading])
    _complete(filled, context, whole)
    judge.settle(filled, part.reading)
    step = Step(part.function, filled.arguments(), filled.missing, (part.reading,))
    if step.missing:
        return [step]
    several = next((item for item in filled.several.items() if len(item[1]) > 1), None)
    if several is None:
        return [step]
    name, ids = several
    return [replace(step, arguments={**step.arguments, name: value}) for value in ids]


_OWN_WORDS = frozenset({"thing", "name", "query"})
_FROM_ELSEWHERE = frozenset({"option", "start", "end", "month"})


def _complete(filled: Filled, context: Sequence[Reading], whole: Reading) -> None:
    """Take what a clause leaves open from the rest of the message.

    Clauses that ask for nothing themselves ('Priority low.') may give all but the thing itself; the whole message only
    what cannot be mistaken for another clause's words.
    """
    for reading in context:
        other = slots.fill(filled.function, [reading])
        _take(filled, other, (a for a in filled.function.arguments if a.kind not in _OWN_WORDS))
    if filled.missing:
        _take(filled, slots.fill(filled.function, [whole]), (a for a in filled.missing if a.kind in _FROM_ELSEWHERE))


def _take(filled: Filled, other: Filled, arguments: Iterable[Argument]) -> None:
    for argument in arguments:
        if argument.name in other.values and argument.name not in filled.values:
            filled.values[argument.name] = other.values[argument.name]
            filled.doubts.pop(argument.name, None)


def resume(before: Plan, said: Reading, fresh: Plan, judge: Judge) -> Plan:
    """Return the calls of ``before`` that wait for a value, completed by a reply; ``fresh`` where it is no reply."""
    open_ = [step for step in before.steps if step.missing]
    if not open_:
        return fresh
    pending, *others = open_
    reply = replace(said, answers=True)
    readings = (*pending.readings, reply)
    filled = slots.fill(pending.function, readings)
    judge.settle(filled, reply)
    gained = [argument for argument in pending.missing if argument.name in filled.values]
    if not gained or _is_new(pending, gained, fresh):
        return fresh
    arguments = {**filled.arguments(), **pending.arguments}
    missing = tuple(argument for argument in pending.function.required if argument.name not in arguments)
    return Plan((Step(pending.function, arguments, missing, readings), *others))


_FREE = frozenset({"thing", "content", "name", "query"})


def _is_new(pending: Step, gained: Sequence[Argument], fresh: Plan) -> bool:
    """Tell whether the reply is rather a request of its own, or small talk."""
    only_free = all(argument.kind in _FREE for argument in gained)
    first = fresh.steps[0] if fresh.steps else None
    if first is None:
        return only_free and bool(fresh.kind) and fresh.kind not in {"world", "wish"}
    if first.function is pending.function:
        return False
    expected = {argument.kind for argument in pending.function.arguments}
    hard = {a.kind for a in first.function.arguments if a.name in first.arguments} & {"id", "money"}
    return not first.missing and (bool(hard - expected) or (only_free and not first.function.required))
