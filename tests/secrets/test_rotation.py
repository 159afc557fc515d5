"""Secrets and keys rotated while runs go on: none fails, and the new value is in use within five seconds."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.secrets.ground import SECONDS, Load, Vaulted, running_systems, vaulted_host

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
async def vaulted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Vaulted]:
    """One host for all tests here, each of which leaves other keys behind."""
    async with (
        running_systems() as systems,
        vaulted_host(tmp_path_factory.mktemp("vaulted"), systems) as running,
    ):
        yield running


@pytest.mark.promise("secrets.rotation")
async def test_a_rotated_key_is_in_use_within_five_seconds_and_no_run_fails(vaulted: Vaulted) -> None:
    for name, keyed in (("meter-key", vaulted.systems.meter), ("model-key", vaulted.systems.model)):
        async with Load(vaulted) as load:
            new = f"{name}-rotated"
            keyed.accepted.add(new)
            await vaulted.set(name, new)
            rotated = time.monotonic()
            await load.until(lambda keyed=keyed, new=new: keyed.newest() == new)
            first = next(moment for moment, key in keyed.came if key == new)
            assert first - rotated <= SECONDS
            keyed.accepted = {new}
            await load.more(6)
        assert load.failed() == []


@pytest.mark.promise("secrets.rotation")
async def test_a_key_that_stops_counting_at_once_fails_no_run_either(vaulted: Vaulted) -> None:
    for name, keyed in (("meter-key", vaulted.systems.meter), ("model-key", vaulted.systems.model)):
        async with Load(vaulted) as load:
            new = f"{name}-at-once"
            await vaulted.set(name, new)
            keyed.accepted = {new}
            await load.more(6)
        assert load.failed() == []
        assert keyed.newest() == new


@pytest.mark.promise("secrets.rotation")
@pytest.mark.parametrize("withdraw", [False, True])
async def test_a_new_signing_key_is_believed_within_five_seconds_and_no_run_fails(
    vaulted: Vaulted, withdraw: bool
) -> None:
    async with Load(vaulted) as load:
        await vaulted.entra("POST", "keys", {"withdraw": withdraw})
        rotated = time.monotonic()
        newer = await vaulted.host.people.sign_in("bob")
        headers = {"Authorization": f"Bearer {newer}"}
        status = 0
        while status != 200:
            async with vaulted.host.http.get(f"{vaulted.host.address}/v1/agents", headers=headers) as response:
                status = response.status
            assert time.monotonic() - rotated <= SECONDS
            await asyncio.sleep(0.05)
        await load.more(6)
    assert load.failed() == []


@pytest.mark.promise("secrets.rotation")
async def test_a_silent_vault_and_a_silent_key_server_stall_nobody(vaulted: Vaulted) -> None:
    await vaulted.read(41)
    async with Load(vaulted) as load:
        await vaulted.lever("PUT", "faults", {"secrets": "hang"})
        await vaulted.entra("PUT", "faults", {"keys": "hang"})
        try:
            await _asked_in_vain(vaulted)
            async with asyncio.timeout(60):
                await load.more(20)
            ready = (await vaulted.host.call(None, "GET", "/readyz")).body
            assert ready["checks"]["secrets"]["status"] == "ok"
        finally:
            await vaulted.lever("PUT", "faults", {})
            await vaulted.entra("PUT", "faults", {})
        await load.more(3)
    assert load.failed() == []


async def _asked_in_vain(vaulted: Vaulted) -> None:
    """Wait until the vault holds up a look of the host."""
    async with asyncio.timeout(30):
        while not any(entry["status"] == 0 for entry in (await vaulted.lever("GET", "requests"))["items"]):
            await asyncio.sleep(0.05)


@pytest.mark.promise("secrets.outage")
async def test_readiness_counts_the_secrets_that_cannot_be_read_names_none_and_goes_on(vaulted: Vaulted) -> None:
    async with Load(vaulted) as load:
        await vaulted.lever("PUT", "faults", {"secrets": "fail"})
        try:
            async with asyncio.timeout(60):
                while not (told := await _failing(vaulted)):
                    await asyncio.sleep(0.05)
            assert told in {1, 2}
            await load.more(6)
        finally:
            await vaulted.lever("PUT", "faults", {})
        async with asyncio.timeout(60):
            while await _failing(vaulted):
                await asyncio.sleep(0.05)
    assert load.failed() == []


async def _failing(vaulted: Vaulted) -> int:
    answer = await vaulted.host.call(None, "GET", "/readyz")
    assert answer.status == 200
    assert "-key" not in str(answer.body["checks"]["secrets"])
    return answer.body["checks"]["secrets"].get("failing", 0)


@pytest.mark.promise("secrets.terminal")
async def test_a_secret_is_set_and_listed_from_a_terminal_and_never_shown(vaulted: Vaulted) -> None:
    told = await vaulted.host.command("secrets", "set", "from-terminal", "--from-stdin", "--json", said="canary-77\n")
    assert told["reference"] == "keyvault:from-terminal"
    listed = await vaulted.host.command("secrets", "list", "--json")
    assert {"from-terminal", "meter-key", "model-key"} <= {item["name"] for item in listed["items"]}
    assert "canary-77" not in f"{told}{listed}"
