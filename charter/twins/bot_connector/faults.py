"""What fails when a test wants it to: one operation, so many times, before or after it was done."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

OPERATIONS = (
    "metadata", "keys", "create", "send", "typing", "stream", "final", "update", "delete", "members",
    "token", "token_status", "exchange", "sign_out", "sign_in_resource",
)  # fmt: skip


@dataclass(slots=True)
class Fault:
    """``status`` 0 only delays. ``after``: it is done first, and the answer is lost. ``conversation``: only there."""

    operation: str
    status: int
    times: int
    body: Any = None
    retry_after: float | None = None
    delay: float = 0
    after: bool = False
    conversation: str = ""

    def response(self) -> web.Response:
        headers = {"Retry-After": f"{self.retry_after:g}"} if self.retry_after is not None else {}
        body = (
            self.body
            if self.body is not None
            else {"error": {"code": "ServiceError", "message": "A fault was asked for."}}
        )
        return web.json_response(body, status=self.status, headers=headers)


@dataclass(slots=True)
class Faults:
    """``healed`` ends the delays that go on."""

    listed: list[Fault] = field(default_factory=list[Fault])
    healed: asyncio.Event = field(default_factory=asyncio.Event)

    def heal(self) -> None:
        """Take all of them away; nobody waits for one any longer."""
        self.listed.clear()
        self.healed.set()
        self.healed = asyncio.Event()

    async def take(self, operation: str, conversation: str) -> Fault | None:
        """Return what befalls this call, once its delay is over."""
        for fault in self.listed:
            if fault.times > 0 and fault.operation == operation and fault.conversation in ("", conversation):
                fault.times -= 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.healed.wait(), fault.delay)
                return fault if fault.status else None
        return None
