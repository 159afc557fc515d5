"""A request taken apart into what it asks for, one after the other."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from charter.models.embedded.commands import QUESTION, is_verb
from charter.models.embedded.dates import Span
from charter.models.embedded.reading import Reading
from charter.models.embedded.words import WORD, table

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\s*\n+\s*")
_THEN = re.compile(
    r"[,;]?\s+(?:and |und )?(?:then|after that|afterwards|also|besides|in addition|dann|danach|anschließend|außerdem|auch noch)\b,?\s+",
    re.IGNORECASE,
)
_AND = re.compile(r",?\s+(?:and|und)\s+|,\s+", re.IGNORECASE)
_BEGINS = QUESTION | table(
    "show tell list give get make put let see i please bitte can could ich kannst könntest zeig zeige"
)
_MINE = re.compile(r"\s*(?:my|our|meine|unsere)\s+(?:\w+\s+)?\w+\W*", re.IGNORECASE)
"""A further thing of one's own, to be shown as the first one was: '… and my tickets'."""

_ID = re.compile(r"\b[A-Za-z]{2,6}-\d+\b")


@dataclass(frozen=True, slots=True)
class Clause:
    """A place in the request. ``continues`` tells that it only lists a further object: '… and a lamp for 30 EUR'."""

    span: Span
    continues: bool = False


LONGEST = 1500
"""A longer message is a text about something, not a list of wishes: it stays whole."""

MOST = 6


def split(whole: Reading) -> list[Clause]:
    """Return the clauses of a request, in order; one that asks for one thing stays whole."""
    end = len(whole.clear)
    if end > LONGEST:
        return [Clause((0, end))]
    found: list[Clause] = []
    for sentence in _cut(whole, (0, end), _SENTENCE):
        for part in _cut(whole, sentence, _THEN):
            found += _listed(whole, part)
    spoken = [clause for clause in found if WORD.search(whole.clear[slice(*clause.span)])]
    return spoken[: MOST - 1] + [Clause((c.span[0], end), c.continues) for c in spoken[MOST - 1 : MOST]]


def _cut(whole: Reading, span: Span, mark: re.Pattern[str]) -> Iterator[Span]:
    start = span[0]
    for gap in mark.finditer(whole.clear, *span):
        # A mark inside a date or an amount parts nothing, and the last word alone ('… afterwards.') is no clause.
        if _protected(whole, gap.start(), gap.end()) or not re.search(r"\w+\W+\w", whole.clear[gap.end() : span[1]]):
            continue
        if gap.start() > start:
            yield (start, gap.start())
        start = gap.end()
    if start < span[1]:
        yield (start, span[1])


def _protected(whole: Reading, start: int, end: int) -> bool:
    spans = (*whole.day_spans, *((amount.start, amount.end) for amount in whole.amounts))
    return any(begin < end and start < stop - 1 for begin, stop in spans)


def _listed(whole: Reading, span: Span) -> list[Clause]:
    """Part at 'and' where what follows is a command, a question, or a further object with an amount of its own."""
    clauses: list[Clause] = []
    start, continues = span[0], False
    for gap in _AND.finditer(whole.clear, *span):
        if gap.start() < start or _protected(whole, gap.start(), gap.end()):
            continue
        head, rest = whole.clear[start : gap.start()], whole.clear[gap.end() : span[1]]
        further = _has_amount(whole, (start, gap.start())) and _has_amount(whole, (gap.end(), span[1]))
        comma = "," in gap[0] and not re.search(r"and|und", gap[0], re.IGNORECASE)
        if not _begins(rest) and not (further and re.match(r"\W*\w+", rest)):
            continue
        if comma and not further:
            continue
        if not re.search(r"\w+\W+\w", head) and not _ID.search(head):
            continue
        clauses.append(Clause((start, gap.start()), continues))
        start, continues = gap.end(), not _begins(rest)
    return [*clauses, Clause((start, span[1]), continues)]


def _begins(rest: str) -> bool:
    first = WORD.match(rest.lstrip())
    if not first or not re.search(r"\w+\W+\w", rest):
        return False
    if _MINE.fullmatch(rest):
        return True
    return first[0].casefold() in _BEGINS or is_verb(first[0])


def _has_amount(whole: Reading, span: Span) -> bool:
    return any(span[0] <= amount.start < span[1] for amount in whole.amounts)
