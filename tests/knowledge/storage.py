"""A running Azurite: Microsoft's own emulator of Blob Storage, on a free port of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from tests import azurite

ACCOUNT = "devstoreaccount1"
# The emulator's own, published key.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_SECONDS = 30


@dataclass(slots=True)
class Storage:
    """The account. ``process`` can be ended to see what becomes of those who read from it."""

    port: int
    process: asyncio.subprocess.Process
    secure: bool = False

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://localhost:{self.port}/{ACCOUNT}"

    @property
    def connection(self) -> str:
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.url};"

    async def container(self) -> "Container":
        """Make a container of its own for a test."""
        name = f"c{uuid4().hex[:20]}"
        service = BlobServiceClient.from_connection_string(self.connection)
        return Container(name, await service.create_container(name), service)

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), START_SECONDS)


@dataclass(slots=True)
class Container:
    """A container as its owner sees it."""

    name: str
    client: ContainerClient
    service: BlobServiceClient

    async def put(self, name: str, text: str, **metadata: str) -> None:
        await self.client.upload_blob(name, text.encode(), overwrite=True, metadata=metadata or None)

    async def delete(self, name: str) -> None:
        await self.client.delete_blob(name)

    async def close(self) -> None:
        await self.client.close()
        await self.service.close()


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@asynccontextmanager
async def running_storage(
    folder: Path, *, port: int = 0, tls: tuple[Path, Path] | None = None
) -> AsyncIterator[Storage]:
    """Start Azurite; with ``tls`` (certificate and key) as the account of an identity, which believes tokens."""
    found = azurite.find()
    if found is None:
        pytest.skip(azurite.MISSING)
    port = port or free()
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--oauth", "basic", "--cert", str(tls[0]), "--key", str(tls[1])] if tls else []
    process = await asyncio.create_subprocess_exec(
        str(found.node), str(found.program), "--blobHost", "localhost", "--blobPort", str(port), "--location", str(folder),
        "--silent", "--disableTelemetry", "--skipApiVersionCheck", *options,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    storage = Storage(port, process, secure=tls is not None)
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _listens(port):
                assert process.returncode is None, "Azurite did not start"
                await asyncio.sleep(0.05)
        yield storage
    finally:
        await storage.end()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("localhost", port)
    except OSError:
        return False
    writer.close()
    return True
