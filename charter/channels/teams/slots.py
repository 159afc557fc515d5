"""Slots for what goes on at once in this process, of which no tenant ever has all (a bulkhead)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Slots:
    """``most`` slots; three quarters of them at most are one tenant's: what keeps one waiting keeps no other."""

    def __init__(self, most: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._most = max(1, most - most // 4)
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def free(self, tenant: str) -> bool:
        """Tell whether there is a slot for this tenant now."""
        own = self._own.get(tenant)
        return not self._all.locked() and (own is None or not own.locked())

    @asynccontextmanager
    async def of(self, tenant: str) -> AsyncGenerator[None]:
        """Have a slot until the end of the block; wait for one where there is none."""
        own = self._own.setdefault(tenant, asyncio.Semaphore(self._most))
        async with own, self._all:
            yield
