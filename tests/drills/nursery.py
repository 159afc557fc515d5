"""Where the hosts of a drill are born quickly: a process that has loaded the house once, and becomes a host when asked.

A host's start is nine tenths loading; a drill that starts a dozen would measure little else. Each host is a process of
its own all the same, with its own session, settings, sockets and death. ``python -m tests.drills.nursery`` reads a line of
JSON for each birth (``{"settings": path, "log": path}``) and writes one for each birth and death
(``{"born": pid}``, ``{"dead": pid, "status": number}``, negative for a signal).
"""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

import orjson

from charter import settings

# A second thread, were there one, would be missing in the copies.
_ENVIRONMENT = {**settings.process_environment(), "OPENBLAS_NUM_THREADS": "1"}


class Born:
    """A host of the nursery, waited for as a child process is."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._dead = asyncio.Event()

    async def wait(self) -> int:
        await self._dead.wait()
        assert self.returncode is not None
        return self.returncode

    def died(self, status: int) -> None:
        self.returncode = status
        self._dead.set()


class Nursery:
    """The way to it from a drill."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._births: asyncio.Queue[int] = asyncio.Queue()
        self._living: dict[int, Born] = {}
        self._one = asyncio.Lock()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls) -> "Nursery":
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.drills.nursery", cwd=settings.HOUSE, env=_ENVIRONMENT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(process)

    async def bear(self, settings_file: Path, log: Path) -> Born:
        """Let a host be born with these settings."""
        assert self._process.stdin is not None
        async with self._one:
            self._process.stdin.write(orjson.dumps({"settings": str(settings_file), "log": str(log)}) + b"\n")
            pid = await asyncio.wait_for(self._births.get(), 120)
        return self._living[pid]

    async def close(self) -> None:
        """Close it, and with it every host that still lives."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), 20)
        await self._listening

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told: dict[str, int] = orjson.loads(line)
            if "born" in told:
                self._living[told["born"]] = Born(told["born"])
                self._births.put_nowait(told["born"])
            else:
                self._living[told["dead"]].died(told["status"])


def _grow(order: dict[str, Any]) -> None:
    """Become a host; this is the child."""
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(here, there)
    os.environ["CHARTER_SETTINGS"] = order["settings"]
    from charter.cli.main import main

    main(["serve"])


def _tell(**told: int) -> None:
    os.write(1, orjson.dumps(told) + b"\n")


_living: set[int] = set()


def _bury() -> None:
    """Tell each death."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _living.discard(pid)
        _tell(dead=pid, status=os.waitstatus_to_exitcode(status))


def main() -> None:
    settings.passive_openmp()
    gc.disable()
    import host  # noqa: F401 - loaded here once, for all that are born

    gc.freeze()
    gc.enable()
    assert len(os.listdir("/proc/self/task")) == 1, "what has threads cannot be copied"  # noqa: PTH208 - no paths
    signal.signal(signal.SIGCHLD, lambda *_: _bury())
    for line in sys.stdin.buffer:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid:
            _living.add(pid)
            _tell(born=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _grow(orjson.loads(line))
            os._exit(0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in _living:  # whoever asked for them is gone
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
