"""What a tenant may use now: what this host offers, narrowed by what operators set.

Read from the live list of tenants, so that a change counts in every process a second later, and costs no round trip.
"""

from collections.abc import Iterable, Mapping

from charter.catalog.spec import AgentSpec
from charter.errors import Forbidden, TenantSuspended
from charter.settings import Deployments, Runs, Tier
from charter.store.tenants import Tenants


class Entitlement:
    """The rules of all tenants. An unknown tenant, or one whose settings cannot be read, may use nothing."""

    def __init__(self, tenants: Tenants, models: Mapping[Tier, Deployments]) -> None:
        self._tenants = tenants
        self._models: Mapping[str, Deployments] = {**models}

    def served(self, tenant: str) -> bool:
        return self._tenants.served(tenant)

    def check_served(self, tenant: str) -> None:
        """Return while work of this tenant is done.

        Raises:
            TenantSuspended: it is not, for now.
        """
        if not self._tenants.served(tenant):
            raise TenantSuspended()

    def agent(self, tenant: str, name: str) -> bool:
        """Whether the tenant's people may see and start this agent."""
        allowed = self._tenants.settings(tenant).agents
        return allowed is None or name in allowed

    def collections(self, tenant: str, named: Iterable[str]) -> list[str]:
        """Return those collections that the tenant's people may be answered from."""
        allowed = self._tenants.settings(tenant).knowledge
        return [name for name in named if allowed is None or name in allowed]

    def limits(self, tenant: str, runs: Runs) -> Runs:
        """Return the host's limits with the tenant's own in their place."""
        own = self._tenants.settings(tenant)
        given = {
            "tenant_concurrent": own.concurrent,
            "agent_concurrent": own.agent_concurrent,
            "tenant_per_minute": own.per_minute,
            "queue_limit": own.queue_limit,
        }
        changed = {name: value for name, value in given.items() if value is not None}
        return runs.model_copy(update=changed) if changed else runs

    def check(self, tenant: str, agent: AgentSpec) -> None:
        """Return if a run of this agent may be worked on for the tenant.

        Raises:
            TenantSuspended: not now.
            Forbidden: not any more, or not with the agent's model; the sentence says why.
        """
        self.check_served(tenant)
        if not self.agent(tenant, agent.name):
            raise Forbidden(f"Your organisation may not use the agent {agent.name}.")
        own = self._tenants.settings(tenant)
        if own.models is not None and agent.tier not in own.models:
            raise Forbidden(f"Your organisation may not use models of the tier {agent.tier}.")
        if own.residency is not None and not any(
            each.serves(own.residency) for each in self._models.get(agent.tier, ())
        ):
            raise Forbidden(f"No model of the tier {agent.tier} computes where your organisation's data may go.")

    def regions(self, tenant: str) -> tuple[str, ...] | None:
        """Return where models may compute that see the tenant's data; ``None``: anywhere."""
        return self._tenants.settings(tenant).residency
