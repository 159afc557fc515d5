"""What is wrong with a folder of agents or plugins: where it stands, and what to write instead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from charter.errors import CharterError, StartRefused


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake: ``file`` and ``line`` (from 1) where it stands, what it is, and the remedy; both are sentences."""

    file: Path
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} {self.remedy}"

    def as_json(self) -> dict[str, object]:
        return {"file": str(self.file), "line": self.line, "message": self.message, "remedy": self.remedy}


class CatalogInvalid(StartRefused):
    """The folders of agents and plugins hold mistakes; ``mistakes`` has all of them, in reading order."""

    code, title = "catalog_invalid", "The agents and plugins hold mistakes."
    action = "Mend what is named; `charter check` shows every mistake."

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: Sequence[Mistake] = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class BundleUnavailable(CharterError):
    """A run cannot go on, because what it began with cannot be had, or is not what it was."""

    code, status, title = "bundle_unavailable", 503, "What the run began with is not available."
    action = "Start the run again; the log tells an operator the reason."


def closest(word: str, known: Iterable[str]) -> str:
    """Return the remedy for a word that is none of ``known``: the one that was probably meant, or all of them."""
    choices = sorted(known)
    if near := get_close_matches(word, choices, 1, 0.6):
        return f"Write `{near[0]}`."
    listed = ", ".join(f"`{choice}`" for choice in choices[:20])
    return f"Known here: {listed}." if listed else "Remove it."
