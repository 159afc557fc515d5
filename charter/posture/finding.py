"""One thing that was looked at, and what was found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["ok", "refused", "unproven"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``ok``: it was looked at and is in order. ``refused``: it must not be so. ``unproven``: nobody could look; the
    sentence says what it would take. ``action`` is what to do.
    """

    name: str
    state: State
    sentence: str
    action: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "state": self.state, "sentence": self.sentence, "action": self.action}


def ok(name: str, sentence: str) -> Finding:
    return Finding(name, "ok", sentence)


def refused(name: str, sentence: str, action: str) -> Finding:
    return Finding(name, "refused", sentence, action)


def unproven(name: str, sentence: str, action: str = "") -> Finding:
    return Finding(name, "unproven", sentence, action)


def green(findings: Iterable[Finding]) -> bool:
    """Whether something was looked at and nothing is refused. Of nothing, nothing is known: that is not green."""
    states = [finding.state for finding in findings]
    return "ok" in states and "refused" not in states
