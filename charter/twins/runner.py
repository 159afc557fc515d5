"""One child process of the host that serves the Entra twin and every plugin's sandbox.

It prints one line of JSON once all listen, then serves until its standard input ends: so it dies with its parent,
however that dies.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import orjson

from charter.errors import StartRefused
from charter.twins import entra
from charter.twins.listening import Place, serve, take
from charter.twins.sandboxes import Sandbox, open_sandbox, parsed

REFUSED = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve: the Entra twin at ``port``, the sandboxes in order at the ports behind it (0: any free ones)."""

    folder: Path
    port: int
    sandboxes: Sequence[Sandbox]
    client_secret: str | None
    lifetimes: entra.Lifetimes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until standard input ends or SIGTERM comes; return the exit code, 2 where something does not start."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the host decides when we end
    try:
        plan = _planned(arguments)
        asyncio.run(_run(plan))
    except StartRefused as refusal:
        sys.stderr.write(f"{refusal.detail}\n")
        return REFUSED
    return 0


def _planned(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m charter.twins", description="Serve the local profile's twins.")
    parser.add_argument("--folder", type=Path, required=True, help="where the twins keep their data")
    parser.add_argument("--port", type=int, default=0, help="the first port; 0 takes any free ones")
    parser.add_argument("--sandbox", action="append", default=[], metavar="NAME=FILE", help="a plugin's sandbox.py")
    parser.add_argument("--client-secret-file", type=Path, help="holds the secret of the client charter-host")
    parser.add_argument("--token-lifetime", type=float, default=entra.Lifetimes().access, metavar="SECONDS")
    parser.add_argument("--refresh-lifetime", type=float, default=entra.Lifetimes().refresh, metavar="SECONDS")
    given = parser.parse_args(arguments)
    try:
        sandboxes = [parsed(text) for text in given.sandbox]
        secret = given.client_secret_file.read_text("utf-8").strip() if given.client_secret_file else None
    except (ValueError, OSError) as fault:
        raise StartRefused(str(fault)) from fault
    if len({sandbox.name for sandbox in sandboxes}) < len(sandboxes):
        raise StartRefused("Two sandboxes have the same name.")
    if not 0 <= given.port <= 65_535 - len(sandboxes):
        raise StartRefused(f"Port {given.port} leaves no room for {len(sandboxes) + 1} ports.")
    return Plan(
        given.folder, given.port, sandboxes, secret, entra.Lifetimes(given.token_lifetime, given.refresh_lifetime)
    )


def _log_to(folder: Path) -> None:
    # Not to standard error: nobody may be reading it, and a full pipe would stop us.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(filename=folder / "twins.log", filemode="w", level=logging.WARNING)
    except OSError as fault:
        raise StartRefused(f"The twins cannot write to {folder}: {fault.strerror}.") from fault


async def _run(plan: Plan) -> None:
    stop = _stopped()
    async with AsyncExitStack() as stack:
        places = _places(plan, stack)
        _log_to(plan.folder)
        issuer = places[0].url
        twin = entra.app(
            plan.folder / "entra", base_url=issuer, client_secret=plan.client_secret, lifetimes=plan.lifetimes
        )
        stack.push_async_callback((await serve(twin, places[0])).cleanup)
        for sandbox, place in zip(plan.sandboxes, places[1:], strict=True):
            system = open_sandbox(sandbox, plan.folder / "sandboxes" / sandbox.name, issuer)
            stack.push_async_callback((await serve(system, place)).cleanup)
        urls = {sandbox.name: place.url for sandbox, place in zip(plan.sandboxes, places[1:], strict=True)}
        sys.stdout.write(f"{orjson.dumps({'entra': issuer, 'sandboxes': urls}).decode()}\n")
        sys.stdout.flush()
        await stop.wait()


def _places(plan: Plan, stack: AsyncExitStack) -> list[Place]:
    wanted = ["Entra twin", *(f"sandbox of {sandbox.name}" for sandbox in plan.sandboxes)]
    places: list[Place] = []
    for offset, what in enumerate(wanted):
        places.append(take(plan.port + offset if plan.port else 0, what))
        stack.callback(places[-1].close)
    return places


def _stopped() -> asyncio.Event:
    """Return an event that comes with the end of standard input or with SIGTERM."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def ended(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    signal.signal(signal.SIGTERM, ended)
    # A thread, because a loop cannot watch every kind of file; os.read, because a lock held at exit would abort.
    threading.Thread(target=_watch, args=(loop, stop), daemon=True).start()
    return stop


def _watch(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    try:
        while os.read(0, 4_096):
            pass
    except OSError:
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)
