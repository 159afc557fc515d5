"""One suite for every ``SecretStore``: in memory, the Key Vault twin through Azure's client, and the service itself.

The service is asked where ``CHARTER_CONTRACT_AZURE=1`` and ``CHARTER_CONTRACT_VAULT_URL`` names a vault in which whoever
runs this may set, read and delete secrets (with what ``DefaultAzureCredential`` finds).
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.keyvault.secrets.aio import SecretClient

from charter.secrets.key_vault import KeyVault
from charter.secrets.memory import MemoryStore
from charter.secrets.store import SecretRefused, SecretStore
from tests.secrets.running import running_vault
from tests.twins.running import RunningTwin, http, signing_keys, twin

__all__ = ["http", "signing_keys", "twin"]


@dataclass
class Kept:
    """A store, and a way to put something into it."""

    store: SecretStore
    client: SecretClient | None = None

    async def set(self, name: str, value: str, *, enabled: bool = True, expires: datetime | None = None) -> str:
        if self.client is None:
            assert isinstance(self.store, MemoryStore)
            moment = expires.timestamp() if expires else None
            return self.store.set(name, value, enabled=enabled, expires=moment).version
        made = await self.client.set_secret(name, value, enabled=enabled, expires_on=expires)
        return made.properties.version or ""

    async def drop(self, name: str) -> None:
        if self.client is None:
            assert isinstance(self.store, MemoryStore)
            self.store.drop(name)
        else:
            await self.client.delete_secret(name)


@pytest.fixture(params=["memory", "twin", "azure"])
async def kept(request: pytest.FixtureRequest, twin: RunningTwin, tmp_path: Path) -> AsyncIterator[Kept]:
    async with AsyncExitStack() as stack:
        yield await _opened(request.param, twin, tmp_path, stack)


async def _opened(kind: str, entra: RunningTwin, tmp_path: Path, stack: AsyncExitStack) -> Kept:
    if kind == "memory":
        return Kept(MemoryStore())
    if kind == "twin":
        vault = await stack.enter_async_context(running_vault(entra, tmp_path / "vaulted"))
        await vault.officer()
        store = KeyVault(vault.url, vault.credential(), twin=True, ca_file=vault.ca_file)
        stack.push_async_callback(store.close)
        return Kept(store, await stack.enter_async_context(vault.client()))
    url = os.environ.get("CHARTER_CONTRACT_VAULT_URL", "")
    if os.environ.get("CHARTER_CONTRACT_AZURE") != "1" or not url:
        pytest.skip("the service itself: set CHARTER_CONTRACT_AZURE=1 and CHARTER_CONTRACT_VAULT_URL")
    from azure.identity.aio import DefaultAzureCredential

    credential = await stack.enter_async_context(DefaultAzureCredential())
    store = KeyVault(url, credential)
    stack.push_async_callback(store.close)
    return Kept(store, await stack.enter_async_context(SecretClient(url, credential)))


@pytest.fixture
def name() -> str:
    return f"charter-contract-{uuid.uuid4().hex[:12]}"


@pytest.mark.promise("secrets.contract")
async def test_the_newest_version_is_read_and_any_other_by_its_name(kept: Kept, name: str) -> None:
    first = await kept.set(name, "one")
    second = await kept.set(name, "two")
    newest = await kept.store.read(name)
    assert (newest.name, newest.value, newest.version) == (name, "two", second)
    assert (await kept.store.read(name, first)).value == "one"


@pytest.mark.promise("secrets.contract")
async def test_what_is_not_there_is_refused_by_name(kept: Kept, name: str) -> None:
    with pytest.raises(SecretRefused, match=f"no secret {name}"):
        await kept.store.read(name)
    await kept.set(name, "one")
    await kept.drop(name)
    with pytest.raises(SecretRefused, match=f"no secret {name}"):
        await kept.store.read(name)


@pytest.mark.promise("secrets.contract")
async def test_what_is_disabled_or_expired_is_refused(kept: Kept, name: str) -> None:
    await kept.set(name, "one", enabled=False)
    with pytest.raises(SecretRefused, match="disabled"):
        await kept.store.read(name)
    await kept.set(name, "two", expires=datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(SecretRefused, match="expired"):
        await kept.store.read(name)
    await kept.set(name, "three", expires=datetime.now(UTC) + timedelta(hours=1))
    assert (await kept.store.read(name)).value == "three"
