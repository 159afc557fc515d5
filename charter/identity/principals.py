"""From verified claims to the authority somebody works under."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from charter.context import Context, Principal, PrincipalType
from charter.errors import Forbidden, TenantSuspended
from charter.identity.issuers import Issuer, Issuers

SCOPE = "access_as_user"
OPERATOR = "operator"
EMPLOYEE = "employee"
"""The role that whoever works with the agents has."""


def resolve(claims: Mapping[str, Any], issuers: Issuers, groups: Iterable[str] | None = None) -> Context:
    """Return the context of the principal that verified claims name. Of a customer only the id and the name are taken
    from the claims: their roles are the issuer's, whatever its tokens say.

    ``groups`` are the principal's groups as the directory tells them, for a token that names too many to carry
    (``overage``).

    Raises:
        TenantSuspended: the tenant is, for now.
        Forbidden: a user's token lacks the scope ``access_as_user``, a workload's any role, the tenant is not ours,
            or the groups are known to neither token nor caller (fewer groups would not be fewer rights: policies forbid
            by group, too).
    """
    issuer = issuers.of(str(claims.get("tid")))
    if issuer is None:
        raise Forbidden("This host does not serve the token's tenant.")
    if not issuers.served(issuer.tenant):
        raise TenantSuspended()
    if issuer.external:
        return _customer(claims, issuer)
    roles, scopes = _texts(claims.get("roles")), frozenset(_text(claims.get("scp")).split())
    workload = claims.get("idtyp") == "app"
    _admit(workload=workload, roles=roles, scopes=scopes)
    if overage(claims) and groups is None:
        raise Forbidden(
            "The token names too many groups to carry them.",
            action="Let an administrator assign groups to the application, so that tokens carry only those.",
        )
    known = frozenset(groups) if groups is not None else _texts(claims.get("groups"))
    principal = Principal(issuer.principal(str(claims["oid"])), _type(workload, roles), _name(claims), roles, known)
    return Context(issuer.tenant, principal, scopes)


def _customer(claims: Mapping[str, Any], issuer: Issuer) -> Context:
    scopes = frozenset(_text(claims.get("scp")).split())
    if claims.get("idtyp") == "app" or SCOPE not in scopes:
        raise Forbidden("Customers come in as people, with the scope access_as_user.")
    identity = issuer.principal(str(claims["oid"]))
    principal = Principal(identity, "user", _name(claims), issuer.roles, external=issuer.external)
    return Context(issuer.tenant, principal, scopes & {SCOPE})


def _name(claims: Mapping[str, Any]) -> str:
    return _text(claims.get("name")) or _text(claims.get("preferred_username")) or str(claims["oid"])


def overage(claims: Mapping[str, Any]) -> bool:
    """Whether Entra left the groups out because they are too many. Its hint where to ask is never followed."""
    sources: Any = claims.get("_claim_names")
    named = isinstance(sources, dict) and "groups" in cast("dict[str, Any]", sources)
    return named or claims.get("hasgroups") in (True, "true")


def _admit(*, workload: bool, roles: frozenset[str], scopes: frozenset[str]) -> None:
    if workload and not roles:
        raise Forbidden("The workload has no role for this host.", action="Assign it an app role of this host.")
    # Only idtyp tells a workload: an ID token of a person has roles and no scope, and must not pass for one.
    if not workload and SCOPE not in scopes:
        raise Forbidden(f"The token lacks the scope {SCOPE}.", action=f"Ask the identity provider for {SCOPE}.")


def _type(workload: bool, roles: frozenset[str]) -> PrincipalType:
    if workload:
        return "workload"
    return "operator" if OPERATOR in roles else "user"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> frozenset[str]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return frozenset(entry for entry in listed if isinstance(entry, str))
