"""The authority of a run that waited, as the identity provider sees it now."""

from dataclasses import replace
from typing import Any

from charter.context import Context, PrincipalType
from charter.errors import AuthorityLost, Forbidden, TenantSuspended, Unauthenticated
from charter.identity.directory import Directory
from charter.identity.grants import Grants
from charter.identity.issuers import Issuers
from charter.identity.principals import OPERATOR, SCOPE, overage, resolve
from charter.identity.tokens import TokenVerifier


class Renewal:
    """Fetches a principal's authority anew and narrows a context to it."""

    def __init__(self, grants: Grants, verifier: TokenVerifier, directory: Directory, issuers: Issuers) -> None:
        self._grants = grants
        self._verifier = verifier
        self._directory = directory
        self._issuers = issuers

    async def renew(self, ctx: Context) -> Context:
        """Return ``ctx`` with only those roles and groups that the principal had then *and* has now.

        For a person the kept grant is redeemed for a fresh token of this host, which is verified like one that comes
        in. Of a workload, this host among them, the directory is asked, since its own token cannot be had.

        Raises:
            AuthorityLost: disabled, signed out, no longer admitted here, or somebody else.
            TenantSuspended, Unavailable: the tenant is, or the identity provider does not answer; the authority may still stand.
        """
        issuer = self._issuers.of_principal(ctx)
        if issuer is None:
            raise AuthorityLost("This host no longer believes the identity provider of the one who asked.")
        if ctx.principal.type == "workload":
            return await self._of_workload(ctx)
        # Entra lets an application ask for a token to itself only by its client id.
        token = await self._grants.token(ctx, f"{issuer.client_id}/{SCOPE}", fresh=True)
        try:
            now = await self._admitted(ctx, await self._verifier.verify(token))
        except TenantSuspended:
            raise
        except (Unauthenticated, Forbidden) as fault:
            raise AuthorityLost("The person who asked is no longer admitted to this host.") from fault
        if (now.tenant, now.principal.id) != (ctx.tenant, ctx.principal.id):
            raise AuthorityLost("The kept authority is another person's.")
        return _narrowed(ctx, now)

    async def _of_workload(self, ctx: Context) -> Context:
        now = await self._directory.workload(ctx.tenant, identity=ctx.principal.id)
        if now is None or not now.enabled:
            raise AuthorityLost("The workload that asked no longer exists or is disabled.")
        roles = ctx.principal.roles & now.roles
        if not roles:
            raise AuthorityLost("The workload that asked has no role for this host any more.")
        return replace(ctx, principal=replace(ctx.principal, roles=roles))

    async def _admitted(self, ctx: Context, claims: Any) -> Context:
        asked = overage(claims) and not ctx.principal.external
        groups = await self._directory.groups(ctx) if asked else None
        return resolve(claims, self._issuers, groups)


def _narrowed(then: Context, now: Context) -> Context:
    roles = then.principal.roles & now.principal.roles
    groups = then.principal.groups & now.principal.groups
    kind: PrincipalType = "operator" if OPERATOR in roles else "user"
    return replace(then.narrowed(now.scopes), principal=replace(then.principal, type=kind, roles=roles, groups=groups))
