"""A worker's place under its supervisor: what it is given through its standard input, and what it tells back.

Settings hold secrets, so they come as one line through the pipe: a command line or an environment could be read by
others, a file would stay. The pipe stays open as long as the supervisor lives; its end is the worker's end, too.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from charter import settings
from charter.errors import CharterError
from charter.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """One of a supervisor's workers, counted from 1.

    ``postgres`` is the folder of the embedded server that the supervisor started. ``sandboxed``: the business systems
    are sandboxes that end with the supervisor.
    """

    number: int
    postgres: Path | None
    sandboxed: bool
    told: int

    def ready(self, status: Mapping[str, Any]) -> None:
        """Tell the supervisor that the port is served, and the model's status."""
        _tell(self.told, {"ready": status})


def handed(tree: Settings, number: int, *, postgres: Path | None, sandboxed: bool) -> bytes:
    """Return the line that a worker takes with ``taken``."""
    what = {"settings": tree.model_dump(), "number": number, "postgres": postgres, "sandboxed": sandboxed}
    return orjson.dumps(what, default=_revealed) + b"\n"


def _revealed(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(type(value).__name__)


def channel() -> int:
    """Keep standard output for what the supervisor is told; whatever else is printed goes to standard error."""
    told = os.dup(1)
    os.dup2(2, 1)
    return told


def taken(told: int) -> tuple[Settings, Place]:
    """Read what the supervisor hands over."""
    what = orjson.loads(sys.stdin.buffer.readline())
    postgres = Path(what["postgres"]) if what["postgres"] else None
    return settings.read(**what["settings"]), Place(what["number"], postgres, what["sandboxed"], told)


def refuse(told: int, fault: CharterError) -> None:
    """Tell the supervisor why the worker does not start."""
    _tell(told, {"refused": fault.detail, "action": fault.action})


def _tell(told: int, what: Mapping[str, Any]) -> None:
    os.write(told, orjson.dumps(what) + b"\n")
    os.close(told)
