"""Names and texts of machines and models, made fit to be read by a person. Pure; for every door that shows them."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from charter.governance.summary import PLACES

_ABBREVIATIONS = {"Id": "ID", "Url": "URL", "It": "IT", "Hr": "HR"}
_HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing, whatever their category says."""
_STRANGE = re.compile(r"[^\t\n\r -~]")
_MARKS = frozenset({"Mn", "Me"})
_STACKED = 3
"""Marks that a letter may carry; more would cover the lines around it."""


def title(name: str) -> str:
    """``employee_assistant`` → ``Employee assistant``; ``order_id`` → ``Order ID``."""
    words = re.sub(r"[_\-.]+", " ", name).strip()
    return " ".join(_ABBREVIATIONS.get(word.capitalize(), word) for word in capital(words).split(" "))


def capital(text: str) -> str:
    """Return the text as a line of its own begins."""
    return text[:1].upper() + text[1:]


def call_name(function: str) -> tuple[str, str]:
    """``procurement.create_order`` → ``("Create order", "Procurement")``."""
    plugin, _, name = function.rpartition(".")
    return title(name), title(plugin)


def decimals(currency: str) -> int:
    """Return how many digits of that currency stand behind the point."""
    return PLACES.get(currency, 2)


def arranged(arguments: Mapping[str, Any], summary: str) -> list[str]:
    """Return the names of a call's arguments in the order of its summary: the database does not keep the call's own."""

    def place(name: str) -> int:
        found = summary.find(f" {name.replace('_', ' ')} ")
        return found if found >= 0 else len(summary)

    return sorted(arguments, key=place)


def visible(text: str) -> str:
    """Show characters that hide or turn text around, so that nobody approves another call than the one they read."""
    return _STRANGE.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    char, text, place = found[0], found.string, found.start()
    category = unicodedata.category(char)
    return f"⟨U+{ord(char):04X}⟩" if _hides(char, category, text[max(0, place - _STACKED) : place]) else char


def _hides(char: str, category: str, before: str) -> bool:
    if "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180f":
        # What chooses between the text and the picture of a sign is common behind one, and says nothing elsewhere.
        return char not in "\ufe0e\ufe0f" or unicodedata.category(before[-1:] or "a") not in {"So", "Sm", "Po", "Nd"}
    if category in _MARKS and len(before) == _STACKED:
        return all(unicodedata.category(other) in _MARKS for other in before)
    return category in _HIDING or char in _BLANK
