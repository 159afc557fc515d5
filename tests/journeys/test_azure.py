"""The azure profile at work: no people, no sandboxes and no secret of its own; a managed identity vouches for the host.

The vault is not part of it: Azure's client believes a challenge of the vault's own domain only, which a twin cannot have.
"""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
import yaml

from charter.local import keys, twins
from charter.settings import HOUSE, process_environment
from tests.running import SCRIPT, WAIT_SECONDS, RunningHost, reached

PLUGINS = ("people", "procurement", "service_desk")


async def _database(owner_url: str) -> tuple[str, str]:
    """Make a database and a role that hosts log in as; return the addresses of its owner and of that role."""
    name, login = f"azure_{secrets.token_hex(4)}", f"charter_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(f"create database {name}")
        await connection.execute(f"create role {login} login nosuperuser nobypassrls")
    finally:
        await connection.close()
    head, _, tail = owner_url.partition("?")
    place = f"{head.rpartition('/')[0]}/{name}?{tail}"
    user = urlsplit(owner_url).username or ""
    return place, place.replace(f"//{user}:", f"//{login}:", 1)


@asynccontextmanager
async def _host(folder: Path, child: twins.Twins, owner_url: str) -> AsyncIterator[RunningHost]:
    owner, login = await _database(owner_url)
    tree = {
        "profile": "azure",
        "port": 0,
        "data_dir": str(folder),
        "embedded_model": "off",
        "session_key": keys.fernet_key(folder / "keys", "session").decode(),
        "knowledge": {"at_start": False},
        "database": {"url": login, "owner_url": owner},
        "plugin_urls": dict(child.sandboxes),
        "models": {"standard": {"kind": "scripted", "model": "scripted", "script": str(SCRIPT)}},
        "identity": {
            "authority": child.entra, "graph": f"{child.entra}/graph", "credential": "managed_identity",
            "tenants": {"contoso": "contoso", "fabrikam": "fabrikam"},
        },
    }  # fmt: skip
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(tree))
    machine = {
        "CHARTER_SETTINGS": str(file),
        "IDENTITY_ENDPOINT": f"{child.entra}/msi/token",
        "IDENTITY_HEADER": (folder / "twins" / "entra" / "secrets" / "identity-header").read_text().strip(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.journeys.azure_host", cwd=HOUSE, env={**process_environment(), **machine},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(4 * WAIT_SECONDS):
            while b"Ctrl-C" not in (line := await process.stdout.readline()):
                assert line, "the host did not start"
        async with aiohttp.ClientSession() as http:
            yield await reached(folder, http)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), WAIT_SECONDS)


@pytest.fixture
async def azure(tmp_path: Path, database_url: str) -> AsyncIterator[RunningHost]:
    keys.client_secret(tmp_path / "keys")
    child = await twins.start(
        tmp_path / "twins",
        port=0,
        sandboxes={name: HOUSE / "plugins" / name / "sandbox.py" for name in PLUGINS},
        secret_file=tmp_path / "keys" / "client_secret.key",
    )
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{child.entra}/msi/token") as refused:
            assert refused.status == 401  # the machine's header is made by now
        async with _host(tmp_path, child, database_url) as running:
            yield running
    finally:
        await child.stop()


async def _asked(host: RunningHost, kind: str) -> list[dict]:
    async with host.http.get(f"{host.entra}/_twin/requests?kind={kind}") as response:
        return (await response.json())["items"]


@pytest.mark.promise("azure.works")
async def test_an_order_is_approved_and_placed_as_the_one_who_asked_without_any_secret(azure: RunningHost) -> None:
    run = await azure.ask("alice", "buyer", "Order a standing desk for 1,450 EUR")
    assert run["waiting"]["for"] == "approval"
    decided = await azure.decide("bob", await azure.pending("bob", run["id"]), "approve")
    assert decided.status == 200, decided.body
    done = await azure.settled("alice", run["id"], "completed")
    assert [effect["outcome"] for effect in done["effects"]] == ["done"]
    calls = (await azure.sandbox("procurement", "/_sandbox/calls"))["calls"]
    assert [call["caller"] for call in calls if call["method"] == "POST"] == ["alice"]
    # The identity provider was asked by the host with nothing but the word of its machine.
    vouched = [entry for entry in await _asked(azure, "managed") if entry.get("account") == "charter-host-identity"]
    exchanged = [entry for entry in await _asked(azure, "token") if entry["grant_type"].endswith("jwt-bearer")]
    assert vouched
    assert exchanged
    assert all("refused" not in entry for entry in exchanged)


@pytest.mark.promise("azure.works")
async def test_nobody_is_offered_by_name_and_the_database_binds_the_host(azure: RunningHost) -> None:
    async with azure.http.get(f"{azure.address}/console/sign-in") as response:
        page = await response.text()
    assert "Sign in with Microsoft" in page
    assert "alice" not in page.lower()
    ready = (await azure.call(None, "GET", "/readyz")).body
    assert ready["checks"]["database"]["status"] == "ok"
    assert (await azure.call("frank", "GET", "/v1/agents")).status == 200
