"""How fast this process may speak: into one conversation, and on the whole."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

Windows = Sequence[tuple[int, float]]

CONVERSATION: Windows = ((7, 1.0), (8, 2.0), (60, 30.0))
"""How much, in how many seconds: Teams' limits for one bot in one conversation (Microsoft, "Optimize your bot with rate
limiting"). Its hourly one is left to its own refusals.
"""
ALL: Windows = ((50, 1.0),)
_MARGIN = 0.05
_KEPT = 10_000


@dataclass(slots=True)
class _Spoken:
    """When something was said, or will be, and until when nothing may be."""

    windows: Windows
    moments: deque[float] = field(default_factory=deque[float])
    held_until: float = 0.0

    def next(self, now: float) -> float:
        """Return the moment at which one more fits."""
        fits = max(now, self.held_until, self.moments[-1] if self.moments else 0.0)
        for most, seconds in self.windows:
            if len(self.moments) >= most:
                fits = max(fits, self.moments[-most] + seconds + _MARGIN)
        return fits

    def say(self, moment: float) -> None:
        self.moments.append(moment)
        while len(self.moments) > max(most for most, _ in self.windows):
            self.moments.popleft()

    def idle(self, now: float) -> bool:
        longest = max(seconds for _, seconds in self.windows)
        return self.held_until < now and (not self.moments or self.moments[-1] + longest < now)


class Pace:
    """Keeps places free: who asks for one gets the moment at which it is theirs."""

    def __init__(self, conversation: Windows = CONVERSATION, everything: Windows = ALL) -> None:
        self._conversation = conversation
        self._all = _Spoken(everything)
        self._by_conversation: dict[str, _Spoken] = {}

    def wait(self, conversation: str) -> float:
        """Return in how many seconds there is room in a conversation; nothing is kept free."""
        now = self._now()
        return max(0.0, self._of(conversation, now).next(now) - now)

    async def turn(self, conversation: str) -> None:
        """Wait until there is room, in the conversation and on the whole."""
        now = self._now()
        spoken = self._of(conversation, now)
        moment = max(spoken.next(now), self._all.next(now))
        spoken.say(moment)
        self._all.say(moment)
        await asyncio.sleep(moment - now)

    def said(self, conversation: str) -> None:
        """Say that it has been said: by the connector's clock that may have been now."""
        now = self._now()
        if moments := self._of(conversation, now).moments:
            moments[-1] = max(moments[-1], now)

    def hold(self, conversation: str, seconds: float) -> None:
        """Say nothing in this conversation for so long: the connector asked for patience."""
        now = self._now()
        spoken = self._of(conversation, now)
        spoken.held_until = max(spoken.held_until, now + seconds)

    def _of(self, conversation: str, now: float) -> _Spoken:
        if conversation not in self._by_conversation:
            if len(self._by_conversation) >= _KEPT:
                self._by_conversation = {k: each for k, each in self._by_conversation.items() if not each.idle(now)}
            self._by_conversation[conversation] = _Spoken(self._conversation)
        return self._by_conversation[conversation]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
