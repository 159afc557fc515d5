"""What a question's letters say, beside its meaning. Pure."""

import re

# One way only to match: space that could belong to several parts would be tried in all of them.
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{2,200})[\"”“»]")
_LONGEST_QUOTED = 120
# A letter first, then a digit: PO-8080, HR-12, ISO 27001, 0x80070005. Not 14:30, 5km, 2026, EUR 1450.
# Names that programs have: MAX_PAGE_SIZE, post_upgrade, on_success(), /api/status/.
_CODE = re.compile(
    r"(?<![\w-])(?:0x[0-9a-fA-F]{4,}|(?!EUR|USD|CHF|GBP)[A-Z]{2,8} \d{2,}\w*|[A-Za-z][A-Za-z_./-]*\d(?:[\w./-]*\w)?"
    r"|[A-Za-z][A-Za-z.]*_[\w.]*\w(?:\(\))?|(?:/[A-Za-z][\w-]*)+/)(?![\w-])"
)


def exact_terms(question: str, *, most: int = 5) -> list[str]:
    """Return what must be found letter by letter: quoted strings, then ids and codes, each once, at most ``most``."""
    quoted = [found[1].strip() for found in _QUOTED.finditer(question)]
    quoted = [words for words in quoted if 2 <= len(words) <= _LONGEST_QUOTED]
    rest = _QUOTED.sub(" ", question)
    return list(dict.fromkeys([*quoted, *(found[0] for found in _CODE.finditer(rest))]))[:most]


_ENGLISH = re.compile(
    r"\b(?:the|is|are|how|what|when|where|who|which|why|does|can|should|my|we|our|you|it|to|of|for|with|from|if|and|not)\b",
    re.IGNORECASE,
)
# Small words of German, French, Spanish, Italian and Dutch that English lacks, and any letter it lacks (told apart by
# case: ignoring it, Unicode's long s and dotless i would be s and i).
_OTHER = re.compile(
    r"\b(?:ich|wir|mir|mich|der|das|dem|den|ist|sind|wie|wer|wo|wann|welche[rs]?|mein\w*|eine?[nmrs]?|nicht|auf|mit|beim|zum|und"
    r"|darf|kann|muss|bekomme|viele?|lange|le|les|des|du|est|sont|que|quel\w*|combien|je|mon|mes|pour|avec|el|los|las|como"
    r"|cu[aá]l|cu[aá]ntos?|mi|puedo|il|che|quant[oi]|posso|het|een|hoe|wat|ik|mijn|voor)\b|(?-i:[\u00c0-\u1fff\u3040-\uffff])",
    re.IGNORECASE,
)


def is_english(question: str) -> bool:
    """Tell whether a question is not clearly in another language; one of bare keywords passes for English."""
    return len(_ENGLISH.findall(question)) >= len(_OTHER.findall(question))
