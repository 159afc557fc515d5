"""Places to work at in this process, of which no tenant ever has all."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Places:
    """``most`` places; three quarters of them at most are one tenant's: what keeps one waiting keeps no other."""

    def __init__(self, most: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._most = max(1, most - most // 4)
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def free(self, tenant: str) -> bool:
        """Tell whether there is a place for this tenant now."""
        own = self._own.get(tenant)
        return not self._all.locked() and (own is None or not own.locked())

    @asynccontextmanager
    async def of(self, tenant: str) -> AsyncGenerator[None]:
        """Have a place until the end of the block; wait for one where there is none."""
        own = self._own.setdefault(tenant, asyncio.Semaphore(self._most))
        async with own, self._all:
            yield
