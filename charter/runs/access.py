"""What a plugin is given in a run: a connection in the name of one principal, and a search that sees what they may read."""

from dataclasses import dataclass

import aiohttp

from charter.catalog.spec import Catalog
from charter.context import Context
from charter.identity.grants import Grants
from charter.kernel.connection import HttpConnection, Unconnected, bearer
from charter.knowledge.retriever import ContextRetriever
from charter.knowledge.room import KnowledgeRoom
from charter.plugin import Access
from charter.runs.acting import LastLook
from charter.secrets.secrets import Secrets
from charter.settings import Settings
from charter.tenancy.entitlement import Entitlement


@dataclass(frozen=True, slots=True)
class Accesses:
    """Gives each plugin its access, anew for every call."""

    settings: Settings
    http: aiohttp.ClientSession
    grants: Grants
    secrets: Secrets
    knowledge: KnowledgeRoom
    entitlement: Entitlement

    def of(self, catalog: Catalog, ctx: Context, plugin: str, last_look: LastLook | None) -> Access:
        """Return what this plugin may reach in the run of ``ctx``; ``last_look`` comes right before each request."""
        agent = catalog.agents[ctx.agent or ""]
        collections = self.entitlement.collections(ctx.tenant, agent.knowledge)
        retriever = ContextRetriever(
            self.knowledge.archive,
            ctx,
            collections,
            top=self.settings.knowledge.top,
            unread=self.knowledge.library.unread,
        )
        spec = catalog.plugins[plugin].connection
        if spec is None:
            return Access(Unconnected(), retriever)
        token = bearer(self.grants, self.secrets, spec, ctx)
        seconds = self.settings.runs.function_seconds
        return Access(HttpConnection(spec, self.http, token, seconds=seconds, last_look=last_look), retriever)
