"""The house's own sentences in a person's language: English, German, French. Pure.

Values are put into sentences as they are; whoever shows a sentence sees to it that nothing in them is taken for markup.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from charter.channels.wording import decimals

LANGUAGES = ("en", "de", "fr")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ZONES = {"+00:00": "UTC"}
_UNITS = (("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))

Sentence = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Speech:
    """One language; ``locale`` is its short name."""

    locale: str
    sentences: Mapping[str, Sentence]

    def say(self, key: str, **values: object) -> str:
        """Return the sentence of that name with these values in it; ``count`` chooses between none, one and many.

        Raises:
            KeyError: there is no such sentence, or it wants a value that was not given.
        """
        found = self.sentences.get(key)
        if found is None:
            found = self.sentences[f"{key}.{self._form(key, values['count'])}"]
        return str(found).format_map(values)

    def has(self, key: str) -> bool:
        return key in self.sentences

    def moment(self, when: datetime) -> str:
        """Return a time with its zone, which is never another one than the given."""
        offset = when.strftime("%z")
        zone = f"{offset[:3]}:{offset[3:5]}" if offset else ""
        said = _ZONES.get(zone, f"UTC{zone}" if zone else "")
        parts = {"day": self._ordinal(when.day), "month": self.sentences["months"][when.month - 1], "year": when.year}
        clock = {"hour": f"{when:%H}", "minute": f"{when:%M}", "zone": said}
        return self.say("moment", **parts, **clock).strip()

    def day(self, when: date) -> str:
        month, weekday = self.sentences["months"][when.month - 1], self.sentences["weekdays"][when.weekday()]
        return self.say("date", weekday=weekday, day=self._ordinal(when.day), month=month, year=when.year)

    def span(self, seconds: float) -> str:
        """Return a length of time in its one or two greatest units."""
        left, parts = max(0, int(seconds)), list[str]()
        for unit, size in _UNITS:
            count, left = divmod(left, size)
            if count:
                parts.append(f"{count} {self.say(f'span.{unit}')}")
        return " ".join(parts[:2]) or f"0 {self.say('span.seconds')}"

    def number(self, value: Decimal | float, *, places: int | None = None, grouped: bool = True) -> str:
        """Return a number with this language's signs; every digit is kept where ``places`` is not given."""
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
        plain = f"{exact:{',' if grouped else ''}{'f' if places is None else f'.{places}f'}}"
        signs = {",": str(self.sentences["number.group"]), ".": str(self.sentences["number.decimal"])}
        return "".join(signs.get(char, char) for char in plain)

    def money(self, minor: int, currency: str) -> str:
        """Return an amount of the smallest unit as people write it: ``1.450,00 EUR``."""
        places = decimals(currency)
        whole, rest = divmod(abs(minor), 10**places)
        amount = Decimal(f"{'-' if minor < 0 else ''}{whole}.{rest:0{places}}" if places else minor)
        return self.say("money", amount=self.number(amount, places=places), currency=currency)

    def listed(self, items: Sequence[str]) -> str:
        """``a, b or c``."""
        if len(items) < 2:
            return "".join(items)
        return self.say("or", first=", ".join(items[:-1]), last=items[-1])

    def person(self, entry: str, me: str = "") -> str:
        """Say who may decide or read: ``user:bob`` → ``bob``, ``role:buyer`` → ``anyone with the role buyer``; an id that tells
        nobody anything is a word for who it is.
        """
        kind, _, name = entry.rpartition(":")
        if kind == "role":
            return self.say("role", role=name)
        if entry == "requester" or (me and name == me):
            return self.say("you")
        return self.say("members" if kind == "group" else "named") if _GUID.fullmatch(name) else name

    def called(self, name: str) -> str:
        """Return what somebody is called; where that is not known, and ``name`` is their id, a word for them."""
        return self.say("named") if _GUID.fullmatch(name) else name

    def _ordinal(self, day: int) -> str:
        return "1er" if day == 1 and self.locale == "fr" else str(day)

    def _form(self, key: str, count: object) -> str:
        if count == 0 and self.has(f"{key}.none"):
            return "none"
        return "one" if count == 1 or (count == 0 and self.locale == "fr") else "other"


def speech_of(locale: str) -> Speech:
    """Return the language of a locale (``de-AT``); English for what the house does not speak."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return _spoken(language if language in LANGUAGES else LANGUAGES[0])


@cache
def _spoken(language: str) -> Speech:
    text = (Path(__file__).parent / f"{language}.yaml").read_text("utf-8")
    return Speech(language, dict(_flat(yaml.safe_load(text))))


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Sentence]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, Any]", value), f"{above}{name}.")
        else:
            yield f"{above}{name}", value
