"""What one child process serves, as its command line says, and the ports of it."""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from charter.errors import StartRefused
from charter.twins.entra import Lifetimes
from charter.twins.entra.clients import HOST
from charter.twins.listening import Place, take
from charter.twins.sandboxes import Sandbox, parsed


@dataclass(frozen=True, slots=True)
class Door:
    """One of the twins' own ports: ``name`` is what the line of the runner calls it."""

    name: str
    what: str
    secure: bool = False


DOORS = (
    Door("entra", "Entra twin"),
    Door("entra_tls", "Entra twin over TLS", secure=True),
    Door("customers", "customers' sign-in"),
    Door("key_vault", "Key Vault twin", secure=True),
    Door("drive", "twin of document libraries"),
    Door("ai_search", "AI Search twin", secure=True),
    Door("bot_connector", "Bot Connector twin"),
)
"""In the order of their ports, which the sandboxes follow."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve: the doors and then the sandboxes, in order, from ``port`` on (0: at any free ones).

    ``bot`` is where the bot ``bot_id`` of the Bot Connector takes activities; empty: that is told later.
    """

    folder: Path
    port: int
    sandboxes: Sequence[Sandbox]
    client_secret: str | None
    lifetimes: Lifetimes
    bot: str
    bot_id: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where all of a plan listens: the doors and the sandboxes by name."""

    doors: Mapping[str, Place]
    sandboxes: Mapping[str, Place]


def planned(arguments: Sequence[str] | None) -> Plan:
    """Read the command line.

    Raises:
        StartRefused: it cannot be served; one sentence says why.
    """
    given = _parser().parse_args(arguments)
    try:
        sandboxes = [parsed(text) for text in given.sandbox]
        secret = given.client_secret_file.read_text("utf-8").strip() if given.client_secret_file else None
    except (ValueError, OSError) as fault:
        raise StartRefused(str(fault)) from fault
    if len({sandbox.name for sandbox in sandboxes}) < len(sandboxes):
        raise StartRefused("Two sandboxes have the same name.")
    count = len(DOORS) + len(sandboxes)
    if not 0 <= given.port <= 65_536 - count:
        raise StartRefused(f"Port {given.port} leaves no room for {count} ports.")
    lifetimes = Lifetimes(given.token_lifetime, given.refresh_lifetime)
    return Plan(given.folder, given.port, sandboxes, secret, lifetimes, given.bot, given.bot_id)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m charter.twins", description="Serve the local profile's twins.")
    parser.add_argument("--folder", type=Path, required=True, help="where the twins keep their data")
    parser.add_argument("--port", type=int, default=0, help="the first port; 0 takes any free ones")
    parser.add_argument("--sandbox", action="append", default=[], metavar="NAME=FILE", help="a plugin's sandbox.py")
    parser.add_argument("--client-secret-file", type=Path, help="holds the secret of the client charter-host")
    parser.add_argument("--token-lifetime", type=float, default=Lifetimes().access, metavar="SECONDS")
    parser.add_argument("--refresh-lifetime", type=float, default=Lifetimes().refresh, metavar="SECONDS")
    parser.add_argument("--bot", default="", metavar="URL", help="where the bot takes activities")
    parser.add_argument("--bot-id", default=HOST, metavar="CLIENT", help="the client that the bot is")
    return parser


def take_places(plan: Plan, stack: AsyncExitStack) -> Places:
    """Take every port of the plan until the stack ends.

    Raises:
        StartRefused: one of them cannot be had.
    """
    taken: list[Place] = []

    def following(what: str, *, secure: bool = False) -> Place:
        place = take(plan.port + len(taken) if plan.port else 0, what, secure=secure)
        stack.callback(place.close)
        taken.append(place)
        return place

    doors = {door.name: following(door.what, secure=door.secure) for door in DOORS}
    return Places(doors, {each.name: following(f"sandbox of {each.name}") for each in plan.sandboxes})
