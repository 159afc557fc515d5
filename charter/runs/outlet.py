"""Live text on its way to other processes: batched, bounded, and dropped rather than late.

It travels as a notification of the database server, which every process of ours that listens there receives. What
protects it: only the roles of this host connect to that database, and no statement of a guest's reaches it; a
notification is stored nowhere; a process hands it only to followers whose right to the run it has checked, under the
run's id of 128 random bits; and nothing is sent unless such a follower has asked for it.
"""

import time

CHANNEL = "charter_text"
WITHDRAWN = "charter_withdrawn"
_BYTES = 7_800
"""A payload must be shorter than 8,000 bytes, the name of the process and the run's id included."""
_PER_SECOND = 8.0
_AT_ONCE = 2.0
"""With these two, a run sends ten notifications in any second at most."""
_KEPT = 100_000
"""Bytes that wait at most; a model that writes faster for long loses some of its live text, and nothing else."""


class _Waiting:
    __slots__ = ("allowed", "at", "size", "text", "withdrawn")

    def __init__(self) -> None:
        self.text: list[bytes] = []
        self.size = 0
        self.withdrawn = False
        self.allowed = _AT_ONCE
        self.at = time.monotonic()

    @property
    def idle(self) -> bool:
        return not self.size and not self.withdrawn and self.allowed >= _AT_ONCE

    def add(self, text: bytes) -> None:
        if self.size + len(text) <= _KEPT:
            self.text.append(text)
            self.size += len(text)

    def withdraw(self) -> None:
        self.text, self.size, self.withdrawn = [], 0, True

    def take(self) -> str | None:
        """Return the next payload's text, if there is any and its time has come."""
        now = time.monotonic()
        self.allowed = min(self.allowed + (now - self.at) * _PER_SECOND, _AT_ONCE)
        self.at = now
        if not self.size or self.allowed < 1:
            return None
        self.allowed -= 1
        whole = b"".join(self.text)
        part = whole[:_BYTES].decode("utf-8", "ignore")  # a character that the cut would split goes with the rest
        rest = whole[len(part.encode()) :]
        self.text, self.size = ([rest], len(rest)) if rest else ([], 0)
        return part


class Outlet:
    """The text of the runs that are worked on here and followed elsewhere."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._runs: dict[str, _Waiting] = {}

    @property
    def waiting(self) -> bool:
        return bool(self._runs)

    def add(self, run_id: str, text: str) -> None:
        # The server takes no NUL and no half of a pair of surrogates.
        self._runs.setdefault(run_id, _Waiting()).add(text.encode("utf-8", "replace").replace(b"\0", b""))

    def withdraw(self, run_id: str) -> None:
        """Forget what waits, and tell that what went before does not count; that goes before any text to come."""
        self._runs.setdefault(run_id, _Waiting()).withdraw()

    def due(self) -> list[tuple[str, str]]:
        """Return the notifications whose time has come: channel and payload, one per run."""
        for run_id in [r for r, waiting in self._runs.items() if waiting.idle]:
            del self._runs[run_id]
        return [notice for run_id in list(self._runs) for notice in self.rest(run_id)]

    def rest(self, run_id: str) -> list[tuple[str, str]]:
        """Return the run's next notification, if its time has come."""
        waiting = self._runs.get(run_id)
        if waiting is None:
            return []
        notices: list[tuple[str, str]] = []
        if waiting.withdrawn:
            waiting.withdrawn = False
            notices.append((WITHDRAWN, f"{self._process}:{run_id}"))
        if text := waiting.take():
            notices.append((CHANNEL, f"{self._process}:{run_id}:{text}"))
        return notices
