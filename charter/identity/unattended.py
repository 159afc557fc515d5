"""Authority for work that nobody asks for: this host's own, or a workload's. Never a person's."""

from charter.context import Context, Principal
from charter.errors import AuthorityLost, Forbidden, TenantSuspended, Unauthenticated
from charter.identity.directory import Directory
from charter.identity.grants import Grants
from charter.identity.issuers import Issuers
from charter.identity.principals import resolve
from charter.identity.tokens import TokenVerifier


class Unattended:
    """Makes contexts of those who may act without coming in."""

    def __init__(self, grants: Grants, verifier: TokenVerifier, directory: Directory, issuers: Issuers) -> None:
        self._grants = grants
        self._verifier = verifier
        self._directory = directory
        self._issuers = issuers

    async def authority(self, tenant: str, as_: str) -> Context | None:
        """Return the context of ``host`` or ``workload:<application id>`` with the roles it has now in that tenant.

        The host's roles are those of its own token for itself, as of anybody who comes in; a workload's are read from
        the directory. Nothing is returned where the tenant has no such workload.

        Raises:
            AuthorityLost: disabled, or without any role for this host.
            TenantSuspended: not now.
            Unavailable: the identity provider or the directory does not answer.
            ValueError: neither a host nor a workload.
        """
        kind, _, application = as_.partition(":")
        if as_ == "host":
            return await self._host(tenant)
        if kind != "workload" or not application:
            raise ValueError(f"nobody acts as {as_} unattended")
        return await self._workload(tenant, application)

    async def _host(self, tenant: str) -> Context:
        # Entra lets an application ask for a token to itself only by its client id.
        issuer = self._issuers.own(tenant)
        if issuer is None:
            raise AuthorityLost("No identity provider is configured for the tenant.")
        token = await self._grants.host_token(tenant, f"{issuer.client_id}/.default", fresh=True)
        try:
            ctx = resolve(await self._verifier.verify(token), self._issuers)
        except TenantSuspended:
            raise
        except (Unauthenticated, Forbidden) as fault:
            raise AuthorityLost(f"This host has no authority of its own here. {fault.detail}") from fault
        if (ctx.tenant, ctx.principal.type) != (tenant, "workload"):
            raise AuthorityLost("The token that this host got is not its own.")
        return ctx

    async def _workload(self, tenant: str, application: str) -> Context | None:
        found = await self._directory.workload(tenant, application=application)
        if found is None:
            return None
        if not found.enabled:
            raise AuthorityLost(f"The workload {application} is disabled.")
        if not found.roles:
            raise AuthorityLost(f"The workload {application} has no role for this host.")
        return Context(tenant, Principal(found.id, "workload", found.name, found.roles))
