"""Words of a request: stems to compare them by, and a speller that knows only the words that matter here.

English and German, because the people who write do both in one sentence. Nothing here knows a function or a prompt.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")


def table(words: str) -> frozenset[str]:
    """Return the words of a table that is written as running text."""
    return frozenset(words.split())


LITTLE = table(
    """
a an the this that these those my your our his her its their me you us him them i we he she it one ones some any
of in on at to for from with by as into about up out off over and or but if then so than too also just only
is are was were be been am do does did has have had will would can could shall should may might must
what which who whom whose where when why how there here please kindly thanks thank hi hello hey not no yes
want need like let get got give make made put take tell show see know look now still yet already ever again
it's i'd i'm i'll i've let's what's who's where's don't doesn't didn't can't won't isn't
der die das den dem des ein eine einen einem einer eines dieser diese dieses mein meine meinen meinem meiner
dein deine unser unsere ihr ihre mir mich dir dich uns euch ich du wir sie er es man
von vom zu zum zur im am an auf bei mit nach aus in für fur und oder aber wenn dann als auch nur noch schon
ist sind war bin bist sei wird werden hat habe haben hast kann kannst könnte konnte möchte mochte will soll darf
was welche welcher welches welchen welchem viel viele vielen tag wer wem wen wo wann warum wie wieviel dort hier da bitte danke nicht kein keine
brauche will hätte hatte gern gerne mal eigentlich zeig zeige gib
    want wants need needs
    """
)
"""Words that say nothing of what is wanted."""

_FOLD = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "é": "e", "è": "e", "’": "'"})
_ENDINGS = ("ungen", "ung", "ing", "ies", "ed", "es", "en", "er", "em", "e", "s", "n")
_IRREGULAR = {"hoh": "hoch"}
_SHORTEST_STEM = 3


def stem(word: str) -> str:
    """Return what the word shares with its other forms: ``orders``, ``ordered`` and ``ordering`` become one."""
    short = word.casefold().translate(_FOLD).removesuffix("'s")
    for _ in range(2):
        for ending in _ENDINGS:
            if short.endswith(ending) and len(short) - len(ending) >= _SHORTEST_STEM:
                short = short[: -len(ending)]
                break
    return _IRREGULAR.get(short, short)


def words(text: str) -> list[str]:
    return [found[0] for found in WORD.finditer(text)]


def content(text: str) -> list[str]:
    """Return the stems of the words that say something, in order."""
    return [stem(word) for word in words(text) if word.casefold() not in LITTLE]


@dataclass(frozen=True, slots=True)
class Text:
    """A request as it was written (``raw``) and as it reads with slips of the pen mended (``clear``)."""

    raw: str
    clear: str
    _marks: tuple[tuple[int, int, int, int], ...] = ()

    def original(self, start: int, end: int) -> str:
        """Return what was really written between two places of ``clear``."""
        return self.raw[self._place(start) : self._place(end)]

    def part(self, start: int, end: int) -> "Text":
        """Return the piece between two places of ``clear``."""
        raw_start = self._place(start)
        marks = tuple(
            (a - start, b - start, c - raw_start, d - raw_start)
            for a, b, c, d in self._marks
            if start <= a and b <= end
        )
        return Text(self.original(start, end), self.clear[start:end], marks)

    def led_by(self, word: str) -> "Text":
        """Return the text with a word put before it."""
        more = len(word) + 1
        marks = tuple((a + more, b + more, c + more, d + more) for a, b, c, d in self._marks)
        return Text(f"{word} {self.raw}", f"{word} {self.clear}", marks)

    def _place(self, at: int) -> int:
        # Each mark is a mended word: from, to in clear; from, to in raw. Between words both run alike.
        shift = 0
        for clear_start, clear_end, raw_start, raw_end in self._marks:
            if at <= clear_start:
                break
            if at < clear_end:
                return min(raw_start + (at - clear_start), raw_end)
            shift = raw_end - clear_end
        return at + shift


class Speller:
    """Mends words that are a slip of the pen (from seven letters on: two) away from a word of ``vocabulary``.

    It knows no dictionary, so it must not mend words that are merely foreign to it: the first letter stands, inflection
    is no slip, and in a short word only a swapped, doubled or lost letter is believed, never another letter.
    """

    def __init__(self, vocabulary: Iterable[str], right: Iterable[str] = ()) -> None:
        """Words of ``right`` are left alone, and nothing is mended towards them."""
        sought = {word.casefold() for word in vocabulary} | LITTLE
        self._known = sought | set(right)
        self._near: dict[str, set[str]] = {}
        for word in sought:
            for part in _shortened(word, _slips(word)):
                self._near.setdefault(part, set()).add(word)

    def read(self, raw: str) -> Text:
        """Return the text with its slips mended."""
        clear: list[str] = []
        marks: list[tuple[int, int, int, int]] = []
        at = length = 0
        for found in WORD.finditer(raw):
            mended = self._mended(found[0])
            if mended == found[0]:
                continue
            clear += (raw[at : found.start()], mended)
            length += found.start() - at
            marks.append((length, length + len(mended), found.start(), found.end()))
            length += len(mended)
            at = found.end()
        return Text(raw, "".join(clear) + raw[at:], tuple(marks))

    def _mended(self, word: str) -> str:
        low = word.casefold()
        if not _SHORTEST_SLIP <= len(low) <= _LONGEST_SLIP or low in self._known:
            return word
        near = {other for part in _shortened(low, _slips(low)) for other in self._near.get(part, ())}
        slips = [
            (slips_between(low, other), abs(len(other) - len(low)), other) for other in near if _likely(low, other)
        ]
        allowed = [slip for slip in slips if slip[0] <= min(_slips(low), _slips(slip[2]))]
        if not allowed or any(stem(other) == stem(low) for _, _, other in allowed):
            return word
        return min(allowed)[2]


_SHORTEST_SLIP = 3
_LONGEST_SLIP = 24
_SHORT = 5


def _likely(word: str, other: str) -> bool:
    if len(other) < _SHORTEST_SLIP + (len(word) > len(other)):
        return False
    if sorted(word) == sorted(other):
        return True
    if word[0] != other[0]:
        return False
    if len(word) > _SHORT:
        return True
    lost = len(other) == len(word) + 1
    doubled = len(word) == len(other) + 1 and any(a == b for a, b in pairwise(word))
    return lost or doubled


def _slips(word: str) -> int:
    return 0 if len(word) < 3 else 1 if len(word) < 7 else 2


def _shortened(word: str, slips: int) -> Iterator[str]:
    for count in range(slips + 1):
        for gone in combinations(range(len(word)), count):
            yield "".join(letter for at, letter in enumerate(word) if at not in gone)


def slips_between(one: str, other: str) -> int:
    """Return how many letters were lost, added, mistaken or swapped (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        last, before, row = before, row, [i]
        for j, right in enumerate(other, start=1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                best = min(best, last[j - 2] + 1)
            row.append(best)
    return row[-1]
