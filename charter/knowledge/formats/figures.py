"""A spreadsheet's values as its reader sees them: dates, percentages, money, leading zeros."""

import re
from datetime import date, datetime, time, timedelta

_PARTS = re.compile(
    r'"(?P<quoted>[^"]*)"|\[\$(?P<money>[^\]-]*)[^\]]*\]|\[[^\]]*\]|\\(?P<escaped>.)|[_*].'
    r"|(?P<digits>[0#?][0#?,.]*|\.[0#?]+)|(?P<other>.)"
)


def shown(value: object, pattern: str = "General") -> str:
    """Return a cell's value as text, in the number format of its cell; dates as 2026-12-24."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return _number(value, pattern)
    if isinstance(value, (date, time, timedelta)):
        return _moment(value)
    return " ".join(str(value).split())


def _moment(value: date | time | timedelta) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    return value.isoformat("minutes") if isinstance(value, time) else str(value)


def _number(value: float, pattern: str) -> str:
    positive, *others = pattern.split(";")
    words = [(found.lastgroup or "", found[found.lastgroup]) for found in _PARTS.finditer(positive) if found.lastgroup]
    digits = [word for kind, word in words if kind == "digits"]
    others = "".join(word for kind, word in words if kind == "other")
    if len(digits) != 1 or re.search(r"[/eE@]", others):
        return _plain(value)
    at = next(at for at, (kind, _) in enumerate(words) if kind == "digits")
    before, behind = ("".join(word for _, word in part) for part in (words[:at], words[at + 1 :]))
    percent = 100 if "%" in others else 1
    sign = "-" if value < 0 else ""
    return f"{sign}{before}{_figures(abs(value) * percent, digits[0])}{behind}".strip()


def _figures(value: float, digits: str) -> str:
    thousands = len(digits) - len(digits.rstrip(","))
    whole, _, decimals = digits.rstrip(",").partition(".")
    places = f"{value / 1000**thousands:{',' if ',' in whole else ''}.{len(decimals)}f}"
    optional = len(decimals) - len(decimals.rstrip("#?"))
    if optional and "." in places:
        least = len(places) - optional
        places = (places[:least] + places[least:].rstrip("0")).rstrip(".")
    # Leading zeros belong to postcodes and article numbers.
    width = whole.count("0") + len(places) - len(places.partition(".")[0])
    return places if "," in whole else places.zfill(width)


def _plain(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.12g}"
