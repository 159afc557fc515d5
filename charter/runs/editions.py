"""What a run works with: the agents, functions and policies of its bundle, built and ready."""

from collections.abc import Mapping
from dataclasses import dataclass

from charter.catalog.spec import Catalog
from charter.governance.gate import Gate
from charter.kernel.session import Session


@dataclass(frozen=True, slots=True)
class Edition:
    """One consistent state of agents, plugins and policies."""

    catalog: Catalog
    sessions: Mapping[str, Session]
    gate: Gate


class Editions:
    """The present edition, and the earlier ones that unfinished runs still need."""

    def __init__(self, current: Edition) -> None:
        self._current = current

    @property
    def current(self) -> Edition:
        """The edition that new runs begin with."""
        return self._current

    async def of(self, agent: str, bundle: str) -> Edition:
        """Return the edition in which ``agent`` has that bundle."""
        return self._current
