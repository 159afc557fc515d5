"""How drills are found, how much they load, and the load itself."""

import asyncio
import importlib
import itertools
import pkgutil
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.drills import result
from tests.drills.audit import Asked
from tests.drills.ground import Ground
from tests.drills.host import Host

BESIDE = frozenset({"authority", "freeze"})
"""Drills that do little but wait, on a ground of their own: they may go on beside the others."""

_marks = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Size:
    """``of(300)`` is 300 times the scale that was asked for."""

    scale: float = 1
    long: bool = False

    def of(self, number: int) -> int:
        return max(1, round(number * self.scale))


Drill = Callable[[Size], Awaitable["result.Result"]]


def all_drills() -> dict[str, Drill]:
    """Return every drill: each module here whose name begins with ``drill_`` has a ``DRILLS`` mapping."""
    package = importlib.import_module("tests.drills")
    modules = [each.name for each in pkgutil.iter_modules(package.__path__) if each.name.startswith("drill_")]
    found: dict[str, Drill] = {}
    for name in modules:
        found |= importlib.import_module(f"tests.drills.{name}").DRILLS
    return found


def mark(prefix: str = "m") -> str:
    return f"{prefix}-{next(_marks)}"


async def ask(here: Ground, words: Sequence[str], *, over: float, name: str = "alice") -> list[Asked]:
    """Start one run for each word, spread evenly over so many seconds, on whichever host answers."""
    order = list(words)
    random.shuffle(order)
    return list(
        await asyncio.gather(*(_asked(here, word, over * n / len(order), name) for n, word in enumerate(order)))
    )


async def _asked(here: Ground, word: str, delay: float, name: str) -> Asked:
    await asyncio.sleep(delay)
    sign = mark(word)
    return Asked(word, sign, await here.client.start(name, f"{word} {sign}"))


async def ask_at(here: Ground, word: str, host: Host) -> Asked:
    """Start a run on that host, or elsewhere when it does not answer."""
    sign = mark(word)
    first = host.address if host.serves else ""
    return Asked(word, sign, await here.client.start("alice", f"{word} {sign}", first=first))
