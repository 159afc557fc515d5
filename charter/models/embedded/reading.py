"""A stretch of the person's words, with what can be found in it without knowing any function."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from charter.models.embedded.amounts import Amount, Number, amounts, numbers
from charter.models.embedded.dates import Period, Span, months, period
from charter.models.embedded.words import Text

TOKEN = re.compile(r"[^\W_][\w'’/&+-]*(?:\.\d+)?")


@dataclass(frozen=True)
class Reading:
    """One clause. ``answers`` tells that it replies to a question of ours, so that bare values count."""

    text: Text
    today: date
    answers: bool = False

    @property
    def clear(self) -> str:
        return self.text.clear

    @cached_property
    def period(self) -> Period | None:
        return period(self.clear, self.today)

    @cached_property
    def months(self) -> list[tuple[str, Span]]:
        return months(self.clear, self.today)

    @cached_property
    def amounts(self) -> list[Amount]:
        return amounts(self.clear)

    @cached_property
    def numbers(self) -> list[Number]:
        taken = (*self.day_spans, *((a.start, a.end) for a in self.amounts))
        return [n for n in numbers(self.clear) if not any(n.start < end and start < n.end for start, end in taken)]

    @cached_property
    def day_spans(self) -> tuple[Span, ...]:
        return self.period.spans if self.period else ()

    @cached_property
    def tokens(self) -> list[re.Match[str]]:
        return list(TOKEN.finditer(self.clear))

    def original(self, span: Span) -> str:
        """Return what was really written there."""
        return self.text.original(*span)


def inside(at: re.Match[str], spans: tuple[Span, ...] | list[Span]) -> bool:
    return any(start < at.end() and at.start() < end for start, end in spans)
