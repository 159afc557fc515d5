"""Days and ranges in running text, in English and German: a small scanner, because no library was good enough.

A day without a year is the next such day, unless the words are about the past. ``next Friday`` is the Friday of the next
week. Weeks begin on Monday; a week of leave ends on Friday.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from charter.models.embedded import calendar_words as cal


@dataclass(frozen=True, slots=True)
class Mention:
    """A day or an unbroken range, and where it stands in the text."""

    start: int
    end: int
    first: date
    last: date


def working_days_on(first: date, days: int) -> date:
    """Return the last of ``days`` working days that begin with ``first``."""
    last = first
    for _ in range(days - 1):
        last += timedelta(3 if last.weekday() == 4 else 2 if last.weekday() == 5 else 1)
    return last


_PAST = re.compile(
    r"\b(?:ago|yesterday|last|spent|paid|bought|was|were|gestern|vor|letzte\w*|bezahlt|gekauft|war)\b", re.IGNORECASE
)


def mentions(text: str, today: date) -> list[Mention]:
    """Return the days and ranges that the text names, in order."""
    low = text.casefold() if len(text.casefold()) == len(text) else text.lower()
    scan = _Scan(today, bool(_PAST.search(low)))
    found: list[Mention] = []
    for rule, reading in _RULES:
        for match in rule.finditer(low):
            if any(match.start() < m.end and m.start < match.end() for m in found):
                continue
            days = reading(scan, match)
            if days:
                found.append(Mention(match.start(), match.end(), *days))
    return sorted(found, key=lambda m: m.start)


Days = tuple[date, date] | None


@dataclass(frozen=True, slots=True)
class _Scan:
    today: date
    past: bool

    @property
    def monday(self) -> date:
        return self.today - timedelta(self.today.weekday())

    def near(self, month: int, day: int, year: str | None) -> date | None:
        try:
            if year:
                return date(int(year), month, day)
            said = date(self.today.year, month, day)
            if self.past:
                return said if said <= self.today else date(self.today.year - 1, month, day)
            return said if said >= self.today else date(self.today.year + 1, month, day)
        except ValueError:
            return None

    def week_of(self, word: str) -> date:
        ahead = re.fullmatch(cal.NEXT, word) is not None
        return self.monday + timedelta(7 if ahead else -7 if re.fullmatch(cal.LAST, word) else 0)

    def iso(self, m: re.Match[str]) -> Days:
        day = self.near(int(m["m"]), int(m["d"]), m["y"])
        return day and (day, day)

    def day_of_month(self, m: re.Match[str]) -> Days:
        day = self.near(cal.MONTHS[m["m"]], _digits(m["d"]), m["y"])
        return day and (day, day)

    def days_of_month(self, m: re.Match[str]) -> Days:
        month = int(m["m"]) if m["m"].isdigit() else cal.MONTHS[m["m"]]
        first, last = (self.near(month, _digits(m[part]), m["y"]) for part in ("a", "b"))
        return (first, last) if first and last and first <= last else None

    def numeric(self, m: re.Match[str]) -> Days:
        day = self.near(int(m["m"]), int(m["d"]), m["y"])
        return day and (day, day)

    def feast(self, m: re.Match[str]) -> Days:
        day = self.near(*cal.FEASTS[m[0]], None)
        return day and (day, day)

    def day_word(self, m: re.Match[str]) -> Days:
        day = self.today + timedelta(cal.DAY_WORDS[m[0]])
        return day, day

    def weekdays_of_week(self, m: re.Match[str]) -> Days:
        monday = self.week_of(m["week"])
        first = monday + timedelta(_weekday(m["a"]))
        last = monday + timedelta(_weekday(m["b"])) if m["b"] else first
        return first, last

    def weekday_in_weeks(self, m: re.Match[str]) -> Days:
        day = self.monday + timedelta(7 * number(m["n"]) + _weekday(m["a"]))
        return day, day

    def ahead(self, m: re.Match[str]) -> Days:
        day = self.today + timedelta(number(m["n"]) * (7 if m["unit"].startswith("w") else 1))
        return day, day

    def ago(self, m: re.Match[str]) -> Days:
        day = self.today - timedelta(number(m["n"]) * (7 if m["unit"].startswith("w") else 1))
        return day, day

    def coming(self, m: re.Match[str]) -> Days:
        count = number(m["n"])
        if m["unit"].startswith("w"):
            first = self.monday + timedelta(7)
            return first, first + timedelta(7 * count - 3)
        first = self.today + timedelta(1)
        return first, working_days_on(first, count)

    def week(self, m: re.Match[str]) -> Days:
        monday = self.week_of(m["week"])
        return max(monday, self.today) if monday == self.monday else monday, monday + timedelta(4)

    def weekday(self, m: re.Match[str]) -> Days:
        ahead = (_weekday(m["a"]) - self.today.weekday()) % 7
        said = m["which"] or ""
        if re.fullmatch(cal.LAST, said):
            ahead -= 7
        elif said.startswith(("next", "nächste")):
            ahead = ahead + 7 if self.today.weekday() + ahead < 7 and ahead else ahead or 7
        elif re.fullmatch(cal.NEXT, said):
            ahead = ahead or 7
        elif self.past and ahead:
            ahead -= 7
        day = self.today + timedelta(ahead)
        return day, day

    def ordinal(self, m: re.Match[str]) -> Days:
        for month in (0, 1):
            at = self.today.month + month
            day = _safe(self.today.year + (at - 1) // 12, (at - 1) % 12 + 1, _digits(m["d"]))
            if day and day >= self.today:
                return day, day
        return None


def _safe(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _digits(word: str) -> int:
    return int(re.sub(r"\D", "", word))


def _weekday(word: str) -> int:
    return cal.WEEKDAYS[word] if word in cal.WEEKDAYS else cal.WEEKDAYS[word.removesuffix("s")]


def _rules() -> Iterator[tuple[re.Pattern[str], Callable[[_Scan, re.Match[str]], Days]]]:
    year = rf"(?:,?\s*(?P<y>{cal.YEAR}))?\b"
    a, b = (rf"(?P<{name}>{cal.WEEKDAY})" for name in "ab")
    week = rf"(?P<week>{cal.NEXT}|{cal.THIS}|{cal.LAST}) {cal.WEEK}"
    n = rf"(?P<n>{cal.COUNT})"
    named = rf"(?:{cal.WEEKDAY},?\s+(?:the |den |dem )?)?"
    unit = r"(?P<unit>days?|weeks?|tage?n?|wochen?)"
    rules: list[tuple[str, Callable[[_Scan, re.Match[str]], Days]]] = [
        (rf"\b{named}(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)\b", _Scan.iso),
        (
            r"(?<!\d\.)(?<!\d\.\s)\b(?P<a>[0-3]?\d)\.\s*(?:-|–|bis|to)\s*(?P<b>[0-3]?\d)\.\s*(?P<m>[01]?\d)\.(?:(?P<y>20\d\d)\b)?",
            _Scan.days_of_month,
        ),
        (rf"\b{named}(?P<d>[0-3]?\d)\.\s?(?P<m>[01]?\d)\.(?:\s?(?P<y>20\d\d)\b)?(?!\d)", _Scan.numeric),
        (r"\b(?P<d>[0-3]?\d)/(?P<m>[01]?\d)/(?P<y>20\d\d)\b", _Scan.numeric),
        (rf"\b(?P<a>{cal.DAY}){cal.TO}(?P<b>{cal.DAY})\s*(?:of )?(?P<m>{cal.MONTH})\b{year}", _Scan.days_of_month),
        (
            rf"\b(?P<m>{cal.MONTH})\s*(?P<a>{cal.DAY}){cal.TO}(?P<b>{cal.DAY})(?!\s*{cal.MONTH}){year}",
            _Scan.days_of_month,
        ),
        (rf"\b{named}(?P<d>{cal.DAY})\s*(?:of )?(?P<m>{cal.MONTH})\b{year}", _Scan.day_of_month),
        (rf"\b{named}(?P<m>{cal.MONTH})\s*(?:the )?(?P<d>{cal.DAY})(?!\d){year}", _Scan.day_of_month),
        (rf"\b(?:{cal.choice(cal.FEASTS)})\b", _Scan.feast),
        (rf"(?<!good )(?<!guten )\b(?:{cal.choice(cal.DAY_WORDS)})\b", _Scan.day_word),
        (rf"\b{a}(?:{cal.TO}{b})? (?:of |in der )?{week}\b", _Scan.weekdays_of_week),
        (rf"\b{week},?\s+(?:on |from |von |am )?{a}(?:{cal.TO}{b})?\b", _Scan.weekdays_of_week),
        (rf"\bin {n} (?:weeks?|wochen?)(?:' time)? (?:on |am ){a}\b", _Scan.weekday_in_weeks),
        (rf"\b{a} in {n} (?:weeks?|wochen?)\b", _Scan.weekday_in_weeks),
        (rf"\bin {n} {unit}\b", _Scan.ahead),
        (rf"\b{n} {unit} ago\b", _Scan.ago),
        (rf"\bvor {n} {unit}\b", _Scan.ago),
        (rf"\b{cal.NEXT} {n} {unit}\b", _Scan.coming),
        (rf"\b{week}\b", _Scan.week),
        (rf"\b(?:(?P<which>{cal.NEXT}|{cal.THIS}|{cal.LAST}) )?{a}\b", _Scan.weekday),
        (r"\bthe (?P<d>[0-3]?\d(?:st|nd|rd|th))\b", _Scan.ordinal),
        (r"\b(?:am|vom|zum|bis) (?P<d>[0-3]?\d\.)(?!\d)", _Scan.ordinal),
    ]
    for pattern, reading in rules:
        yield re.compile(pattern), reading


_RULES = tuple(_rules())


def number(word: str) -> int:
    return int(word) if word.isdigit() else cal.NUMBERS[word.casefold()]
