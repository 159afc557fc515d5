"""The last defence: what must not be read in a log is not written there, whoever put it into a sentence."""

import json
import re
from collections import OrderedDict

import orjson

MASKED = "[secret]"

_LEAST = 6
"""Shorter values would mask ordinary words."""
_MOST = 500
_SHAPES = re.compile(
    r"[\w~.-]{3}\dQ~[\w~.-]{31,}"  # a client secret of Entra
    r"|(?<=[Bb]earer )[\w~+/.-]{16,}=*"
    r"|(?<=client_secret=)[^&\s\"']+"
    # A JSON Web Token, from the first "eyJ" of a word: who tried each would look at the rest of a long word each time.
    r"|(?<![\w-])(?P<before>(?>[\w-]*?(?=eyJ)))eyJ[\w-]{6,}+\.[\w-]{6,}+\.[\w-]*"
)


class Mask:
    """The values that are secret, as far as this process has come to know them."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self._values: re.Pattern[str] | None = None

    def tell(self, value: str) -> None:
        """Remember a value. The 500 newest count."""
        if len(value) < _LEAST or value in self._known:
            return
        self._known[value] = None
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        written = {form for known in self._known for form in _written(known)}
        self._values = re.compile("|".join(map(re.escape, sorted(written, key=len, reverse=True))))

    def clean(self, text: str) -> str:
        """Return the text without any of the values, and without what has the shape of a token."""
        if self._values is not None:
            text = self._values.sub(MASKED, text)
        return _SHAPES.sub(lambda found: (found["before"] or "") + MASKED, text)


def _written(value: str) -> tuple[str, ...]:
    """Return a value as it may stand in a line: as it is, and in JSON with or without letters beyond ASCII."""
    return value, orjson.dumps(value).decode()[1:-1], json.dumps(value)[1:-1]
