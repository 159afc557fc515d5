"""Places where a drill may kill or freeze this very process. Without the drill setting they do nothing.

The harm is real: SIGKILL or SIGSTOP, sent to ourselves at exactly that place, with the probability that settings give.
"""

import os
import random
import signal

from charter.errors import StartRefused
from charter.settings import Drill as DrillSettings

POINTS = frozenset(
    {
        "claimed",  # a segment took the run
        "before_intent",  # the gate allowed the call, nothing is written
        "after_intent",  # intent and audit are committed, nothing is sent
        "before_send",  # the lease is about to be looked at for the last time
        "after_send",  # the target answered, nothing is written
        "after_outcome",  # the outcome is committed
        "before_park",  # a question is about to be written
        "after_park",  # the run waits, its time-out is not in the queue yet
        "decided",  # the decision is committed, the next segment is not in the queue yet
    }
)
"""Places of a run."""
SAYING = frozenset(
    {
        "teams_before_send",  # a message is marked as being sent, nothing has left
        "teams_after_send",  # the connector took it, nothing is written
    }
)
"""Places of what is said in Teams."""
_SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


class Drill:
    """Harms this process where settings say so."""

    def __init__(self, settings: DrillSettings) -> None:
        """Read the places.

        Raises:
            StartRefused: an unknown place or harm.
        """
        self._harms = {place: _harm(place, text) for place, text in settings.points.items()}

    def at(self, place: str) -> None:
        """Be at that place: usually nothing happens, and in a drill perhaps the end."""
        if self._harms and (harm := self._harms.get(place)) and random.random() < harm[1]:  # noqa: S311 - no secret
            os.kill(os.getpid(), harm[0])


def _harm(place: str, text: str) -> tuple[signal.Signals, float]:
    kind, _, chance = text.partition(" ")
    try:
        if place not in POINTS | SAYING:
            raise ValueError(place)
        return _SIGNALS[kind], float(chance or 1)
    except (KeyError, ValueError) as fault:
        raise StartRefused(
            f"The drill {place}: {text!r} is none.", action=f"Places: {', '.join(sorted(POINTS | SAYING))}."
        ) from fault
