"""Access tokens as Entra writes them (v2)."""

import hashlib
import secrets
import time
from typing import Any

from charter.twins.entra.clients import HOST, Client
from charter.twins.entra.people import Account
from charter.twins.entra.scopes import GRAPH, Scope
from charter.twins.entra.state import Twin

_BACKDATED = 300
"""Entra writes iat and nbf five minutes back, so that clocks may differ."""

_MOST_GROUPS = 200
HOST_AT_GRAPH = ("Application.Read.All", "Sites.Selected", "User.Read.All")


def mint(twin: Twin, client: Client, account: Account, scope: Scope) -> str:
    """Return a token for the scope's resource; as the account itself for a workload, else for a person."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "aud": scope.resource,
        "iss": twin.issuer(account.tenant),
        "iat": now - _BACKDATED,
        "nbf": now - _BACKDATED,
        "exp": now + int(twin.lifetimes.access),
        "azp": client.id,
        "azpacr": client.proof,
        "oid": account.id,
        "sub": _pairwise(account, scope.resource),
        "tid": account.tenant,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }
    claims |= _of_workload(account, scope) if account.workload else _of_person(account, scope)
    return twin.keys.sign(claims)


def _of_workload(account: Account, scope: Scope) -> dict[str, Any]:
    at_graph = HOST_AT_GRAPH if account.id == HOST and scope.resource == GRAPH else ()
    roles = at_graph if scope.microsofts else account.roles
    claims: dict[str, Any] = {"idtyp": "app", "sub": account.id, **({"roles": list(roles)} if roles else {})}
    return claims | ({"xms_mirid": resource_id(account)} if account.managed else {})


def resource_id(account: Account) -> str:
    """Return the name that a managed identity has among Azure's resources."""
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/charter"
    return f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{account.id}"


def _of_person(account: Account, scope: Scope) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "name": account.name,
        "preferred_username": account.address,
        "scp": " ".join(scope.delegated),
    }
    if scope.microsofts:
        return claims
    if account.roles:
        claims["roles"] = list(account.roles)
    if len(account.groups) > _MOST_GROUPS:
        endpoint = f"https://graph.windows.net/{account.tenant}/users/{account.id}/getMemberObjects"
        return claims | {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": endpoint}}}
    return claims | ({"groups": list(account.groups)} if account.groups else {})


def _pairwise(account: Account, resource: str) -> str:
    """Return a subject that differs from one application to the next, as Entra's does."""
    return hashlib.sha256(f"{account.tenant}/{account.id}/{resource}".encode()).hexdigest()[:43]
