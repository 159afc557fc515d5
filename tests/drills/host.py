"""One host process of a drill: started, killed, frozen, thawed, and started again when it has died."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from charter import settings
from tests.drills.nursery import Born, Nursery

START_SECONDS = 90


@dataclass(slots=True)
class Host:
    """``charter serve`` in a folder of its own, from the nursery where there is one. ``address`` is empty while it does
    not serve.
    """

    number: int
    folder: Path
    tree: Mapping[str, Any]
    points: dict[str, str] = field(default_factory=dict[str, str])
    address: str = ""
    frozen: bool = False
    process: asyncio.subprocess.Process | Born | None = None
    starts: int = 0
    nursery: Nursery | None = None

    @property
    def serves(self) -> bool:
        return bool(self.address) and not self.frozen and self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0

    async def start(self) -> bool:
        """Start it and wait until it serves; ``False`` when it ended before that."""
        self.folder.mkdir(parents=True, exist_ok=True)
        told = self.folder / "host.json"
        told.unlink(missing_ok=True)
        file = self.folder / "settings.yaml"
        file.write_text(yaml.safe_dump({**self.tree, "data_dir": str(self.folder), "drill": {"points": self.points}}))
        self.frozen = False
        self.starts += 1
        self.process = await self._begun(file, self.folder / "host.log")
        limit = time.monotonic() + START_SECONDS
        while self.process.returncode is None:
            if told.exists() and (content := told.read_bytes()).endswith(b"}"):
                self.address = orjson.loads(content)["address"]
                return True
            assert time.monotonic() < limit or self.frozen, f"host {self.number} does not start; see {self.folder}"
            await asyncio.sleep(0.05)
        return False

    async def _begun(self, file: Path, log: Path) -> asyncio.subprocess.Process | Born:
        if self.nursery is not None:
            return await self.nursery.bear(file, log)
        with log.open("ab") as said:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "charter.cli", "serve", cwd=settings.HOUSE, stdin=asyncio.subprocess.DEVNULL,
                env={**settings.process_environment(), "CHARTER_SETTINGS": str(file)}, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)
        self.frozen = False

    def is_stopped(self) -> bool:
        """Say whether the process stands still, by whoever's signal."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    def said(self) -> str:
        """Return the end of what it wrote."""
        return (self.folder / "host.log").read_text("utf-8", errors="replace")[-3000:]

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended, and its end is not told yet
                os.killpg(self.process.pid, number)
