"""Whose tokens are believed, and for which tenant: the Entra tenants of ours, and customers' identity providers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urlsplit

from charter.context import Context
from charter.errors import StartRefused
from charter.identity.credential import CredentialOf, HostCredential, credentials, written
from charter.settings import External, Identity

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MICROSOFTS = ".ciamlogin.com"
"""Where Entra External ID is: as trusted with the host's proof as Entra itself."""

NO_DIRECTORIES = frozenset({"common", "consumers", "organizations", "9188040d-6c67-4c5b-b112-36a304b66dad"})
"""What stands in an Entra tenant's place and is no company's: the names of all tenants, and the one of all personal
accounts.
"""


class Served(Protocol):
    """Which tenants there are now (``charter.store.tenants.Tenants``)."""

    def served(self, tenant: str) -> bool:
        """Whether work of this tenant is done: it is known and not suspended."""
        ...

    def of_directory(self, tid: str) -> str | None:
        """Return the tenant whose directory this Entra tenant is."""
        ...

    def directory(self, tenant: str) -> str | None:
        """Return the Entra tenant of a tenant."""
        ...


class Fixed:
    """``Served`` that never changes: Entra tenant to tenant, as settings say."""

    def __init__(self, tenants: Mapping[str, str]) -> None:
        self._tenants = dict(tenants)

    def served(self, tenant: str) -> bool:
        return tenant in self._tenants.values()

    def of_directory(self, tid: str) -> str | None:
        return self._tenants.get(tid)

    def directory(self, tenant: str) -> str | None:
        return next((tid for tid, ours in self._tenants.items() if ours == tenant), None)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues the tokens of one Entra tenant (``tid``). ``client_id`` is this host's registration there.

    ``external`` is the short name of a customers' identity provider, empty for a tenant's own. What ``roles`` says is
    all that its people may be here: whoever runs an identity provider of customers must not make operators.
    """

    tid: str
    tenant: str
    authority: str
    client_id: str
    audience: str
    credential: HostCredential = field(repr=False, compare=False)
    external: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The ``iss`` of its tokens."""
        return f"{self.authority}/{self.tid}/v2.0"

    @property
    def audiences(self) -> list[str]:
        return [self.audience, self.client_id]

    async def keys_url(self, http: object) -> str:  # known without asking
        return f"{self.authority}/{self.tid}/discovery/v2.0/keys"

    def principal(self, oid: str) -> str:
        """Return the id within our tenant: an object id of customers can never be one of the tenant's own."""
        return f"{self.external}:{oid}" if self.external else oid


class Issuers:
    """Every issuer there is; those of tenants come and go with them. Without ``credential_of`` the host proves itself by
    the secrets that stand in settings.
    """

    def __init__(self, settings: Identity, served: Served, credential_of: CredentialOf | None = None) -> None:
        if not settings.authority:
            raise StartRefused(
                "CHARTER_IDENTITY__AUTHORITY is not set, so no token could be believed.",
                action="Set it to the identity provider's address, such as https://login.microsoftonline.com.",
            )
        for name, each in settings.external.items():
            _check_own_proof(settings, name, each)
        self._settings = settings
        self._served = served
        if wrong := [name for name in settings.external if not _NAME.fullmatch(name)]:
            raise StartRefused(f"CHARTER_IDENTITY__EXTERNAL: {wrong[0]} must be small letters, digits and hyphens.")
        self._credential_of = credential_of or credentials(settings, written)
        self._external = {
            each.tid: _external(name, each, self._credential_of(each.client_secret))
            for name, each in settings.external.items()
        }
        if len(self._external) < len(settings.external) or self._external.keys() & settings.tenants.keys():
            raise StartRefused("CHARTER_IDENTITY__EXTERNAL names an Entra tenant that is named before.")

    def of(self, tid: str) -> Issuer | None:
        """Return whose tokens name this Entra tenant; nothing where nobody's are believed."""
        if external := self._external.get(tid):
            return external
        tenant = self._served.of_directory(tid)
        return None if tenant is None else self._own(tid, tenant)

    def own(self, tenant: str) -> Issuer | None:
        """Return the issuer of a tenant's own people and workloads."""
        tid = self._served.directory(tenant)
        return None if tid is None or tid in self._external else self._own(tid, tenant)

    def unknown(self, place: str) -> Issuer:
        """Return where somebody of a tenant that is not known yet signs in (``organizations``). No token is its own."""
        return self._own(place, "")

    def as_agent(self, tenant: str, agent: str | None) -> Issuer | None:
        """Return the tenant's own issuer as the agent stands there: by its own registration where it has one."""
        issuer = self.own(tenant)
        identity = self._settings.agents.get(agent or "")
        if issuer is None or identity is None:
            return issuer
        credential = self._credential_of(identity.client_secret)
        return replace(issuer, client_id=identity.client_id, credential=credential)

    def of_principal(self, ctx: Context) -> Issuer | None:
        """Return who issues the tokens of a context's principal."""
        if not ctx.principal.external:
            return self.own(ctx.tenant)
        found = (each for each in self._external.values() if each.external == ctx.principal.external)
        return next((each for each in found if each.tenant == ctx.tenant), None)

    def served(self, tenant: str) -> bool:
        return self._served.served(tenant)

    def _own(self, tid: str, tenant: str) -> Issuer:
        return own_issuer(self._settings, tid, tenant, self._credential_of(self._settings.client_secret))

    @property
    def external(self) -> Iterable[Issuer]:
        return self._external.values()


def _check_own_proof(settings: Identity, name: str, given: External) -> None:
    """Return if the host has something to prove itself with there that is worth nothing elsewhere.

    Raises:
        StartRefused: it would hand its own secret, or its machine's word, to somebody who could use it against us.
    """
    if given.client_secret.get_secret_value():
        return
    place, home = (urlsplit(each.authority).hostname or "" for each in (given, settings))
    if settings.credential == "secret" or not (place == home or place.endswith(_MICROSOFTS)):
        raise StartRefused(
            f"CHARTER_IDENTITY__EXTERNAL: {name} needs a client secret of its own; the host's own proof must not go there.",
            action=f"Register the host there and set CHARTER_IDENTITY__EXTERNAL__{name.upper()}__CLIENT_SECRET.",
        )


def own_issuer(settings: Identity, tid: str, tenant: str, credential: HostCredential) -> Issuer:
    """Return the issuer of a tenant's own people, at the authority of settings."""
    authority = settings.authority.rstrip("/")
    return Issuer(tid, tenant, authority, settings.client_id, settings.audience, credential)


def _external(name: str, given: External, credential: HostCredential) -> Issuer:
    return Issuer(
        given.tid,
        given.tenant,
        given.authority.rstrip("/"),
        given.client_id,
        given.audience,
        credential,
        external=name,
        roles=frozenset(given.roles),
    )
