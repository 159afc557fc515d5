"""One child process of the host that serves the twins and every plugin's sandbox.

It prints one line of JSON once all listen, then serves until its standard input ends: so it dies with its parent,
however that dies.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType

import orjson
from aiohttp import web

from charter.errors import StartRefused
from charter.twins import ai_search, bot_connector, certificates, drive, entra, key_vault
from charter.twins.certificates import Certificates
from charter.twins.entra.clients import secret_of
from charter.twins.listening import Place, serve
from charter.twins.plan import Places, Plan, planned, take_places
from charter.twins.sandboxes import open_sandbox

REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until standard input ends or SIGTERM comes; return the exit code, 2 where something does not start."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the host decides when we end
    try:
        plan = planned(arguments)
        asyncio.run(_run(plan))
    except StartRefused as refusal:
        sys.stderr.write(f"{refusal.detail}\n")
        return REFUSED
    return 0


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
        places = take_places(plan, stack)
        _log_to(plan.folder)
        kept = _certificates(plan.folder)
        tls, doors = kept.context(), places.doors
        for application, names in _twins(plan, doors):
            stack.push_async_callback((await serve(application, *(doors[name] for name in names), tls=tls)).cleanup)
        for sandbox in plan.sandboxes:
            system = open_sandbox(sandbox, plan.folder / "sandboxes" / sandbox.name, doors["entra"].url)
            stack.push_async_callback((await serve(system, places.sandboxes[sandbox.name])).cleanup)
        _tell(places, kept)
        await stop.wait()


def _twins(plan: Plan, doors: Mapping[str, Place]) -> list[tuple[web.Application, tuple[str, ...]]]:
    """Return each twin with the doors that it serves."""
    secret, lifetimes = plan.client_secret, plan.lifetimes
    issuer, theirs = doors["entra"].url, doors["customers"].url
    home = entra.app(plan.folder / "entra", base_url=issuer, client_secret=secret, lifetimes=lifetimes)
    customers = entra.app(
        plan.folder / "customers",
        base_url=theirs,
        people="customers.yaml",
        client_secret=secret,
        lifetimes=replace(lifetimes),
    )
    vault = key_vault.app(plan.folder / "key_vault", issuer=issuer)
    libraries = drive.app(plan.folder / "drive", issuer=issuer)
    return [
        (home, ("entra", "entra_tls")),
        (customers, ("customers",)),
        (vault, ("key_vault",)),
        (libraries, ("drive",)),
        (ai_search.app(issuer=issuer), ("ai_search",)),
        (_teams(plan, issuer, doors["bot_connector"].url), ("bot_connector",)),
    ]


def _teams(plan: Plan, issuer: str, url: str) -> web.Application:
    """Return the channel, in which the bot has the secret that Entra knows it by."""
    secret = plan.client_secret or secret_of(plan.folder / "entra", plan.bot_id)
    bot = bot_connector.Bot(plan.bot_id, secret, plan.bot)
    return bot_connector.app(plan.folder / "bot_connector", base_url=url, entra=issuer, bot=bot)


def _certificates(folder: Path) -> Certificates:
    try:
        return certificates.kept(folder / "tls")
    except OSError as fault:
        raise StartRefused(f"The twins cannot keep a certificate in {folder}: {fault.strerror}.") from fault


def _tell(places: Places, kept: Certificates) -> None:
    told = {name: place.url for name, place in places.doors.items()}
    sandboxes = {name: place.url for name, place in places.sandboxes.items()}
    line = orjson.dumps({**told, "ca_file": str(kept.ca_file), "sandboxes": sandboxes})
    sys.stdout.write(f"{line.decode()}\n")
    sys.stdout.flush()


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
