"""Which of a few allowed values the words mean."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from charter.models.embedded.words import WORD, stem

LONG = 5
"""From this length on a synonym is also found at the head of a compound: ``Urlaub`` in ``Urlaubstage``."""


def meant(text: str, synonyms: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the values that the text names, the surest first; longer phrases hide the shorter ones inside them."""
    stems = [stem(found[0]) for found in WORD.finditer(text)]
    taken = [False] * len(stems)
    hits: list[tuple[bool, int, str]] = []
    for size, phrase, value, own in _phrases(_frozen(synonyms)):
        for at in range(len(stems) - size + 1):
            if not any(taken[at : at + size]) and _fits(stems[at : at + size], phrase):
                taken[at : at + size] = [True] * size
                hits.append((not own, at, value))
    # A value named by its own name beats one hinted at: "unpaid holiday" is unpaid.
    return list(dict.fromkeys(value for _, _, value in sorted(hits)))


def _fits(said: Sequence[str], phrase: Sequence[str]) -> bool:
    return all(
        one == other or (len(phrase) == 1 and len(other) >= LONG and one.startswith(other))
        for one, other in zip(said, phrase, strict=True)
    )


def _frozen(synonyms: Mapping[str, Sequence[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((value, tuple(words)) for value, words in synonyms.items())


@lru_cache(maxsize=512)
def _phrases(synonyms: tuple[tuple[str, tuple[str, ...]], ...]) -> list[tuple[int, tuple[str, ...], str, bool]]:
    found = [
        (phrase, value, _plain(words) == _plain(value))
        for value, said in synonyms
        for words in said
        if (phrase := tuple(stem(word[0]) for word in WORD.finditer(words)))
    ]
    return sorted(((len(p), p, value, own) for p, value, own in found), key=lambda row: (-row[0], not row[3]))


def _plain(words: str) -> str:
    return re.sub(r"[\W_]", "", words.casefold())
