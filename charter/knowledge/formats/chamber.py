"""A child process in which files that strangers made are read: with little memory, little time and no network.

It reads one file after the other, is killed when one takes too long, and goes when nothing has been read for a while.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from threading import Lock, Timer
from typing import IO, Any, cast

import orjson

from charter.knowledge.formats.content import LONGEST, Content, Unreadable
from charter.knowledge.split import Piece
from charter.settings import HOUSE, process_environment

# What a program needs to run. A key that the host was given is no business of a reader.
_NEEDED = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "PYTHONPATH"}
_LONGEST_ANSWER = 16 * LONGEST
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take; after ``idle`` seconds without one the process goes."""

    seconds: float = 60.0
    megabytes: int = 1024
    idle: float = 30.0


class Chamber:
    """One process, started at the first file; threads wait for one another."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0
        self._leaving: Timer | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    def read(self, suffix: str, content: bytes) -> Content:
        """Return what a file says.

        Raises:
            Unreadable: it cannot be read, or not within the limits.
            OSError: the process does not start.
        """
        with self._lock:
            self._stay()
            try:
                # What ended a process that had read others may have come from those, or from outside.
                again = self._process is not None
                answer = self._ask(suffix, content) or (self._ask(suffix, content) if again else None)
            finally:
                self._leave_later()
        if answer is None:
            raise Unreadable("it broke its reader; save it anew with the program that made it")
        if "fault" in answer:
            raise Unreadable(str(answer["fault"]))
        return _content(answer)

    def close(self) -> None:
        """End the process; the next file starts another."""
        with self._lock:
            self._stay()
            self._end()

    def _ask(self, suffix: str, content: bytes) -> dict[str, Any] | None:
        """Return the process's answer, or nothing if it ended without one.

        Raises:
            Unreadable: it took too long, and was killed.
        """
        process = self._process = self._process or self._start()
        clock = Timer(self._limits.seconds, process.kill)
        clock.daemon = True
        clock.start()
        started = time.monotonic()
        try:
            line = _exchange(process, suffix, content)
        finally:
            clock.cancel()
        self._served += 1
        answer = orjson.loads(line) if line.endswith(b"\n") else None
        if answer is None or answer.get("last") or self._served >= _MOST_FILES:
            self._end()
        if answer is None and time.monotonic() - started >= self._limits.seconds:
            raise Unreadable(f"reading it takes longer than {self._limits.seconds:g} seconds; divide it")
        return answer

    def _start(self) -> "subprocess.Popen[bytes]":
        self._served = 0
        limits = [str(self._limits.megabytes), str(int(self._limits.seconds) + 1)]
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "charter.knowledge.formats", *limits],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=HOUSE, start_new_session=True,
            env={name: value for name, value in process_environment().items() if name.upper() in _NEEDED},
        )  # fmt: skip

    def _stay(self) -> None:
        if self._leaving:
            self._leaving.cancel()
            self._leaving = None

    def _leave_later(self) -> None:
        self._leaving = Timer(self._limits.idle, self._leave)
        self._leaving.daemon = True
        self._leaving.start()

    def _leave(self) -> None:
        # A file that came at the very moment has the lock, and sets the clock anew.
        if self._lock.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._lock.release()

    def _end(self) -> None:
        if process := self._process:
            self._process = None
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)


def _exchange(process: "subprocess.Popen[bytes]", suffix: str, content: bytes) -> bytes:
    """Send one file and return the answer's line; less than a line if the process has ended."""
    send, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    try:
        send.write(orjson.dumps({"suffix": suffix, "size": len(content)}) + b"\n" + content)
        send.flush()
        return answers.readline(_LONGEST_ANSWER)
    except BrokenPipeError:
        return b""


def _close(pipe: "IO[bytes] | None") -> None:
    try:
        if pipe:
            pipe.close()
    except BrokenPipeError:
        return  # what could not be sent any more


def _content(answer: dict[str, Any]) -> Content:
    """Return what the process has read, as far as it holds together.

    Raises:
        Unreadable: it does not.
    """
    body, pieces = str(answer["body"]), tuple(Piece(*piece) for piece in answer["pieces"])
    if len(body) > LONGEST or not all(0 <= piece.start < piece.end <= len(body) for piece in pieces):
        raise Unreadable("it confused its reader")
    return Content(body, pieces, str(answer["title"]))
