"""What a text says of a stretch of days, and of a month."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from charter.models.embedded import calendar_words as cal
from charter.models.embedded.days import Mention, mentions, number, working_days_on

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Period:
    """What a text says of days: ``first`` and ``last`` where they are said, ``days`` where a length is."""

    first: date | None
    last: date | None
    days: int | None = None
    spans: tuple[Span, ...] = ()

    def completed(self) -> "Period":
        """Return the period with its last day computed from first day and length, in working days."""
        if self.first and self.days and self.last in (None, self.first):
            return replace(self, last=working_days_on(self.first, self.days))
        return self

    def joined(self, later: "Period") -> "Period":
        """Return this period with what was missing taken from a later text."""
        first, last = self.first or later.first, self.last or later.last
        if self.first and not self.last and later.first and later.first == later.last:
            last = later.last
        return Period(first, last, self.days or later.days).completed()


_OPENING = re.compile(
    r"\b(?:from|starting|beginning|starts?|as of|since|ab|von|seit|beginnend)(?: on| from| with| the| am| dem| den| mit)*\s*$",
    re.IGNORECASE,
)
_ONWARDS = re.compile(r"^\s*(?:on|onwards?|an)\b(?!\s+\w)", re.IGNORECASE)
_CLOSING = re.compile(
    r"\b(?:until|till?|up to|through|to|bis)(?: and including| zum| einschließlich| the| den)*\s*$", re.IGNORECASE
)
_UNTIL = re.compile(r"\b(?:to|until|till?|through|thru|bis|ends?|ending)\b|[-–—]", re.IGNORECASE)
_BOTH = re.compile(r"^[\s,]*(?:and|und|,)\s*(?:on |am |the )*$", re.IGNORECASE)
_LENGTH = re.compile(
    rf"(?<!in )(?<!vor )(?<!next )(?<!within )\b({cal.COUNT})(?: of)? (?:full |whole |working |business |ganzen? )?"
    r"(days?|weeks?|tage?n?|wochen?)\b(?! ago)",
    re.IGNORECASE,
)


def period(text: str, today: date) -> Period | None:
    """Return what the text says of days, or None where it says nothing."""
    found = mentions(text, today)
    days, length_span = _length(text, found)
    if not found:
        return Period(None, None, days, length_span) if days else None
    spans = (*((m.start, m.end) for m in found), *length_span)
    if len(found) > 1:
        return _of_two(text, found, spans)
    only = found[0]
    before, after = text[: only.start], text[only.end :]
    if only.first == only.last and (_OPENING.search(before) or _ONWARDS.search(after)):
        return Period(only.first, None, days, spans).completed()
    if _CLOSING.search(before):
        return Period(None, only.last, days, spans)
    return Period(only.first, only.last, days, spans).completed()


def _of_two(text: str, found: list[Mention], spans: tuple[Span, ...]) -> Period:
    one, other = found[0], found[1]
    gap = text[one.end : other.start]
    following = one.last + timedelta(1 if one.last.weekday() < 4 else 7 - one.last.weekday())
    if _UNTIL.search(gap) or (_BOTH.match(gap) and other.first in {following, one.last + timedelta(1)}):
        if other.last < one.first:
            other = replace(other, last=_next_year(other.last))
        return Period(one.first, other.last, None, spans)
    if one.first <= other.first <= other.last <= one.last:
        return Period(other.first, other.last, None, spans)
    return Period(None, None, None, spans) if _BOTH.match(gap) else Period(one.first, one.last, None, spans)


def _length(text: str, found: list[Mention]) -> tuple[int | None, tuple[Span, ...]]:
    for said in _LENGTH.finditer(text):
        if any(said.start() < m.end and m.start < said.end() for m in found):
            continue
        count = number(said[1]) * (5 if said[2].casefold().startswith("w") else 1)
        return count, (said.span(),)
    return None, ()


def _next_year(day: date) -> date:
    return day.replace(year=day.year + 1) if (day.month, day.day) != (2, 29) else date(day.year + 1, 2, 28)


_MONTH_NAMED = re.compile(
    rf"\b(?P<iso>20\d\d-(?:0[1-9]|1[0-2]))\b(?!-)|\b{cal.LAST} (?P<back>month|monat)|"
    rf"\b{cal.THIS} (?:month|monat)|\b(?P<m>{cal.MONTH})\b(?:\s*(?:of )?(?P<y>{cal.YEAR}))?",
    re.IGNORECASE,
)


def months(text: str, today: date) -> list[tuple[str, Span]]:
    """Return the months that the text names, as ``2026-11``; one without a year has begun already."""
    found: list[tuple[str, Span]] = []
    for said in _MONTH_NAMED.finditer(text):
        name = (said["m"] or "").casefold()
        if name == "may" and not re.search(r"\b(?:of|for|in|from|last|this)\s+$", text[: said.start()], re.IGNORECASE):
            continue
        if said["iso"]:
            found.append((said["iso"], said.span()))
            continue
        if name:
            number = cal.MONTHS[name]
            year = int(said["y"]) if said["y"] else today.year - (number > today.month)
            found.append((f"{year}-{number:02d}", said.span()))
            continue
        day = today.replace(day=1) - timedelta(1) if said["back"] else today
        found.append((f"{day:%Y-%m}", said.span()))
    return found
