"""Who this host is to Azure's own services: the credential that their unchanged clients are given."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from charter.errors import Unavailable
from charter.identity.credential import HostCredential
from charter.identity.issuers import own_issuer
from charter.identity.token_endpoint import TokenEndpoint
from charter.settings import Identity

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential


class AsApplication:
    """``AsyncTokenCredential`` of the host's application in the Entra tenant of the house's own tenant. Clients keep its
    tokens themselves.
    """

    def __init__(self, endpoint: TokenEndpoint, settings: Identity, credential: HostCredential) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._credential = credential

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: Any,
    ) -> "AccessToken":
        """Return a token for the one scope. A tenant that a service's challenge names is not followed.

        Raises:
            AuthorityLost: the application may not have it.
            Unavailable: the identity provider does not answer, or refuses the host's credentials.
        """
        from azure.core.credentials import AccessToken

        [scope] = scopes
        home = self._settings.home
        tid = next((tid for tid, ours in self._settings.tenants.items() if ours == home), None)
        if tid is None:
            raise Unavailable(
                f"No identity provider is configured for the house's own tenant {home}.",
                action="Name its tenant in CHARTER_IDENTITY__TENANTS, or set CHARTER_IDENTITY__HOME.",
            )
        issued = await self._endpoint.as_host(own_issuer(self._settings, tid, home, self._credential), scope)
        return AccessToken(issued.access_token, int(time.time() + issued.expires_in))

    async def close(self) -> None: ...

    async def __aenter__(self) -> "AsApplication":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...


def managed_identity(settings: Identity) -> "AsyncTokenCredential":
    """Return the machine's managed identity, or the one that settings name by its client id."""
    # Late: the imports cost a third of a second.
    from azure.identity.aio import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=settings.managed_identity or None)


def blocking_identity(settings: Identity) -> "TokenCredential | None":
    """Return the machine's managed identity for a client that works in a thread of its own; nothing where the host's
    credential is another one.
    """
    if settings.credential != "managed_identity":
        return None
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=settings.managed_identity or None)


def azure_credential(
    settings: Identity,
    endpoint: TokenEndpoint,
    credential: HostCredential,
    machine: "Callable[[], AsyncTokenCredential]",
    *,
    secret_in_vault: bool,
) -> "AsyncTokenCredential":
    """Return the host's credential for Azure's clients: a managed identity (``machine``) is itself, all others are the
    application.

    A client secret that lies in the vault cannot open it: then, too, the machine's managed identity does.
    """
    if settings.credential == "managed_identity" or (settings.credential == "secret" and secret_in_vault):
        return machine()
    return AsApplication(endpoint, settings, credential)
