"""How this host proves to the identity provider that it is itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from charter.errors import StartRefused, Unavailable
from charter.settings import Identity

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

FEDERATED = "api://AzureADTokenExchange/.default"
"""What a managed identity's token must be for, to vouch for an application (workload identity federation)."""

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

LiveSecret = Callable[[bool], Awaitable[str]]
"""Takes whether the value before was refused."""


class HostCredential(Protocol):
    async def fields(self, *, fresh: bool = False) -> Mapping[str, str]:
        """Return what a grant carries beside ``client_id``; ``fresh`` after the identity provider has refused it.

        Raises:
            Unavailable: there is nothing to prove it with just now.
        """
        ...


class ClientSecret:
    """A secret that both sides know (RFC 6749, 2.3.1)."""

    def __init__(self, secret: LiveSecret) -> None:
        self._secret = secret

    async def fields(self, *, fresh: bool = False) -> Mapping[str, str]:
        return {"client_secret": await self._secret(fresh)}


class ManagedIdentity:
    """A token of the machine's managed identity, which the application trusts (RFC 7523, 2.2)."""

    def __init__(self, credential: "AsyncTokenCredential") -> None:
        self._credential = credential

    async def fields(self, *, fresh: bool = False) -> Mapping[str, str]:
        from azure.core.exceptions import AzureError

        try:
            token = await self._credential.get_token(FEDERATED)
        except (AzureError, OSError, ValueError) as fault:
            raise Unavailable("The machine's managed identity gives no token.") from fault
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": token.token}


class WorkloadIdentity:
    """The token that a cluster writes into a file and renews there, read anew each time."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def fields(self, *, fresh: bool = False) -> Mapping[str, str]:
        try:
            token = await asyncio.to_thread(self._file.read_text, "utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise Unavailable(f"The workload identity's token file {self._file} cannot be read.") from fault
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": token.strip()}


CredentialOf = Callable[[SecretStr], HostCredential]
"""Takes the client secret that settings name for a registration; without one the host's own credential vouches."""


def credentials(
    settings: Identity,
    live: Callable[[SecretStr], LiveSecret],
    managed_identity: "Callable[[], AsyncTokenCredential] | None" = None,
) -> CredentialOf:
    """Return how the host proves itself with each registration. ``live`` follows the value of a secret.

    Raises:
        StartRefused: what the host's own credential is made of is not there.
    """
    own = host_credential(settings, live(settings.client_secret), managed_identity)

    def of(secret: SecretStr) -> HostCredential:
        if secret == settings.client_secret or not secret.get_secret_value():
            return own
        return ClientSecret(live(secret))

    return of


def written(secret: SecretStr) -> LiveSecret:
    """Return a secret that stays as it is written."""

    async def value(fresh: bool) -> str:
        return secret.get_secret_value()

    return value


def host_credential(
    settings: Identity, secret: LiveSecret, managed_identity: "Callable[[], AsyncTokenCredential] | None"
) -> HostCredential:
    """Return the credential that settings name. ``secret`` is the value of ``client_secret``, as it is now.

    Raises:
        StartRefused: what it is made of is not there.
    """
    match settings.credential:
        case "secret":
            return ClientSecret(secret)
        case "managed_identity":
            assert managed_identity is not None, "the roof gives it"
            return ManagedIdentity(managed_identity())
        case "workload_identity":
            if settings.federated_token_file is None:
                raise StartRefused(
                    "The host's credential is a workload identity, but no token file is named.",
                    action="Let the cluster set AZURE_FEDERATED_TOKEN_FILE, or set CHARTER_IDENTITY__FEDERATED_TOKEN_FILE.",
                )
            return WorkloadIdentity(settings.federated_token_file)
