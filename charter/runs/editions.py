"""What a run works with: the agents, functions and policies of its bundle, whatever lies in the folders today."""

import asyncio
import hashlib
import hmac
from collections import OrderedDict

import structlog

from charter.catalog.mistake import BundleUnavailable
from charter.errors import StartRefused
from charter.identity.flight import SingleFlight
from charter.identity.sealed import keys_of
from charter.runs.building import Builder, Edition
from charter.store import bundles
from charter.store.bundles import Bundle
from charter.store.database import Database

__all__ = ["Edition", "Editions"]

REMEMBERED = 32
"""Bundles of earlier editions that are kept built; others are read from the database when a run needs them."""

_log = structlog.get_logger(__name__)


class Editions:
    """The present edition, and the earlier ones that unfinished runs still need.

    ``key`` is the installation's own: a bundle holds code, and only what a host of ours sealed with it is loaded.
    """

    def __init__(self, database: Database, builder: Builder, key: bytes, current: Edition) -> None:
        self._database = database
        self._builder = builder
        self._keys = keys_of(key)
        self._current = current
        self._earlier: OrderedDict[tuple[str, str], Edition] = OrderedDict()
        self._reading: SingleFlight[Edition] = SingleFlight()

    @property
    def current(self) -> Edition:
        """The edition that new runs begin with."""
        return self._current

    async def keep(self) -> list[str]:
        """Keep the bundles of the present edition, before a run is pinned to them, and return their digests."""
        return await self._keep(self._current)

    async def begin(self, edition: Edition) -> None:
        """Make this edition the present one, once its bundles are kept; runs of the one before go on with theirs."""
        await self._keep(edition)
        before, self._current = self._current, edition
        for agent in before.catalog.agents.values():
            if edition.bundle(agent.name) != agent.bundle:
                self._remember(agent.name, agent.bundle, before)

    async def of(self, agent: str, bundle: str) -> Edition:
        """Return the edition in which ``agent`` has that bundle.

        Raises:
            BundleUnavailable: it was not kept, was altered, or cannot be loaded on this host any more.
        """
        if self._current.bundle(agent) == bundle:
            return self._current
        if (agent, bundle) in self._earlier:
            self._earlier.move_to_end((agent, bundle))
            return self._earlier[agent, bundle]
        return await self._reading.run((agent, bundle), lambda: self._read(agent, bundle))

    async def _read(self, agent: str, digest: str) -> Edition:
        kept = await bundles.find(self._database, digest)
        try:
            if kept is None:
                raise BundleUnavailable(f"The bundle {digest} of {agent} was not kept.")
            if not any(hmac.compare_digest(kept.seal, _seal(key, digest)) for key in self._keys):
                raise BundleUnavailable(f"The bundle {digest} of {agent} does not bear this installation's seal.")
            edition = await asyncio.to_thread(self._builder.earlier, agent, digest, kept.files)
        except StartRefused as fault:
            _log.error("bundle refused", agent=agent, bundle=digest, reason=fault.detail)
            raise BundleUnavailable(f"The bundle {digest} of {agent} does not load on this host.") from fault
        except BundleUnavailable as fault:
            _log.error("bundle refused", agent=agent, bundle=digest, reason=str(fault.__cause__ or fault))
            raise
        self._remember(agent, digest, edition)
        _log.info("bundle loaded for a run that began with it", agent=agent, bundle=digest)
        return edition

    def _remember(self, agent: str, bundle: str, edition: Edition) -> None:
        self._earlier[agent, bundle] = edition
        self._earlier.move_to_end((agent, bundle))
        while len(self._earlier) > REMEMBERED:
            self._earlier.popitem(last=False)

    async def _keep(self, edition: Edition) -> list[str]:
        agents = sorted(edition.catalog.agents.values(), key=lambda agent: agent.bundle)
        await bundles.keep(
            self._database, [Bundle(a.bundle, a.name, a.files, _seal(self._keys[0], a.bundle)) for a in agents]
        )
        return [agent.bundle for agent in agents]


def _seal(key: bytes, digest: str) -> str:
    return hmac.new(key, f"bundle {digest}".encode(), hashlib.sha256).hexdigest()
