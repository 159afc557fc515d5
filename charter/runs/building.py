"""Build an edition: agents checked, functions and sessions ready, policies parsed. Takes a while: not for the event loop."""

from collections.abc import Mapping
from dataclasses import dataclass

from charter.catalog import loader
from charter.catalog.spec import Catalog
from charter.governance.gate import Directory, Gate
from charter.governance.policy import Policies
from charter.kernel.door import open_sessions
from charter.kernel.session import Session
from charter.models.route import Route
from charter.settings import Settings


@dataclass(frozen=True, slots=True)
class Edition:
    """One consistent state of agents, plugins and policies."""

    catalog: Catalog
    sessions: Mapping[str, Session]
    gate: Gate

    def bundle(self, agent: str) -> str | None:
        """Return the agent's bundle; ``None``: there is no such agent."""
        spec = self.catalog.agents.get(agent)
        return spec.bundle if spec else None


@dataclass(frozen=True, slots=True)
class Builder:
    """Knows what every edition needs beside its files: addresses, models, and who answers for whom."""

    settings: Settings
    routes: Mapping[str, Route]
    directory: Directory

    def present(self) -> Catalog:
        """Return what lies in the folders now.

        Raises:
            CatalogInvalid: there are mistakes; it has all of them.
        """
        return loader.load(self.settings, starting=False)

    def edition(self, catalog: Catalog) -> Edition:
        """Build the edition of this catalog.

        Raises:
            StartRefused: a plugin's code does not load, or an agent wants a model tier that settings do not give.
        """
        return Edition(catalog, open_sessions(catalog, self.routes), Gate(catalog, Policies(catalog), self.directory))

    def earlier(self, agent: str, digest: str, files: Mapping[str, str]) -> Edition:
        """Build the edition of one bundle that was kept.

        Raises:
            BundleUnavailable: the files are not those of the digest, or make no agent on this host any more.
            StartRefused: as ``edition``.
        """
        return self.edition(loader.load_kept(self.settings, agent, digest, files))
