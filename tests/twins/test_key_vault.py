"""The Key Vault twin, asked by Azure's unchanged client and by whoever has no business there."""

import asyncio
import stat
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient as SyncClient
from azure.keyvault.secrets.aio import SecretClient

from tests.secrets.running import VERSION, RunningVault, running_vault
from tests.twins.running import RunningTwin


@pytest.fixture
async def vault(twin: RunningTwin, tmp_path: Path) -> AsyncIterator[RunningVault]:
    async with running_vault(twin, tmp_path / "vaulted") as running:
        yield running


@pytest.fixture
async def client(vault: RunningVault) -> AsyncIterator[SecretClient]:
    await vault.officer()
    async with vault.client() as client:
        yield client


def inner(failure: Any) -> str:
    return failure.value.error.innererror["code"]


@pytest.mark.promise("twins.vault")
async def test_versions_are_kept_and_the_newest_is_given(client: SecretClient) -> None:
    first = await client.set_secret("erp-key", "one", tags={"owner": "erp"}, content_type="text/plain")
    second = await client.set_secret("erp-key", "two")
    newest = await client.get_secret("erp-key")
    assert (newest.value, newest.properties.version) == ("two", second.properties.version)
    older = await client.get_secret("erp-key", first.properties.version)
    assert (older.value, older.properties.tags) == ("one", {"owner": "erp"})
    versions = {each.version async for each in client.list_properties_of_secret_versions("erp-key")}
    assert versions == {first.properties.version, second.properties.version}
    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        await client.get_secret("erp-key", "0" * 32)
    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        await client.get_secret("nobodys")


@pytest.mark.promise("twins.vault")
async def test_lists_come_in_pages(client: SecretClient) -> None:
    for number in range(7):
        await client.set_secret(f"key-{number}", "x")
    pages = client.list_properties_of_secrets(max_page_size=3).by_page()
    sizes = [[each.name async for each in page] async for page in pages]
    assert sizes == [["key-0", "key-1", "key-2"], ["key-3", "key-4", "key-5"], ["key-6"]]


@pytest.mark.promise("twins.vault")
async def test_a_disabled_version_is_refused_and_one_out_of_its_time_only_says_so(client: SecretClient) -> None:
    await client.set_secret("erp-key", "one")
    await client.update_secret_properties("erp-key", enabled=False)
    with pytest.raises(HttpResponseError) as failure:
        await client.get_secret("erp-key")
    assert (failure.value.status_code, inner(failure)) == (403, "SecretDisabled")
    gone = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    changed = await client.update_secret_properties("erp-key", enabled=True, expires_on=gone)
    assert changed.enabled is True
    found = await client.get_secret("erp-key")
    assert (found.value, found.properties.expires_on) == ("one", gone)


@pytest.mark.promise("twins.vault")
async def test_a_deleted_secret_can_be_recovered_until_it_is_purged(client: SecretClient) -> None:
    await client.set_secret("erp-key", "one")
    deleted = await client.delete_secret("erp-key")
    assert deleted.recovery_id is not None
    with pytest.raises(ResourceNotFoundError):
        await client.get_secret("erp-key")
    with pytest.raises(ResourceExistsError) as failure:
        await client.set_secret("ERP-key", "two")
    assert inner(failure) == "ObjectIsDeletedButRecoverable"
    assert [each.name async for each in client.list_deleted_secrets()] == ["erp-key"]
    await client.recover_deleted_secret("erp-key")
    assert (await client.get_secret("erp-key")).value == "one"
    await client.delete_secret("erp-key")
    await client.purge_deleted_secret("erp-key")
    with pytest.raises(ResourceNotFoundError):
        await client.get_deleted_secret("erp-key")
    await client.set_secret("erp-key", "anew")


@pytest.mark.promise("twins.vault")
async def test_the_synchronous_client_is_served_as_well(vault: RunningVault) -> None:
    await vault.officer()
    token = await vault.token()

    class Given:
        def get_token(self, *_: str, **__: Any) -> Any:
            from azure.core.credentials import AccessToken

            return AccessToken(token, int(time.time()) + 600)

    def asked() -> tuple[str | None, list[str | None]]:
        trusting: dict[str, Any] = {"connection_verify": str(vault.ca_file), "verify_challenge_resource": False}
        with SyncClient(vault.url, Given(), **trusting) as client:
            client.set_secret("erp-key", "one")
            value = client.get_secret("erp-key").value
            client.begin_delete_secret("erp-key").wait()
            return value, [each.name for each in client.list_deleted_secrets()]

    assert await asyncio.to_thread(asked) == ("one", ["erp-key"])


@pytest.mark.promise("twins.vault")
async def test_who_brings_no_token_is_told_whose_are_wanted(vault: RunningVault) -> None:
    status, headers, body = await vault.ask("GET", f"/secrets/erp-key/?{VERSION}")
    assert (status, body["error"]["code"]) == (401, "Unauthorized")
    challenge = headers["WWW-Authenticate"]
    assert challenge == f'Bearer authorization="{vault.entra.url}/contoso", resource="https://vault.azure.net"'


@pytest.mark.promise("twins.vault.door")
@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://vault.azure.com"},
        {"aud": "api://charter"},
        {"iss": "https://elsewhere.example/contoso/v2.0"},
        {"exp": 1},
        {"nbf": 32_503_680_000},
        {"tid": None},
        {"oid": None},
    ],
)
async def test_a_token_that_is_not_for_the_vault_opens_nothing(vault: RunningVault, changed: dict[str, Any]) -> None:
    await vault.set("erp-key", "one")
    good = {"aud": "https://vault.azure.net", "oid": "charter-host", "idtyp": "app", "scp": None}
    path = f"/secrets/erp-key/?{VERSION}"
    assert (await vault.ask("GET", path, token=await vault.entra.forge(**good)))[0] == 200
    status, headers, body = await vault.ask("GET", path, token=await vault.entra.forge(**{**good, **changed}))
    assert (status, "WWW-Authenticate" in headers, "value" in body) == (401, True, False)


@pytest.mark.promise("twins.vault.door")
async def test_a_person_a_stranger_and_another_tenants_host_are_refused(vault: RunningVault) -> None:
    await vault.set("erp-key", "one")
    path = f"/secrets/erp-key/?{VERSION}"
    person = await vault.token(grant_type="password", client_id="charter-cli", username="carol")
    stranger = await vault.token(client_id="erp", client_secret=vault.entra.secret("erp"))
    for token in (person, stranger, await vault.entra.forge(aud="https://vault.azure.net", oid="charter-host")):
        status, _, body = await vault.ask("GET", path, token=token)
        assert (status, body["error"]["innererror"]["code"]) == (403, "ForbiddenByRbac")
    elsewhere, _, body = await vault.ask("GET", path, token=await vault.token("fabrikam"))
    assert (elsewhere, "value" in body) == (401, False)


@pytest.mark.promise("twins.vault.door")
async def test_the_host_may_read_and_nothing_more(vault: RunningVault) -> None:
    await vault.set("erp-key", "one")
    async with vault.client() as client:
        assert (await client.get_secret("erp-key")).value == "one"
        assert [each.name async for each in client.list_properties_of_secrets()] == ["erp-key"]
        for forbidden in (
            client.set_secret("erp-key", "two"),
            client.update_secret_properties("erp-key", enabled=False),
            client.delete_secret("erp-key"),
        ):
            with pytest.raises(HttpResponseError) as failure:
                await forbidden
            assert (failure.value.status_code, inner(failure)) == (403, "ForbiddenByRbac")


@pytest.mark.promise("twins.vault")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/secrets/erp-key", None),
        ("GET", "/secrets/erp-key?api-version=1.0", None),
        ("GET", f"/secrets/erp-key?{VERSION}&colour=red", None),
        ("GET", f"/secrets/erp_key?{VERSION}", None),
        ("GET", f"/secrets?{VERSION}&maxresults=26", None),
        ("GET", f"/keys/erp-key?{VERSION}", None),
        ("PUT", f"/secrets/erp-key?{VERSION}", {}),
        ("PUT", f"/secrets/erp-key?{VERSION}", {"value": 1}),
        ("PUT", f"/secrets/erp-key?{VERSION}", {"value": "x", "colour": "red"}),
        ("PUT", f"/secrets/erp-key?{VERSION}", {"value": "x", "attributes": {"enabled": 1}}),
        ("PUT", f"/secrets/erp-key?{VERSION}", {"value": "x" * 25_601}),
        ("PUT", f"/secrets/erp-key?{VERSION}", {"value": "x", "attributes": {"nbf": 20, "exp": 10}}),
        ("PATCH", f"/secrets/erp-key/?{VERSION}", {"value": "x"}),
    ],
)
async def test_what_the_service_does_not_know_is_refused(
    vault: RunningVault, method: str, path: str, body: Any
) -> None:
    await vault.set("erp-key", "one")
    await vault.officer()
    status, _, answer = await vault.ask(method, path, body, token=await vault.token())
    assert (status, answer["error"]["code"]) == (400, "BadParameter")


@pytest.mark.promise("twins.vault.kept")
async def test_what_lies_in_the_vault_survives_a_restart_for_its_owner_alone(twin: RunningTwin, tmp_path: Path) -> None:
    async with running_vault(twin, tmp_path / "vaulted") as vault:
        version = await vault.set("erp-key", "one")
        await vault.set("gone", "x")
        await vault.officer()
        async with vault.client() as client:
            await client.delete_secret("gone")
    async with running_vault(twin, tmp_path / "vaulted") as vault, vault.client() as client:
        found = await client.get_secret("erp-key")
        assert (found.value, found.properties.version) == ("one", version)
        assert [each.name async for each in client.list_deleted_secrets()] == ["gone"]
        for path in vault.folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(vault.folder.stat().st_mode) == 0o700


async def test_it_fails_hangs_and_forbids_on_demand_and_keeps_no_value_in_its_ledger(vault: RunningVault) -> None:
    await vault.set("erp-key", "canary-one")
    async with vault.client() as client:
        for fault, status in (("fail", 503), ("forbidden", 403)):
            await vault.befall(fault)
            with pytest.raises(HttpResponseError) as failure:
                await client.get_secret("erp-key")
            assert failure.value.status_code == status
        await vault.befall("hang")
        late = asyncio.create_task(client.get_secret("erp-key"))
        async with asyncio.timeout(20):
            while (await vault.lever("GET", "requests"))["items"][-1]["status"] != 0:
                await asyncio.sleep(0.02)
        assert not late.done()
        await vault.befall()
        assert (await asyncio.wait_for(late, 20)).value == "canary-one"
    assert "canary-one" not in str(await vault.lever("GET", "requests"))
