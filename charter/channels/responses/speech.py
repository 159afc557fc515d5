"""From live text and recorded turns to messages, each text said once and in order. Pure.

Live text comes by another way than the journal's entries, so either may be first, and live text may be lost. The journal
is the truth: whatever was said live is completed, split or replaced by the recorded text of its turn.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Opened:
    """A message begins; messages are numbered from 0."""

    index: int


@dataclass(frozen=True, slots=True)
class Said:
    """The next piece of the open message."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A message ends. ``whole`` is false for one that broke off; ``final`` is true for the run's answer."""

    index: int
    text: str
    whole: bool = True
    final: bool = False


Utterance = Opened | Said | Closed


class Speech:
    """What one follower of a run has been told."""

    def __init__(self) -> None:
        self._index = -1
        self._shown: str | None = None  # the text of the open message
        self._late: str = ""  # told from the journal, and may yet come live
        self._held: str = ""  # live text that so far equals the beginning of what is late

    def heard(self, text: str) -> Iterator[Utterance]:
        """Live text."""
        if self._late:
            text = self._held + text
            self._held = ""
            if self._late == text:
                self._late = ""
                return
            if self._late.startswith(text):
                self._held = text
                return
            self._late = ""
        yield from self._say(text)

    def withdrawn(self) -> Iterator[Utterance]:
        """The live text of the present turn does not count: its model broke off, and the answer begins anew."""
        self._held = ""
        if self._shown is not None:
            yield from self._broken()

    def turned(self, text: str) -> Iterator[Utterance]:
        """A turn that goes on with calls was recorded with this text."""
        if text:
            yield from self._told(text)
            yield from self._close(text)

    def ended(self, text: str | None) -> Iterator[Utterance]:
        """The run ended with this answer; ``None``: without one."""
        if text:
            yield from self._told(text)
            yield from self._close(text, final=True)
        elif self._shown is not None:
            yield from self._broken()

    def _told(self, text: str) -> Iterator[Utterance]:
        """Bring the open message to begin with ``text``."""
        if self._shown is not None and not (text.startswith(self._shown) or self._shown.startswith(text)):
            yield from self._broken()
        rest = text[len(self._shown or "") :]
        self._late, self._held = rest, ""
        yield from self._say(rest)

    def _say(self, text: str) -> Iterator[Utterance]:
        if not text:
            return
        if self._shown is None:
            self._index, self._shown = self._index + 1, ""
            yield Opened(self._index)
        self._shown += text
        yield Said(self._index, text)

    def _close(self, text: str, *, final: bool = False) -> Iterator[Utterance]:
        more, self._shown = (self._shown or "")[len(text) :], None
        yield Closed(self._index, text, final=final)
        if not final:
            yield from self._say(more)  # the next turn had begun to speak already

    def _broken(self) -> Iterator[Utterance]:
        shown, self._shown = self._shown or "", None
        yield Closed(self._index, shown, whole=False)
