"""The set of questions: each with the document that answers and words that only the answering passage has."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import yaml

from charter.knowledge.index import Document

Half = Literal["tuning", "held out"]
_QUESTIONS = Path(__file__).parent / "questions"
_LANGUAGES = {"german": "de", "french": "fr"}
_OTHER_LETTERS = re.compile(r"\b(?:wie|und|der|die|für|wann|wer)\b", re.IGNORECASE)
_FRENCH = re.compile(r"\b(?:quelle|combien|est|pour|et)\b", re.IGNORECASE)
_MARKS = re.compile(r"[`*\\]")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. ``before`` are the person's earlier messages in the same conversation, the oldest first.

    An answering passage is one of ``document`` with the words ``says`` in its text or heading; without a document the
    question has no answer. ``moved`` tells that ``before`` is of another topic.
    """

    kind: str
    text: str
    document: str = ""
    says: str = ""
    before: tuple[str, ...] = ()
    moved: bool = False

    @property
    def language(self) -> str:
        found = _LANGUAGES.get(self.kind)
        return found or ("de" if _OTHER_LETTERS.search(self.text) else "fr" if _FRENCH.search(self.text) else "en")

    @property
    def half(self) -> Half:
        """Settled by the words alone, so before anything was tuned and for good."""
        return "tuning" if sha256(self.text.encode()).digest()[0] % 2 else "held out"

    @property
    def answerable(self) -> bool:
        return bool(self.document)

    def answered_by(self, heading: str, text: str) -> bool:
        """Tell whether a passage of its document has the answering words."""
        return bool(self.says) and plain(self.says) in plain(f"{heading}\n{text}")


def plain(text: str) -> str:
    """Return a text without marks, in small letters and with single spaces, so that only its words are compared."""
    return " ".join(_MARKS.sub("", text).casefold().split())


def questions(folder: Path = _QUESTIONS) -> list[Asked]:
    """Return the whole set, in the order of its files."""
    files = sorted(folder.glob("*.yaml"))
    return [_asked(file.stem, entry) for file in files for entry in yaml.safe_load(file.read_text("utf-8"))]


def _asked(kind: str, entry: str | Sequence[str] | Mapping[str, Any]) -> Asked:
    if isinstance(entry, str):
        return Asked(kind, entry)
    if isinstance(entry, Mapping):
        moved = entry.get("topic") == "new"
        return Asked(kind, entry["asked"], entry["in"], entry["says"], tuple(entry["before"]), moved)
    text, document, says = entry
    return Asked(kind, text, document, says)


def answering(asked: Asked, documents: Mapping[str, Document]) -> frozenset[str]:
    """Return the ids of the passages that answer; nothing where the document does not have the words."""
    document = documents.get(asked.document)
    if document is None:
        return frozenset()
    pieces = zip(document.passage_ids(), document.pieces, strict=True)
    return frozenset(
        passage for passage, piece in pieces if asked.answered_by(piece.heading, document.body[piece.start : piece.end])
    )
