"""Hot reload: what changes in the folders of agents and plugins is in effect a moment later, or refused and told.

Every process looks by itself. A look compares names, times and sizes only; the check that ``charter check`` runs is the
judge of what has changed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog

from charter.catalog.mistake import CatalogInvalid
from charter.catalog.spec import Catalog
from charter.catalog.stamp import Stamp, stamp
from charter.errors import StartRefused
from charter.runs.building import Builder
from charter.runs.editions import Editions
from charter.settings import Settings

EVERY_SECONDS = 0.5
_AFTER_FAULT_SECONDS = 5

Taken = Callable[[Catalog], Awaitable[None]]
"""Is told of each new catalog once it is in effect."""

_log = structlog.get_logger(__name__)


class Reloading:
    """Keeps the present edition as the folders are. ``loaded`` is their stamp from before the present one was read."""

    def __init__(
        self, editions: Editions, builder: Builder, settings: Settings, *, loaded: Stamp, taken: Taken
    ) -> None:
        self._editions = editions
        self._taken = taken
        self._builder = builder
        self._folders = (*settings.agent_folders, *settings.plugin_folders)
        self._loaded = loaded
        self._unsettled = loaded
        self._reloads = 0
        self._mistakes = 0
        self._task: asyncio.Task[None] | None = None
        self._on = settings.reload

    async def open(self) -> None:
        if self._on:
            self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def status(self) -> Mapping[str, Any]:
        """Tell what is in effect, how often that was changed, and how many mistakes keep what lies in the folders out."""
        catalog = self._editions.current.catalog
        return {
            "agents": len(catalog.agents),
            "plugins": len(catalog.plugins),
            "reloads": self._reloads,
            "mistakes": self._mistakes,
        }

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self._look()
            except Exception:  # noqa: BLE001 - logged with its trace
                _log.exception("reload failed")
                await asyncio.sleep(_AFTER_FAULT_SECONDS)

    async def _look(self) -> None:
        now = await self._stamp()
        unsettled, self._unsettled = self._unsettled, now
        # Two looks must agree: whoever saves several files is not read halfway.
        if now != self._loaded and now == unsettled:
            await self._reload(now)

    async def _stamp(self) -> Stamp:
        return await asyncio.to_thread(stamp, self._folders)

    async def _reload(self, now: Stamp) -> None:
        before = self._editions.current.catalog
        try:
            catalog = await asyncio.to_thread(self._builder.present)
            edition = None if catalog == before else await asyncio.to_thread(self._builder.edition, catalog)
        except StartRefused as fault:
            self._loaded = now
            self._mistakes = _told(fault)
            return
        if await self._stamp() != now:
            return  # changed while it was read: the next look takes it up
        if edition is not None:
            await self._editions.begin(edition)
            self._reloads += 1
            _log.info("agents and plugins reloaded", **_changes(before, edition.catalog))
            await self._taken(edition.catalog)
        self._loaded = now
        self._mistakes = 0


def _told(fault: StartRefused) -> int:
    if not isinstance(fault, CatalogInvalid):
        _log.error("change refused, the former state stays", reason=fault.detail, remedy=fault.action)
        return 1
    for mistake in fault.mistakes:
        _log.error("change refused, the former state stays", **mistake.as_json())
    return len(fault.mistakes)


def _changes(before: Catalog, after: Catalog) -> dict[str, list[str]]:
    old = {name: agent.bundle for name, agent in before.agents.items()}
    new = {name: agent.bundle for name, agent in after.agents.items()}
    return {
        "added": sorted(new.keys() - old.keys()),
        "changed": sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
        "removed": sorted(old.keys() - new.keys()),
    }
