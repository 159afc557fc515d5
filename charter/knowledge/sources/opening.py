"""The sources that settings name, opened as this host."""

import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from pydantic import SecretStr

from charter.errors import StartRefused, Unavailable
from charter.identity.credential import CredentialOf
from charter.identity.issuers import own_issuer
from charter.identity.token_endpoint import TokenEndpoint
from charter.knowledge.sources.blob import BlobSource
from charter.knowledge.sources.folder import roots_of
from charter.knowledge.sources.graph import Graph, Token
from charter.knowledge.sources.sharepoint import SharePointSource
from charter.knowledge.sources.source import DocumentSource
from charter.secrets.store import Live
from charter.settings import Blob, Identity, Origin, Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_MARGIN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who the host is to its sources: its secrets, its identity at Azure, and what it proves itself with in the directory
    (``directory_of``) of a tenant.
    """

    http: aiohttp.ClientSession
    secret_of: Callable[[SecretStr], Live]
    azure: "AsyncTokenCredential"
    credential_of: CredentialOf
    directory_of: Callable[[str], str | None]


def open_sources(settings: Settings, visitor: Visitor, stack: AsyncExitStack) -> list[DocumentSource]:
    """Return all sources of all tenants, folders first; ``stack`` closes them. Nothing is asked yet.

    Raises:
        StartRefused: two of a tenant's have the same name: what was read of one would pass for the other's.
    """
    opened: list[DocumentSource] = [*roots_of(settings)]
    for tenant, places in settings.knowledge.sources.items():
        opened += [_opened(settings, tenant, place, visitor) for place in places]
    for source in opened:
        if sum(source.tenant == other.tenant and source.name == other.name for other in opened) > 1:
            raise StartRefused(
                f"Two sources of {source.tenant} are called {source.name}.",
                action="Name each place once, and the url of each account in CHARTER_KNOWLEDGE__SOURCES.",
            )
        stack.push_async_callback(source.close)
    return opened


def _opened(settings: Settings, tenant: str, place: Origin, visitor: Visitor) -> DocumentSource:
    if isinstance(place, Blob):
        plain = settings.profile == "local"
        return BlobSource(tenant, place, visitor.secret_of(place.secret), visitor.azure, plain=plain)
    graph = Graph(
        visitor.http, settings.knowledge.graph or settings.identity.graph, _token(settings.identity, tenant, visitor)
    )
    return SharePointSource(tenant, place, graph)


def _token(identity: Identity, tenant: str, visitor: Visitor) -> Token:
    """Return what gives a token of the host for Graph in the tenant's own directory, kept until shortly before its end."""
    endpoint = TokenEndpoint(visitor.http)
    held: Mapping[str, float] = {}

    async def token(fresh: bool) -> str:
        nonlocal held
        if not fresh and (known := next(iter(held.items()), None)) and known[1] > time.time():
            return known[0]
        tid = visitor.directory_of(tenant)
        if tid is None:
            raise Unavailable(f"No Entra tenant is known for {tenant}.", action="Name it in CHARTER_IDENTITY__TENANTS.")
        issuer = own_issuer(identity, tid, tenant, visitor.credential_of(identity.client_secret))
        issued = await endpoint.as_host(issuer, identity.graph_scope)
        held = {issued.access_token: time.time() + issued.expires_in - _MARGIN_SECONDS}
        return issued.access_token

    return token
