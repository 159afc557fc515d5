"""Who follows a run from another process, and the announcements that say so."""

import time
from collections.abc import Iterable

_TRUSTED_SECONDS = 20.0
"""An announcement holds for so long; its sender may have died without a word."""
_AGAIN_SECONDS = 6.0
_LIMIT = 20_000
"""Announcements kept at most. Beyond, the live text of some runs stays in its own process."""


class Remote:
    """Announcements heard from other processes, and those that this one has made. Times are the monotonic clock's."""

    def __init__(self) -> None:
        self._heard: dict[str, dict[str, float]] = {}
        self._said: dict[str, float] = {}
        self._swept = 0.0

    def heard(self, run_id: str, process: str, *, follows: bool) -> None:
        now = time.monotonic()
        if follows and (run_id in self._heard or len(self._heard) < _LIMIT):
            self._heard.setdefault(run_id, {})[process] = now + _TRUSTED_SECONDS
        elif not follows and run_id in self._heard:
            self._heard[run_id].pop(process, None)
        if now - self._swept > _TRUSTED_SECONDS:
            self._swept = now
            self._heard = {run: alive for run, by in self._heard.items() if (alive := _alive(by, now))}

    def follows(self, run_id: str) -> bool:
        """Tell whether another process has said lately that it follows the run."""
        by = self._heard.get(run_id)
        return bool(by) and any(until > time.monotonic() for until in by.values())

    def announcements(self, followed: Iterable[str]) -> list[str]:
        """Return what is to be announced now, given the runs that are followed here and worked on elsewhere."""
        now, present = time.monotonic(), set(followed)
        gone = [run_id for run_id in self._said if run_id not in present]
        due = [run_id for run_id in present if now - self._said.get(run_id, -_AGAIN_SECONDS) >= _AGAIN_SECONDS]
        for run_id in gone:
            del self._said[run_id]
        self._said.update(dict.fromkeys(due, now))
        return [f"{run_id}:+" for run_id in due] + [f"{run_id}:-" for run_id in gone]

    def announce_again(self) -> None:
        """Forget what was said: the connection was lost, and some of it may never have arrived."""
        self._said.clear()


def _alive(by: dict[str, float], now: float) -> dict[str, float]:
    return {process: until for process, until in by.items() if until > now}
