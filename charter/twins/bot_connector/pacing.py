"""Teams' limits on what a bot may send into one conversation, and how fast a streamed answer may grow."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from charter.twins.bot_connector.refusals import Refused

_SENDS = ((1, 7), (2, 8), (30, 60), (3_600, 1_800))
"""Seconds, and how many sends they may hold (Microsoft, "Optimize your bot with rate limiting")."""
_CHUNKS = ((1, 2),)


@dataclass(slots=True)
class Pace:
    """When things were sent, by conversation."""

    _sent: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def check(self, conversation: str, *, streamed: bool = False) -> None:
        """Count one more.

        Raises:
            Refused: it is too many; nothing is counted.
        """
        now, limits = time.monotonic(), _CHUNKS if streamed else _SENDS
        sent = self._sent[f"{conversation}/{streamed}"]
        while sent and now - sent[0] > limits[-1][0]:
            sent.popleft()
        for seconds, most in limits:
            within = [moment for moment in sent if now - moment <= seconds]
            if len(within) >= most:
                text = f"API calls quota exceeded! Maximum admitted {most} per {seconds} seconds."
                raise Refused(429, "TooManyRequests", text, wait=max(1, round(within[0] + seconds - now)))
        sent.append(now)
