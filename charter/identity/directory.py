"""Who is whose manager, and what else Microsoft Graph tells of people and workloads."""

import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import aiohttp

from charter.context import Context, Principal
from charter.errors import AuthorityLost, CharterError, Unavailable
from charter.identity.expiring import Clock, Expiring
from charter.identity.grants import Grants
from charter.identity.wire import Answer, ask
from charter.settings import Identity

_REMEMBERED = 10_000
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the same tenant: ``id`` as in ``Principal.id``."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Workload:
    """An application of the tenant that works without a person (in Entra its service principal).

    ``id`` as in ``Principal.id``; ``roles`` are the app roles of this host assigned to it, none while it is disabled.
    """

    id: str
    name: str
    enabled: bool
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Known:
    person: Person | None


class Directory:
    """Microsoft Graph, asked as the principal whom the question is about (a workload: as the host)."""

    def __init__(
        self, grants: Grants, settings: Identity, http: aiohttp.ClientSession, *, clock: Clock = time.time
    ) -> None:
        self._grants = grants
        self._settings = settings
        self._http = http
        self._clock = clock
        self._managers: Expiring[tuple[str, str], _Known] = Expiring(_REMEMBERED, clock)

    async def manager(self, ctx: Context) -> Person | None:
        """Return the manager of ``ctx``'s principal, or nothing where they have none (a workload or customer never has).

        Remembered for 60 seconds.

        Raises:
            AuthorityLost: the directory, or the token for it, is refused.
            Unavailable: the directory does not answer.
        """
        if ctx.principal.type == "workload" or ctx.principal.external:
            return None
        key = (ctx.tenant, ctx.principal.id)
        known = self._managers.get(key)
        if known is None:
            path = f"/users/{quote(ctx.principal.id, safe='')}/manager?$select=id,displayName"
            answer = await self._ask(ctx, "GET", path)
            known = _Known(None if answer.status == 404 else _person(answer))
            self._managers.put(key, known, self._clock() + _SECONDS)
        return known.person

    async def groups(self, ctx: Context, assertion: str = "") -> frozenset[str]:
        """Return the ids of all groups of ``ctx``'s principal, nested ones too: for tokens that cannot carry them.

        With an ``assertion`` the authority is kept first, for a principal who has only just come in.

        Raises:
            AuthorityLost: the directory, or the token for it, is refused.
            Unavailable: the directory does not answer.
        """
        if assertion:
            await self._grants.keep(ctx, assertion)
        answer = await self._ask(ctx, "POST", "/me/getMemberObjects", {"securityEnabledOnly": True})
        listed = answer.members.get("value")
        if not isinstance(listed, list):
            raise Unavailable("The directory gave an answer that names no groups.")
        return frozenset(entry for entry in cast("list[object]", listed) if isinstance(entry, str))

    async def workload(self, tenant: str, *, identity: str = "", application: str = "") -> Workload | None:
        """Return the workload of that object id or application id as it stands now; nothing where there is none.

        Raises:
            Unavailable: the directory does not answer, or not to this host.
        """
        asker = Context(tenant, Principal(self._settings.client_id, "workload", "host"))
        place = f"/servicePrincipals/{quote(identity, safe='')}" if identity else _by_application(application)
        answer = await self._ask(asker, "GET", f"{place}?$select=id,displayName,accountEnabled")
        if answer.status == 404:
            return None
        person, enabled = _person(answer), answer.members.get("accountEnabled") is True
        roles = await self._roles(asker, person.id) if enabled else frozenset[str]()
        return Workload(person.id, person.name, enabled, roles)

    async def _roles(self, asker: Context, identity: str) -> frozenset[str]:
        """Return the values of this host's app roles that are assigned to a service principal."""
        own = await self._ask(asker, "GET", f"{_by_application(self._settings.client_id)}?$select=id,appRoles")
        host, offered = own.field("id"), _listed(own, "appRoles")
        if not host:
            raise Unavailable("The directory does not know this host's own application.")
        wanted = quote(f"resourceId eq {host}", safe="")
        path = f"/servicePrincipals/{quote(identity, safe='')}/appRoleAssignments?$filter={wanted}"
        answer = await self._ask(asker, "GET", path)
        if "@odata.nextLink" in answer.members:
            raise Unavailable("The directory names more roles of one workload than this host has.")
        given = {entry.get("appRoleId") for entry in _listed(answer, "value") if entry.get("resourceId") == host}
        return frozenset(
            str(role["value"])
            for role in offered
            if role.get("id") in given and role.get("isEnabled") is True and role.get("value")
        )

    async def _ask(self, ctx: Context, method: str, path: str, body: Any = None) -> Answer:
        base = self._settings.graph.rstrip("/")
        if not base:
            raise Unavailable("CHARTER_IDENTITY__GRAPH is not set, so the directory cannot be asked.")
        answer = await self._sent(ctx, method, f"{base}/v1.0{path}", body, fresh=False)
        if answer.status == 401:  # Graph may revoke a token before it expires
            answer = await self._sent(ctx, method, f"{base}/v1.0{path}", body, fresh=True)
        if answer.status in (401, 403):
            raise _refused(ctx)
        if answer.status not in (200, 404):
            raise Unavailable("The directory cannot serve now.", retry_after=answer.retry_after)
        return answer

    async def _sent(self, ctx: Context, method: str, url: str, body: Any, *, fresh: bool) -> Answer:
        token = await self._grants.token(ctx, self._settings.graph_scope, fresh=fresh)
        return await ask(self._http, method, url, json=body, bearer=token)


def _refused(ctx: Context) -> CharterError:
    if ctx.principal.type == "workload":
        return Unavailable(
            "The directory refuses this host's own question.",
            action="Let an administrator grant this host the application permission Application.Read.All.",
        )
    return AuthorityLost("The directory does not answer in the name of the one who asked.")


def _by_application(application: str) -> str:
    # OData writes a quote within quotes twice.
    return f"/servicePrincipals(appId='{quote(application.replace(chr(39), chr(39) * 2), safe='')}')"


def _listed(answer: Answer, name: str) -> list[dict[str, Any]]:
    found = answer.members.get(name)
    if not isinstance(found, list):
        raise Unavailable("The directory gave an answer that names no roles.")
    return [entry for entry in cast("list[object]", found) if isinstance(entry, dict)]  # pyright: ignore[reportUnknownVariableType]


def _person(answer: Answer) -> Person:
    identity = answer.field("id")
    if not identity:
        raise Unavailable("The directory gave an answer that names nobody.")
    return Person(identity, answer.field("displayName") or identity)
