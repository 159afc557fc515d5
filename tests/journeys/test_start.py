"""``charter serve`` as a person starts it: what it prints, how it stops, how it refuses."""

import asyncio
import json
import os
import random
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

HOUSE = Path(__file__).resolve().parents[2]
START_SECONDS = 120
END_SECONDS = 30


def _free_block() -> int:
    """Return a port whose next ten are free too, so that the twins find their places behind the host's.

    Below the range that the kernel hands out by itself: a connection of anybody could take one of those meanwhile.
    """
    for _ in range(200):
        base = random.randrange(20_000, 32_000)
        if all(_is_free(base + n) for n in range(10)):
            return base
    raise AssertionError("no block of free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _environment(folder: Path, port: int) -> dict[str, str]:
    return {**os.environ, "CHARTER_DATA_DIR": str(folder), "CHARTER_PORT": str(port), "CHARTER_EMBEDDED_MODEL": "off"}


@asynccontextmanager
async def _served(folder: Path, port: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "serve", cwd=HOUSE, env=_environment(folder, port),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(START_SECONDS):
            while "Ctrl-C" not in said:
                line = (await process.stdout.readline()).decode()
                assert line, (await process.stderr.read()).decode()
                said += line
        yield process, said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _processes_of(folder: Path) -> list[str]:
    """Return the command lines of all living processes that work in or with the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            where = str((entry / "cwd").readlink())
        except OSError:
            continue
        if state != "Z" and (str(folder) in command or where.startswith(str(folder))):
            found.append(command)
    return found


async def _nothing_is_left(folder: Path) -> None:
    """Hold that no process of ours lives on; the database's say that they have stopped a moment before they end."""
    assert [command for command in _processes_of(folder) if "postgres" not in command] == []
    async with asyncio.timeout(END_SECONDS):
        while _processes_of(folder):
            await asyncio.sleep(0.1)


@pytest.mark.promise("start.sign")
async def test_the_start_says_what_runs_who_you_can_be_and_where_to_click(tmp_path: Path) -> None:
    port = _free_block()
    async with _served(tmp_path, port) as (process, said):
        assert f"http://localhost:{port}/console" in said
        for name in ("alice", "bob", "carol", "dora", "frank", "mona"):
            assert name in said
        assert "assistance only" in said
        assert re.search(r"procurement\s+http://localhost:\d+", said)
        async with aiohttp.ClientSession() as http, http.get(f"http://localhost:{port}/readyz") as response:
            assert response.status == 200
        os.killpg(process.pid, signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), END_SECONDS) == 0
    await _nothing_is_left(tmp_path)


@pytest.mark.promise("start.again")
async def test_a_second_start_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    port = _free_block()
    async with _served(tmp_path, port) as (process, _):
        thread = await _thread_of_a_run(tmp_path, port)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), END_SECONDS) == 0
    async with _served(tmp_path, port) as (process, _):
        assert await _thread_of_a_run(tmp_path, port, thread) == thread
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), END_SECONDS) == 0
    await _nothing_is_left(tmp_path)


async def _thread_of_a_run(folder: Path, port: int, thread: str | None = None) -> str:
    """Let ``charter run`` begin a thread, or go on in one, and return it."""
    more = ("--thread", thread) if thread else ()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "run", "--json", *more, "employee_assistant", "Good morning", cwd=HOUSE,
        env=_environment(folder, port), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await asyncio.wait_for(process.communicate(), START_SECONDS)
    assert process.returncode == 0, told
    return json.loads(told)["thread"]


async def test_a_killed_host_leaves_no_twin_behind(tmp_path: Path) -> None:
    async with _served(tmp_path, _free_block()) as (process, _):
        process.kill()
        await process.wait()
        async with asyncio.timeout(END_SECONDS):
            while any("charter.twins" in command for command in _processes_of(tmp_path)):
                await asyncio.sleep(0.1)
    # The database server outlives a killed host: the next start finds it, and a clean end stops it.
    async with _served(tmp_path, _free_block()) as (process, _):
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), END_SECONDS) == 0
    await _nothing_is_left(tmp_path)


async def _refused(folder: Path, port: int, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "serve", cwd=HOUSE, env={**_environment(folder, port), **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await asyncio.wait_for(process.communicate(), START_SECONDS)
    assert process.returncode == 2, said.decode()
    return said.decode()


@pytest.mark.promise("start.refusal")
async def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    port = _free_block()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        said = await _refused(tmp_path, port)
    assert f"Port {port} is in use." in said
    assert "CHARTER_PORT" in said
    assert "Traceback" not in said


@pytest.mark.promise("start.refusal")
async def test_a_taken_port_of_a_sandbox_is_one_clear_sentence(tmp_path: Path) -> None:
    port = _free_block()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        said = await _refused(tmp_path, port)
    assert str(port + 1) in said
    assert "Traceback" not in said
    await _nothing_is_left(tmp_path)


@pytest.mark.promise("start.refusal")
@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("CHARTER_EMBEDDED_MODEL", "7b", "off, 0.5b, 1.5b"),
        ("CHARTER_PORT", "none", "CHARTER_PORT"),
        ("CHARTER_RUNS__LEASE_SECONDS", "soon", "CHARTER_RUNS__LEASE_SECONDS"),
        ("CHARTER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "database"),
        ("CHARTER_DATABASE_URL", "postgresql://hosts:S3cr#et@db.contoso.example/charter", "address cannot be read"),
        ("CHARTER_DATABASE_URL", "mysql://db.contoso.example/charter", "address cannot be read"),
        ("CHARTER_MODELS", "{", "CHARTER_MODELS is not JSON"),
        ("CHARTER_WORKERS", "0", "CHARTER_WORKERS"),
        ("CHARTER_AGENTS_DIRS", "/nowhere/at/all", "/nowhere/at/all"),
        ("CHARTER_PROFILE", "azure", "azure"),
    ],
)
async def test_a_wrong_setting_is_one_clear_sentence(tmp_path: Path, name: str, value: str, word: str) -> None:
    said = await _refused(tmp_path, _free_block(), **{name: value})
    assert word in said
    assert "Traceback" not in said
    assert "S3cr" not in said
    await _nothing_is_left(tmp_path)
