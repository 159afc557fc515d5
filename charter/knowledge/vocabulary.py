"""The words of a text as search counts them: stems, without those that every text has. Pure; equal for every store."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import Stemmer

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a about above after again against all am an and any are as at be because been before being below between both "
        "but by can could did do does doing don down during each few for from further had has have having he her here "
        "hers him his how i if in into is it its itself just me more most my no nor not now of off on once only or "
        "other our out over own s same she should so some such t than that the their them then there these they this "
        "those through to too under until up very was we were what when where which while who whom why will with would "
        "you your ",
    )
)
_ENGLISH: Any = Stemmer.Stemmer("english", 0)  # pyright: ignore


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return _ENGLISH.stemWord(word)


def stems(text: str) -> list[str]:
    """Return the stems of the words of ``text`` in order, common words left out."""
    words = (found[0].replace("’", "'").removesuffix("'s") for found in _WORD.finditer(text.lower()))
    return [_stem(word) for word in words if word not in _COMMON]


def within(phrase: Sequence[str], words: Sequence[str]) -> bool:
    """Tell whether the stems of a phrase stand in these words, one after the other; an empty phrase stands nowhere."""
    length = len(phrase)
    return length > 0 and any(words[at : at + length] == phrase for at, word in enumerate(words) if word == phrase[0])
