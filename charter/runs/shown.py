"""What the model is shown of a run: all of it while it is short, less of its beginning when it grows.

The journal keeps everything; this is only a view of it, and a pure function of the steps: a run that is opened again
shows its model the same as if it had never been closed. Reduction comes in coarse steps, so that the beginning of
consecutive requests is the same (endpoints cache prompts by their beginning) and no step pays for all before it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from charter.models import tokens
from charter.models.chat import Message
from charter.models.conversation import noted

_BRIEF = 40
"""Tokens that are left of an older result."""
_ROUNDS = 64
"""Turns that are shown as they were, at most: each costs the host some microseconds in every later turn."""
_ARGUMENTS, _RESULT, _WORDS = 120, 160, 120
"""Characters that the note keeps of a call's arguments, of its result, and of what the model said."""


@dataclass(slots=True)
class _Round:
    """What the model asked for in one turn, and the results: never apart, since endpoints refuse one without the other."""

    asked: Message
    results: list[Message] = field(default_factory=list[Message])
    brief: bool = False

    @property
    def tokens(self) -> int:
        return tokens.of(self.asked) + sum(tokens.of(result) for result in self.results)

    def fit(self, room: int) -> None:
        """Bring the results within ``room`` tokens; the small ones stay whole, the large ones share what is left."""
        sizes = sorted(tokens.estimate(result.text) for result in self.results)
        share = room
        for place, size in enumerate(sizes):
            share = max(room // (len(sizes) - place), _BRIEF)
            if size > share:
                break
            room -= size
        self.limit(share)

    def limit(self, share: int) -> None:
        for place, result in enumerate(self.results):
            text = tokens.shortened(result.text, share)
            if text is not result.text:
                self.results[place] = replace(result, text=text)


class Shown:
    """The messages of one run, as a model may read them: ``before`` (instructions, thread), the input, the steps.

    The input is whole, always. The steps get ``budget`` tokens less what the input takes, but half of it at least. A
    turn's own results are whole where they fit into half of that.
    """

    def __init__(self, before: Sequence[Message], said: Message, budget: int) -> None:
        self._before = (*before, said)
        left = max(budget - tokens.of(said), budget // 2)
        self._note = _Note(left // 8)
        self._budget = left - left // 8
        self._rounds: list[_Round] = []
        self._used = 0
        self._open = False

    def append(self, message: Message) -> None:
        """Add what the model said or asked for, or the result of a call it asked for last."""
        if message.role != "tool":
            self._settle()
            self._rounds.append(_Round(message))
            self._open = True
            return
        results = self._rounds[-1].results
        # A step that is carried out once more has a new result in place of the old.
        results[:] = [result for result in results if result.call_id != message.call_id]
        results.append(message)

    def messages(self) -> list[Message]:
        """Return what the next turn is shown; all calls asked for so far have their results."""
        self._settle()
        steps = [message for round_ in self._rounds for message in (round_.asked, *round_.results)]
        return [*self._before, *self._note.messages(), *steps]

    def _settle(self) -> None:
        if not self._open:
            return
        self._open = False
        newest = self._rounds[-1]
        newest.fit(self._budget // 2)
        self._used += newest.tokens
        if self._used > self._budget:
            self._reduce(newest.tokens)
        if len(self._rounds) > _ROUNDS:
            self._forget(_ROUNDS // 2)

    def _reduce(self, newest: int) -> None:
        # Down to about half: the next reduction is a good way off. What came before keeps a quarter beside large results.
        target = min(self._budget * 3 // 4, max(self._budget // 2, newest + self._budget // 4))
        for round_ in self._rounds[:-1]:
            if self._used <= target:
                break
            if not round_.brief:
                self._used -= round_.tokens
                round_.limit(_BRIEF)
                round_.brief = True
                self._used += round_.tokens
        left, gone = self._used, 0
        for round_ in self._rounds[:-1]:
            if left <= target:
                break
            left -= round_.tokens
            gone += 1
        self._forget(gone)

    def _forget(self, count: int) -> None:
        for round_ in self._rounds[:count]:
            self._used -= round_.tokens
            self._note.add(round_)
        del self._rounds[:count]


class _Note:
    """What is left of the rounds that are shown no more: a line for each call, the newest within ``room`` tokens."""

    def __init__(self, room: int) -> None:
        self._room = max(room - tokens.of(Message("assistant", noted(10**6))) - 16, 0)
        self._lines: deque[str] = deque()
        self._used = 0
        self._rounds = 0
        self._left_out = 0
        self._message: Message | None = None

    def add(self, gone: _Round) -> None:
        self._message = None
        self._rounds += 1
        for line in _lines(gone):
            self._lines.append(line)
            self._used += tokens.estimate(line) + 1
        while self._used > self._room and self._lines:
            self._used -= tokens.estimate(self._lines.popleft()) + 1
            self._left_out += 1

    def messages(self) -> list[Message]:
        if not self._rounds:
            return []
        if self._message is None:
            more = [f"- ({self._left_out} earlier lines are left out)"] if self._left_out else []
            self._message = Message("assistant", "\n".join([noted(self._rounds), *more, *self._lines]))
        return [self._message]


def _lines(gone: _Round) -> list[str]:
    results = {result.call_id: extract(result.text, _RESULT) for result in gone.results}
    said = [f"- said: {extract(gone.asked.text, _WORDS)}"] if gone.asked.text.strip() else []
    calls = [
        f"- {call.name}({extract(call.arguments, _ARGUMENTS)}) returned {results.get(call.id, 'nothing yet')}"
        for call in gone.asked.calls
    ]
    return said + calls


def extract(text: str, length: int) -> str:
    """Return the beginning of ``text`` on one line, within ``length`` characters."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length and len(text) <= 4 * length else line[: length - 1].rstrip() + "…"
