"""Texts as terms with positions, after Lucene's standard analyzer and its English one (stop words, stems).

``en.microsoft`` is Microsoft's own and not published; here it is the English one, which differs in rare words only.
"""

import re
from functools import lru_cache
from typing import Any

import Stemmer

_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*", re.UNICODE)
_STOPPED = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for if in into is it no not of on or such that the their then there these they "
        "this to was will with",
    )
)
_PORTER: Any = Stemmer.Stemmer("porter", 0)  # pyright: ignore
Spot = tuple[int, str]
"""A position and the term there."""


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return _PORTER.stemWord(word)


def terms(text: str, analyzer: str) -> list[Spot]:
    """Return the terms of a text; a word that is stopped leaves a gap."""
    if analyzer == "keyword":
        return [(0, text)] if text else []
    words = [found[0].lower() for found in _WORD.finditer(text)]
    if analyzer == "standard.lucene":
        return list(enumerate(words))
    bare = [word.replace("’", "'").removesuffix("'s") for word in words]
    return [(at, _stem(word)) for at, word in enumerate(bare) if word not in _STOPPED]
