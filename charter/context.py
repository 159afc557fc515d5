"""Who acts for whom, within what. Frozen; narrowed, never widened; the first argument of all that needs authority."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

PrincipalType = Literal["user", "workload", "operator"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as the identity provider says it: ``id`` is unique within the tenant.

    ``external`` names the customers' identity provider of somebody who does not belong to the tenant.
    """

    id: str
    type: PrincipalType
    name: str
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    external: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """The authority one piece of work is done under.

    ``tenant`` owns all that is read or written; ``agent`` and ``run_id`` are set once work is done by an agent in a run.
    ``approver`` (``role:x`` or ``user:x``) answers where a manager would and the principal, a workload, has none; only a
    trigger names one, never a request.
    """

    tenant: str
    principal: Principal
    scopes: frozenset[str] = field(default_factory=frozenset[str])
    agent: str | None = None
    run_id: str | None = None
    channel: str = "api"
    approver: str | None = None

    def narrowed(self, scopes: Iterable[str]) -> "Context":
        """Return the same authority with only those of ``scopes`` that it already has."""
        return replace(self, scopes=self.scopes & frozenset(scopes))

    def within(self, *, agent: str, run_id: str) -> "Context":
        """Return this authority as one agent uses it in one run.

        Raises:
            ValueError: it already belongs to another agent or run.
        """
        if self.agent not in (None, agent) or self.run_id not in (None, run_id):
            raise ValueError("a context of one run cannot become another run's")
        return replace(self, agent=agent, run_id=run_id)

    @property
    def is_operator(self) -> bool:
        """Whether they operate the tenant; a customer never does, whatever their roles are called."""
        return "operator" in self.principal.roles and not self.principal.external
