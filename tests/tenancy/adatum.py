"""A third tenant, as tests make it: its directory at the Entra twin, and the tenant at the operators' door."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.running import WAIT_SECONDS, Answer, RunningHost

IN_ALL_PROCESSES = 5.0
"""Seconds after which a change must count everywhere."""


@dataclass(frozen=True, slots=True)
class Adatum:
    """A tenant of its own for one test; ``ada`` works there, ``max`` is her manager, ``olga`` operates it."""

    host: RunningHost
    id: str
    ada: str
    max: str
    olga: str

    async def change(self, **fields: Any) -> Answer:
        return await self.host.call("carol", "PATCH", f"/v1/admin/tenants/{self.id}", fields)

    async def suspend(self, reason: str = "Unpaid.") -> Answer:
        return await self.host.call("carol", "POST", f"/v1/admin/tenants/{self.id}/suspend", {"reason": reason})

    async def resume(self) -> Answer:
        return await self.host.call("carol", "POST", f"/v1/admin/tenants/{self.id}/resume")


async def in_directory(host: RunningHost) -> Adatum:
    """Make a directory with three people; the tenant is not created."""
    mark = secrets.token_hex(3)
    ada, boss, olga = (f"{name}-{mark}" for name in ("ada", "max", "olga"))
    people = {
        ada: {"name": "Ada", "title": "employee", "roles": ["employee"], "manager": boss},
        boss: {"name": "Max", "title": "manager", "roles": ["employee", "manager"]},
        olga: {"name": "Olga", "title": "operator", "roles": ["employee", "operator"]},
    }
    made = {"name": f"adatum-{mark}", "people": people, "workloads": {}}
    async with host.http.post(f"{host.entra}/_twin/tenants", json=made) as response:
        assert response.status == 201, await response.text()
    await host.people.read()
    return Adatum(host, f"adatum-{mark}", ada, boss, olga)


async def created(host: RunningHost, **settings: Any) -> Adatum:
    """Make the directory and the tenant."""
    adatum = await in_directory(host)
    body = {"id": adatum.id, "name": "Adatum", "directory": adatum.id, "settings": settings}
    answer = await host.call("carol", "POST", "/v1/admin/tenants", body)
    assert answer.status == 201, answer.body
    return adatum


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = WAIT_SECONDS) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.1)
