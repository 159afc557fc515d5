"""A brief for a text: what it is to be about, and the document whose form it is to have."""

import re
from dataclasses import dataclass

_TEXT = (
    r"notice|announcement|article|text|post|newsletter|memo|summary|page|guide|faq|leaflet|briefing|overview|draft|letter"
    r"|mitteilung|ankündigung|artikel|beitrag|rundschreiben|merkblatt|zusammenfassung|überblick|entwurf|aushang"
)
_ASKED = re.compile(
    rf"(?:please\s+|bitte\s+|can you\s+|could you\s+)?"
    rf"(?:write|draft|compose|prepare|summari[sz]e|schreibe?|verfasse?|entwirf|fasse?)\b(?P<what>[^.:\n]*?\b(?:{_TEXT})\b)?"
    rf"(?P<who>\s+(?:for|für)\s+[^.:\n]+?)?\s+(?:about|on|over|regarding|über|zum|zur|zu)\s+(?P<subject>[^\n]+)",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"(?:^|[.,;]?[ \t])[ \t]*(?:(?:in the )?(?:house )?style(?: of)?(?: this)?(?: document)?|like this(?: one)?|as in this(?: document)?"
    r"|(?:im )?stil(?: von)?(?: diese[sm])?)[ \t]*:[ \t]*\n",
    re.IGNORECASE | re.MULTILINE,
)
_LIKE = re.compile(
    r"[.,;]?\s+(?:in|im|like|wie)\s+(?:the\s+|our\s+|house\s+)*(?:style|stil)\b[^.]*[.:]?\s*$", re.IGNORECASE
)
_ID = re.compile(r"\b[A-Z]{2,}-\d+")


@dataclass(frozen=True, slots=True)
class Brief:
    """``subject`` is searched for; ``model`` is the text of the document to be like, empty where there is none."""

    subject: str
    model: str = ""


def brief_of(said: str) -> Brief | None:
    """Return the brief that somebody writes; ``None``: these words ask for something else.

    The document stands at the end, below a line such as ``Style:``.
    """
    shown = _SHOWN.search(said)
    asked, model = (said[: shown.start()], said[shown.end() :]) if shown else (said, "")
    found = _ASKED.match(asked.strip())
    if found is None or _ID.search(asked) or (not found["what"] and not model):
        return None
    subject = _LIKE.sub("", found["subject"]).strip(' .,:;"“”')
    return Brief(subject, model.strip("\n")) if subject else None
