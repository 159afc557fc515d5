"""The vault that settings name, opened as this host; and what in settings is read from it once, at the start."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus, urlsplit

import aiohttp
from pydantic import SecretStr

from charter.identity.azure import azure_credential, managed_identity
from charter.identity.credential import CredentialOf, credentials, written
from charter.identity.database import DatabaseToken
from charter.identity.token_endpoint import TokenEndpoint
from charter.secrets.key_vault import KeyVault
from charter.secrets.leases import Leases
from charter.secrets.references import is_reference
from charter.secrets.secrets import Secrets, Told
from charter.settings import Settings
from charter.store.login import with_password

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Opened:
    """``credential_of`` is how the host proves itself to identity providers, ``azure`` its credential for Azure's own
    clients.
    """

    secrets: Secrets
    credential_of: CredentialOf
    azure: "AsyncTokenCredential"


@asynccontextmanager
async def opened(settings: Settings, http: aiohttp.ClientSession, told: Told) -> AsyncGenerator[Opened]:
    """Open what settings name; without a vault only literals can be had. ``told`` hears every secret value.

    Raises:
        StartRefused: settings do not fit together.
    """
    identity = settings.identity

    @cache
    def machine() -> "AsyncTokenCredential":
        return managed_identity(identity)

    in_vault = is_reference(identity.client_secret.get_secret_value())
    own = credentials(identity, written, machine)(identity.client_secret)
    azure = azure_credential(identity, TokenEndpoint(http), own, machine, secret_in_vault=in_vault)
    store = _vault(settings, azure) if settings.secrets.vault_url else None
    leases = Leases(store, seconds=settings.secrets.lease_seconds) if store else None
    secrets = Secrets(leases, told)
    try:
        yield Opened(secrets, credentials(identity, secrets.live, machine), azure)
    finally:
        if leases is not None and store is not None:
            await leases.close()
            await store.close()
        if machine.cache_info().currsize:
            await machine().close()


def _vault(settings: Settings, azure: "AsyncTokenCredential") -> KeyVault:
    url = settings.secrets.vault_url
    twin = settings.profile == "local" and urlsplit(url).hostname in _LOOPBACK
    return KeyVault(url, azure, twin=twin, ca_file=settings.secrets.ca_file)


async def resolved(settings: Settings, secrets: Secrets) -> Settings:
    """Return settings with the references in place of which only a value can stand: what seals and what connects is
    taken up at the start and stays until the next one.

    Raises:
        StartRefused: a value cannot be had.
    """
    session_key = await secrets.once(settings.session_key.get_secret_value(), "CHARTER_SESSION_KEY")
    monitor = await secrets.once(
        settings.telemetry.azure_monitor.get_secret_value(), "CHARTER_TELEMETRY__AZURE_MONITOR"
    )
    database = settings.database
    places = {
        "url": await _place(secrets, database.url, "CHARTER_DATABASE_URL"),
        "owner_url": await _place(secrets, database.owner_url, "CHARTER_DATABASE__OWNER_URL"),
    }
    return settings.model_copy(
        update={
            "session_key": SecretStr(session_key),
            "telemetry": settings.telemetry.model_copy(update={"azure_monitor": SecretStr(monitor)}),
            "database": database.model_copy(update=places),
        }
    )


async def _place(secrets: Secrets, url: str, what: str) -> str:
    # An address is no secret as a whole: the embedded server's must stay readable.
    place = await secrets.once(url, what) if is_reference(url) else url
    for password in _passwords(place):
        secrets.tell(password)
    return place


def _passwords(url: str) -> set[str]:
    """Return what is a password in an address of a database: as it stands there, and as the server gets it."""
    parts = urlsplit(url)
    asked = (each.removeprefix("password=") for each in parts.query.split("&") if each.startswith("password="))
    raw = {parts.password or "", *asked}
    return raw | {form for each in raw for form in (unquote(each), unquote_plus(each))}


async def resolved_alone(settings: Settings, told: Told) -> Settings:
    """The same where nothing else needs the vault; with the token of the moment where the database wants one, for work
    that is done at once. Raises as ``resolved``.
    """
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        opened(settings, http, told) as found,
    ):
        return await proved_now(await resolved(settings, found.secrets), found)


async def proved_now(settings: Settings, vault: Opened) -> Settings:
    """Return settings with the token of the moment where the database wants one.

    Raises:
        Unavailable: the identity provider gives none.
    """
    return proved(settings, await DatabaseToken(vault.azure)()) if settings.database.entra else settings


def proved(settings: Settings, token: str) -> Settings:
    """Return settings whose addresses of the database hold this token in place of a password."""
    database = settings.database
    update = {
        name: with_password(url, token)
        for name, url in (("url", database.url), ("owner_url", database.owner_url))
        if url
    }
    return settings.model_copy(update={"database": database.model_copy(update=update)})
