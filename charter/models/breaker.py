"""How one deployment has been lately, and whether it may be asked now. Pure: the time is given in.

Closed, it is asked. After some failures in a row it is open: nobody asks who can ask another one, for a while that
doubles each time. Then one request goes through; what becomes of it decides. A deployment that is busy is not ill: it is
left alone as long as it asked for.
"""

from charter.errors import ModelUnavailable

FAILURES = 5
"""Failures in a row that open it; a denial opens it at once."""
COOL_SECONDS = 5.0
LONGEST_COOL_SECONDS = 60.0
BUSY_SECONDS = 1.0
"""How long a busy deployment is left alone that does not say how long."""
LONGEST_BUSY_SECONDS = 3600.0
"""Nobody is believed who wants to be left alone for longer."""


class Breaker:
    """Shared by all turns that this process takes of a deployment."""

    __slots__ = ("_busy_until", "_failures", "_open_until", "_openings", "_probing")

    def __init__(self) -> None:
        self._failures = 0
        self._openings = 0
        self._open_until: float | None = None
        self._busy_until = 0.0
        self._probing = False

    def lets_through(self, now: float) -> bool:
        """Whether the deployment may be asked now."""
        if self.busy(now):
            return False
        return self._open_until is None or (self._open_until <= now and not self._probing)

    @property
    def open(self) -> bool:
        """Whether it failed lately, and has not answered since."""
        return self._open_until is not None

    def busy(self, now: float) -> float:
        """Return for how many seconds it still wants to be left alone."""
        return max(self._busy_until - now, 0.0)

    def wait(self, now: float) -> float:
        """Return in how many seconds it may be asked again."""
        return max(self.busy(now), (self._open_until or now) - now)

    def ask(self, now: float) -> bool:
        """Note that the deployment is asked; tell whether this is the one request that finds out how it is."""
        probe = self._open_until is not None and self._open_until <= now and not self._probing
        self._probing = self._probing or probe
        return probe

    def well(self) -> None:
        """It answered."""
        self._failures = self._openings = 0
        self._open_until, self._probing = None, False

    def abandoned(self, *, probe: bool) -> None:
        """Nobody waited for the answer: nothing was learned."""
        if probe:
            self._probing = False

    def ill(self, fault: ModelUnavailable, now: float, *, probe: bool) -> None:
        """It did not answer. ``probe`` is what ``ask`` said of that request."""
        if fault.why == "busy" or fault.retry_after is not None:
            asked = BUSY_SECONDS if fault.retry_after is None else fault.retry_after
            self._busy_until = max(self._busy_until, now + min(asked, LONGEST_BUSY_SECONDS))
        if fault.why == "busy" or not fault.elsewhere:
            self.well()  # it is there, and said something sensible
            return
        self._failures += 1
        late = self._open_until is not None and not probe  # that it is ill is known
        if not late and (probe or fault.why == "denied" or self._failures >= FAILURES):
            self._open(now)

    def _open(self, now: float) -> None:
        self._open_until = now + min(COOL_SECONDS * 2**self._openings, LONGEST_COOL_SECONDS)
        self._openings = min(self._openings + 1, 16)
        self._probing = False
