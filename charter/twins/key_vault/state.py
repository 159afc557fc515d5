"""The parts of one running twin."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from charter.twins.key_vault.entering import Entrance
from charter.twins.key_vault.shelf import Shelf

Fault = Literal["", "hang", "fail", "forbidden"]


@dataclass(slots=True)
class Vault:
    """``ledger`` holds the last requests, newest last; ``fault`` is what befalls every one, for tests."""

    shelf: Shelf
    entrance: Entrance
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque[dict[str, Any]](maxlen=1_000))
    fault: Fault = ""
    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    def thaw(self) -> None:
        """Let go of all requests that hang; later ones hang anew."""
        self.thawed.set()
        self.thawed = asyncio.Event()

    def record(self, request: web.Request, status: int) -> None:
        caller = request.get(CALLER, "")
        self.ledger.append(
            {"at": time.time(), "method": request.method, "path": request.path, "caller": caller, "status": status}
        )


VAULT: web.AppKey[Vault] = web.AppKey("vault", Vault)
CALLER: web.RequestKey[str] = web.RequestKey("caller", str)
