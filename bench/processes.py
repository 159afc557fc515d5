"""Start the sides of a comparison as processes of their own, and read what the kernel counts for them."""

import asyncio
import json
import os
import random
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

HOUSE = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60


@dataclass(slots=True)
class Process:
    port: int
    handle: asyncio.subprocess.Process
    address: str = ""
    token: str = ""
    started_seconds: float = 0.0

    @property
    def pid(self) -> int:
        return self.handle.pid

    async def stop(self) -> None:
        if self.handle.returncode is None:
            self.handle.terminate()
            try:
                await asyncio.wait_for(self.handle.wait(), 20)
            except TimeoutError:
                self.handle.kill()
                await self.handle.wait()


def free_port() -> int:
    """Return a port whose next five are free too, below the range that the kernel hands out by itself."""
    for _ in range(200):
        base = random.randrange(20_000, 32_000)
        if all(_is_free(base + n) for n in range(6)):
            return base
    raise SystemExit("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def postgres_cpu_seconds(host: int) -> float:
    """Return the time of all server processes on this machine that serve the data folder of ``host``."""
    folder = str(
        Path(f"/proc/{host}/environ").read_bytes().decode(errors="replace").split("CHARTER_DATA_DIR=")[1].split("\0")[0]
    )
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().strip() == "postgres" and folder in str((entry / "cwd").readlink()):
                total += cpu_seconds(int(entry.name))
        except (OSError, IndexError):
            continue
    return total


async def peer(name: str, port: int, *arguments: str) -> Process:
    handle = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"bench.peers.{name}", str(port), *arguments, cwd=HOUSE
    )
    process = Process(port, handle, f"http://127.0.0.1:{port}")
    await _answering(process, "/", {404, 405, 200})
    return process


async def charter_host(folder: Path, model: str, **environment: str) -> Process:
    """Start a Charter host on its own data folder with that model, signed in as alice."""
    port = free_port()
    settings = {
        "CHARTER_PORT": str(port),
        "CHARTER_DATA_DIR": str(folder),
        "CHARTER_PLUGINS_DIRS": str(HOUSE / "bench/folders/plugins"),
        "CHARTER_AGENTS_DIRS": str(HOUSE / "bench/folders/agents"),
        "CHARTER_MODELS": json.dumps(
            {"standard": {"kind": "openai", "model": "fake", "base_url": model, "api_key": "x"}}
        ),
        **environment,
    }
    began = time.monotonic()
    handle = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "charter.cli",
        "serve",
        cwd=HOUSE,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.DEVNULL,
    )
    process = Process(port, handle, f"http://localhost:{port}")
    await _answering(process, "/readyz", {200})
    process.started_seconds = time.monotonic() - began
    await _knowledge_read(process)
    told = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "charter.cli",
        "token",
        "--as",
        "alice",
        cwd=HOUSE,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
    )
    process.token = (await told.communicate())[0].decode().strip()
    return process


async def _knowledge_read(process: Process) -> None:
    """The first start reads the sample documents in the background; a comparison must not pay for that."""
    deadline = time.monotonic() + 5 * START_SECONDS
    async with aiohttp.ClientSession() as http:
        while time.monotonic() < deadline:
            async with http.get(process.address + "/readyz") as response:
                if (await response.json())["checks"]["knowledge"]["state"] != "reading":
                    return
            await asyncio.sleep(0.2)


async def _answering(process: Process, path: str, statuses: set[int]) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession() as http:
        while time.monotonic() < deadline:
            if process.handle.returncode is not None:
                raise SystemExit(f"{process.address} ended with {process.handle.returncode} before it answered")
            try:
                async with http.get(process.address + path) as response:
                    if response.status in statuses:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise SystemExit(f"{process.address} does not answer")
