"""The small words and marks that turn what a sentence says: bounds, permission and duty, conditions, denials, signs. Pure.

They are compared one by one, since a sentence may have all other words of its passage and say something else.
"""

import re
import unicodedata
from collections.abc import Iterator

_SAME = (
    (re.compile(r"\b(?:at most|(?:no|not) more than|a maximum of)\b", re.IGNORECASE), "up to"),
    (re.compile(r"\b(?:more|longer|greater|higher) than\b", re.IGNORECASE), "over"),
    (re.compile(r"\b(?:less|fewer|shorter|lower) than\b", re.IGNORECASE), "under"),
    (re.compile(r"\bor more\b", re.IGNORECASE), "at least"),
    (re.compile(r"\bunless\b", re.IGNORECASE), "except"),
    (re.compile(r"\b(?:colleagues?|staff|employees?)\b", re.IGNORECASE), "employee"),
)
DENIES = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|cannot|\w+n['’]t|hardly|rarely|seldom|barely|scarcely|"
    r"nicht|kein\w*|nie|niemals|pas|jamais|nunca)\b",
    re.IGNORECASE,
)
_QUANTITY = r"up to|least|over|under"
_BOUND = re.compile(
    rf"\b(?:{_QUANTITY}|above|below|within|after|before|until|since(?= \d)|outside|between|beyond|later|earlier|exactly|"
    r"hundreds?|thousands?|millions?|billions?|dozens?|half|quarter|double|twice|triple|several|many|few|most|"
    r"usually|often|sometimes|normally)\b",
    re.IGNORECASE,
)
_NEAR_A_NUMBER = re.compile(rf"\b({_QUANTITY})\b(?:\W+\w+){{0,2}}?\W+(?=(\d[\d.,:]*))", re.IGNORECASE)
_LIMIT = re.compile(r"\blimits?\b", re.IGNORECASE)
_PERMITS = re.compile(r"\b(?:can|may|could|might|allow\w*|possible|optional|permit\w*|limits?)\b", re.IGNORECASE)
_OBLIGES = re.compile(
    r"\b(?:must|ha(?:s|ve) to|shall|should|obliged|required|mandatory|needs?|needed)\b", re.IGNORECASE
)
_CONDITION = re.compile(r"\b(?:if|(?<!or )when|whose|provided|except|only|alone)\b", re.IGNORECASE)
_CLAUSES = re.compile(
    r"[,;:()]|[.!?]\s|\s[–—-]\s|\b(?:and|but|or|while|whereas|unlike|although|plus|also|because|except)\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"!\[|\]\s?[(\[:]|//|</?\w|<!|&#?\w+;|\bwww\.|javascript:", re.IGNORECASE)
_APART = re.compile(r"[\s()<>\[\]{}\"“”|]+")
_ADDRESS = re.compile(r"@|//|\w\.[a-z]{2}", re.IGNORECASE)
_PLAIN = re.compile(r"[*_`]")


def alike(text: str) -> str:
    """Return the text with one word for those that mean the same."""
    for many, one in _SAME:
        text = many.sub(lambda found, one=one: one.capitalize() if found[0][0].isupper() else one, text)
    return text


def turned(sentence: str, said: str, lent: str) -> str:
    """Return what turns the sentence away from what is said; nothing where that is the same. ``lent`` stands above it."""
    here, there = _found(_BOUND, sentence), _found(_BOUND, said)
    there |= {"up to"} if _LIMIT.search(f"{said} {lent}") else set()
    if missing := here - there:
        return min(missing)
    kept = {bound.lower() for bound, number in _NEAR_A_NUMBER.findall(said) if number.rstrip(".,:") in sentence}
    if missing := kept - here:
        return min(missing)
    for pattern in (_PERMITS, _OBLIGES):
        if (found := pattern.search(sentence)) and not pattern.search(f"{said} {lent}"):
            return found[0]
    found = _CONDITION.search(said)
    return found[0] if found and not _CONDITION.search(sentence) else ""


def clauses(sentence: str) -> Iterator[str]:
    """Yield the parts of a sentence that could stand alone."""
    return (part for part in _CLAUSES.split(sentence) if part.strip())


def marks(text: str) -> set[str]:
    """Return what is neither a word nor plain punctuation: addresses, links, tags, symbols, signs that nobody sees."""
    odd = {
        letter for letter in _PLAIN.sub("", text) if unicodedata.category(letter)[0] in "SC" and letter not in "\n\t"
    }
    addresses = {word.rstrip(".,:;!?").lower() for word in _APART.split(text) if _ADDRESS.search(word)}
    return odd | addresses | {found.lower() for found in _MARKUP.findall(text)}


def _found(pattern: re.Pattern[str], text: str) -> set[str]:
    return {word.lower() for word in pattern.findall(text)}
