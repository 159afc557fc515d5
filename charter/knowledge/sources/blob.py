"""Azure Blob Storage: the blobs of a container, or those below a prefix, through Azure's own client."""

from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from charter.errors import Unavailable
from charter.knowledge.acl import readers_of
from charter.knowledge.sources.arranging import LARGEST, Entry, arranged
from charter.knowledge.sources.source import Fetched, Item, Listing, SourceIncomplete, Terms
from charter.secrets.store import Live
from charter.settings import Blob

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.blob import BlobProperties
    from azure.storage.blob.aio import ContainerClient

_SECONDS = 20
_READERS = "readers"
_NAMED = frozenset({_READERS, "reader"})
"""The blob's own metadata that may say who may read it, separated by commas."""


class BlobSource:
    """A container. ``secret`` is as new as the vault's; empty: the host's identity. ``plain``: an emulator on this machine
    may be spoken to without encryption.
    """

    kind = "blob"

    def __init__(
        self, tenant: str, settings: Blob, secret: Live, identity: "AsyncTokenCredential", *, plain: bool = False
    ) -> None:
        self.tenant = tenant
        self.terms = Terms(settings.readers, settings.integrity)
        self._settings = settings
        self._secret = secret
        self._identity = identity
        self._plain = plain
        self._opened: tuple[str, ContainerClient] | None = None
        self._prefix = settings.prefix.strip("/") + "/" if settings.prefix.strip("/") else ""
        account = urlsplit(settings.url).hostname if settings.url else "account"
        self.name = f"{account}/{settings.container}/{self._prefix}".rstrip("/")

    async def look(self) -> Listing:
        with _told():
            client = await self._client()
            # A sidecar may come on another page than its document: nothing is a document before all are there.
            entries = [entry async for entry in self._entries(client)]
        return arranged(self.tenant, self.name, self._settings.collection, entries)

    async def read(self, item: Item) -> Fetched:
        with _told():
            client = await self._client()
            names = (item.key, item.sidecar, item.common)
            body, sidecar, common = [
                await self._downloaded(client, name, item if name == item.key else None) if name else None
                for name in names
            ]
            assert body is not None
            return Fetched(body, sidecar, common)

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened[1].close()
            self._opened = None

    async def _entries(self, client: "ContainerClient") -> "AsyncIterator[Entry]":
        listed: Any = client.list_blobs(name_starts_with=self._prefix or None, include=["metadata"])
        blob: BlobProperties
        async for blob in listed:
            path = str(blob.name).removeprefix(self._prefix)
            # Where a store has real folders, they are listed, too.
            if path and not (blob.metadata or {}).get("hdi_isfolder"):
                yield _entry(path, blob)

    async def _downloaded(self, client: "ContainerClient", name: str, item: Item | None) -> bytes:
        """Return what a blob holds; of a document (``item``) only if it has the readers yet that it was listed with."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            stream: Any = await client.download_blob(name)
            if stream.size > LARGEST:
                raise OSError("it has become too large")
            # The whole of it came in this answer, with the readers of just that.
            if item is not None and _readers(stream.properties.metadata) != (item.readers, ""):
                raise OSError("its readers were changed at this moment")
            return await stream.readall()
        except ResourceNotFoundError as fault:
            raise FileNotFoundError("it, or a file of its fields, is gone") from fault

    async def _client(self) -> "ContainerClient":
        """Return the client, a new one where the secret is another one."""
        secret = await self._secret(False)
        if self._opened is None or self._opened[0] != secret:
            await self.close()
            self._opened = (secret, self._made(secret))
        return self._opened[1]

    def _made(self, secret: str) -> "ContainerClient":
        # Late: the client's imports cost a third of a second.
        from azure.core.credentials import AzureSasCredential
        from azure.storage.blob.aio import ContainerClient

        options: dict[str, Any] = {
            "connection_timeout": _SECONDS,
            "read_timeout": _SECONDS,
            "retry_total": 2,
            "initial_backoff": 1,
        }
        container = self._settings.container
        if "=" in secret and ";" in secret:
            client: ContainerClient = ContainerClient.from_connection_string(secret, container, **options)
        else:
            credential = AzureSasCredential(secret.lstrip("?")) if secret else self._identity
            client = ContainerClient(self._settings.url, container, credential=credential, **options)
        if not self._plain and not client.url.startswith("https://"):
            raise SourceIncomplete("its address is not encrypted")
        return client


@contextmanager
def _told() -> Generator[None]:
    """Turn the faults of Azure's client into ours."""
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        yield
    except HttpResponseError as fault:
        raise _refused(fault.status_code) from fault
    except (AzureError, ValueError) as fault:
        raise SourceIncomplete("the account does not answer") from fault
    except Unavailable as fault:
        raise SourceIncomplete(fault.detail, action=fault.action) from fault


def _entry(path: str, blob: "BlobProperties") -> Entry:
    readers, wrong = _readers(blob.metadata)
    return Entry(path, str(blob.etag), int(blob.size or 0), key=str(blob.name), readers=readers, wrong=wrong)


def _readers(metadata: Mapping[str, str] | None) -> tuple[tuple[str, ...] | None, str]:
    """Return the readers that a blob names, ``None`` where it names none, and what is wrong with them."""
    said = {name: words for name, words in (metadata or {}).items() if name.strip().casefold() in _NAMED}
    if not said:
        return None, ""
    # Names of metadata are the same in any case: the account tells them as they were written.
    if [name.casefold() for name in said] != [_READERS]:
        return None, f"its metadata says {', '.join(sorted(said))[:80]}; write {_READERS}, once"
    try:
        return readers_of([word.strip() for word in "".join(said.values()).split(",") if word.strip()]), ""
    except ValueError as fault:
        return None, str(fault)


def _refused(status: int | None) -> SourceIncomplete:
    if status in (401, 403):
        return SourceIncomplete(
            "the account does not let this host read it",
            action="Give the host's identity the role Storage Blob Data Reader, or renew the secret.",
        )
    if status == 404:
        return SourceIncomplete("there is no such container")
    return SourceIncomplete("the account cannot serve now")
