"""Amounts of money and plain numbers in running text, in English and German spelling."""

import re
from dataclasses import dataclass
from decimal import Decimal

from charter.models.embedded.calendar_words import NUMBERS

_DIGITS = r"\d{1,3}(?:[.,'’\u202f\u00a0]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_CURRENCIES = {
    "EUR": r"€|eur(?:os?)?\b",
    "USD": r"(?:us)?\$|usd\b|(?:us )?dollars?\b",
    "GBP": r"£|gbp\b|pounds?\b",
    "CHF": r"chf\b|francs?\b|franken\b",
}
_ANY = "|".join(_CURRENCIES.values())
_AMOUNT = re.compile(
    rf"(?P<before>(?<![a-z]){_ANY})\s*(?P<a>{_DIGITS})(?![\d%])|(?<![\w.,-])(?P<b>{_DIGITS})(?:\s*[,.]?-+)?\s*(?P<after>{_ANY})",
    re.IGNORECASE,
)
_PLAIN = re.compile(rf"(?<![\w.,/-])(?P<n>{_DIGITS})(?![\w/-]|[.,]\d)|\b(?P<word>{'|'.join(NUMBERS)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in minor units; ``start`` and ``end`` are its place in the text."""

    minor: int
    currency: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal
    start: int
    end: int


def amounts(text: str) -> list[Amount]:
    """Return the amounts that have a currency, in order."""
    return [
        Amount(int(_value(m["a"] or m["b"]) * 100), _currency(m["before"] or m["after"]), *m.span())
        for m in _AMOUNT.finditer(text)
    ]


def numbers(text: str) -> list[Number]:
    """Return the bare numbers: in digits, or as words from two on (one is nearly always an article)."""
    found: list[Number] = []
    for m in _PLAIN.finditer(text):
        value = _value(m["n"]) if m["n"] else Decimal(NUMBERS[m["word"].casefold()])
        if m["n"] or value > 1:
            found.append(Number(value, *m.span()))
    return found


def _currency(sign: str) -> str:
    return next(code for code, spelling in _CURRENCIES.items() if re.fullmatch(spelling, sign, re.IGNORECASE))


def _value(digits: str) -> Decimal:
    """Read 1,450.00 and 1.450,00 alike: a mark before one or two last digits is the decimal one."""
    whole, _, cents = digits, "", ""
    if len(digits) > 2 and (mark := re.search(r"[.,](\d{1,2})$", digits)):
        whole, cents = digits[: mark.start()], mark[1]
    return Decimal("".join(filter(str.isdigit, whole)) + f".{cents or 0}")
