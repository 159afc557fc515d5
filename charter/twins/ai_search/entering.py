"""Who may do what: an admin or a query key, or a token and the roles of the service.

Sources: "Connect using API keys", "Connect using Azure roles" and "Query-time ACL and RBAC enforcement" of its documentation.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from charter.twins.ai_search.refusals import Refused
from charter.twins.caller import Verify, verifier

RESOURCE = "https://search.azure.com"
CONTRIBUTOR = "Search Service Contributor"
DATA = "Search Index Data Contributor"
DATA_READER = "Search Index Data Reader"
ASKING = "x-ms-query-source-authorization"
_ALLOWED = {
    "define": frozenset({CONTRIBUTOR}),
    "write": frozenset({DATA}),
    "read": frozenset({DATA, DATA_READER}),
}
GroupsOf = Callable[[Mapping[str, Any]], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class Asking:
    """The person that a query is asked for, as its own token says: their object id and groups."""

    user: str
    groups: frozenset[str]


class Entrance:
    """Lets in who has a key of ``keys`` or a role. ``roles`` maps an object id to its roles."""

    def __init__(
        self,
        verify: Verify,
        issuer: str,
        roles: Mapping[str, Collection[str]],
        keys: Collection[str],
        groups_of: GroupsOf,
    ) -> None:
        self._verify = verify
        self._issuer = issuer
        self._groups_of = groups_of
        self.roles = {name: frozenset(each) for name, each in roles.items()}
        self.keys = frozenset(keys)

    async def caller(self, request: web.Request, action: str) -> str:
        """Return who calls, when they may do this.

        Raises:
            Refused: no key and no token, one that is not to be believed, or no role for it.
        """
        if (key := request.headers.get("api-key")) is not None:
            if key not in self.keys:
                raise Refused(403, "Forbidden", "Access denied due to an invalid api-key.")
            return "api-key"
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Refused(401, "Unauthorized", "The request has neither an api-key nor a bearer token.")
        claims = await self._claims(token.strip())
        name = str(claims["oid"])
        if claims.get("idtyp") != "app" or not self.roles.get(name, frozenset()) & _ALLOWED[action]:
            raise Refused(403, "Forbidden", f"The caller {name} has no role that allows it to {action}.")
        return name

    async def asking(self, request: web.Request) -> Asking | None:
        """Return the person whom the query is asked for; nobody where the request names none."""
        given = request.headers.get(ASKING)
        if given is None:
            return None
        claims = await self._claims(given.strip().removeprefix("Bearer ").strip())
        try:
            groups = await self._groups_of(claims)
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise Refused(503, "ServiceUnavailable", "The groups of the person cannot be had.") from fault
        return Asking(str(claims["oid"]), frozenset(groups))

    async def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            claims = await self._verify(token)
        except PermissionError as refusal:
            raise Refused(401, "Unauthorized", f"The token is not accepted: {refusal}") from refusal
        if claims["iss"] != f"{self._issuer}/v2.0":
            raise Refused(401, "Unauthorized", "The token is of another tenant than the service.")
        return claims


def entrance(issuer: str, tenant: str, roles: Mapping[str, Collection[str]], keys: Collection[str]) -> Entrance:
    """Return the entrance that believes tokens of this tenant of the Entra twin. Groups are asked there, as the service
    asks the directory: a token for it carries none.
    """

    async def groups_of(claims: Mapping[str, Any]) -> Collection[str]:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http,
            http.get(f"{issuer}/_twin/people", raise_for_status=True) as answer,
        ):
            people = (await answer.json())["people"]
        found = (each["groups"] for each in people if each["id"] == claims["oid"] and each["tenant"] == claims["tid"])
        return next(found, ())

    verify = verifier(issuer, RESOURCE, scope="user_impersonation")
    return Entrance(verify, f"{issuer}/{tenant}", roles, keys, groups_of)
