"""One exact call in plain words, for the person who decides on it.

The values were written by a model. So nothing in them may look like words of ours: control and direction characters
go, and text with punctuation stands in quotes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

_LONGEST = 160
_PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
PLACES: Mapping[str, int] = {name: digits for digits, names in _PLACES.items() for name in names.split()}
"""Decimal places of currencies that do not have two (ISO 4217)."""


def summary(full_name: str, arguments: Mapping[str, Any]) -> str:
    """Return, for example, ``procurement.create_order: item standing desk, total 1,450.00 EUR``."""
    parts = [
        f"{_plain(name.replace('_', ' '))} {_said(value)}" for name, value in arguments.items() if value is not None
    ]
    return f"{full_name}: {', '.join(parts)}" if parts else f"{full_name}, without arguments"


def _said(value: Any) -> str:
    match value:
        case {"minor": int(minor), "currency": str(currency), **rest} if not rest:
            return _money(minor, currency)
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:,}"
        case str():
            return _quoted(value)
        case Mapping():
            fields = cast("Mapping[str, Any]", value)
            return f"({', '.join(f'{_plain(name)} {_said(inner)}' for name, inner in fields.items())})"
        case list() | tuple():
            return f"[{', '.join(_said(item) for item in cast('Sequence[Any]', value))}]"
        case _:
            return "none"


def _money(minor: int, currency: str) -> str:
    places = PLACES.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**places)
    amount = f"{'-' if minor < 0 else ''}{whole:,}" + (f".{rest:0{places}}" if places else "")
    return f"{amount} {_quoted(currency)}"


def _quoted(text: str) -> str:
    plain = _plain(text)
    if re.fullmatch(r"[\w][\w /.@+-]*", plain):
        return plain
    return '"' + plain.replace('"', "'") + '"'


def _plain(text: str) -> str:
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    words = " ".join(visible.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}… ({len(text):,} characters)"
