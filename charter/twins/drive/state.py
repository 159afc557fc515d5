"""The parts of one running twin."""

import secrets
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from charter.twins.caller import Verify


@dataclass(slots=True)
class Drives:
    """``page`` is how many items an answer has at most; ``faults`` says which part fails, for tests: ``delta``,
    ``permissions``, ``content`` or ``all``, each ``fail``, ``busy`` (once), ``forbidden`` or ``half`` (the second page of a
    delta is not to be had). ``doors`` are addresses of content that are open to whoever knows them.
    """

    folder: Path
    verify: Verify
    page: int = 200
    faults: dict[str, str] = field(default_factory=dict[str, str])
    doors: dict[str, tuple[str, str, str]] = field(default_factory=dict[str, tuple[str, str, str]])
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque[dict[str, Any]](maxlen=5_000))

    def door(self, tenant: str, drive: str, key: str) -> str:
        """Return the name of a new door to a file's content."""
        name = secrets.token_urlsafe(24)
        self.doors[name] = (tenant, drive, key)
        return name

    def record(self, kind: str, path: str, status: int) -> None:
        self.ledger.append({"kind": kind, "path": path, "status": status})


DRIVES: web.AppKey[Drives] = web.AppKey("drives", Drives)
