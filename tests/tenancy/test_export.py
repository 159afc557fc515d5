"""All that is kept of a tenant can be taken out, and nothing of another; a cut export is noticed."""

import hashlib
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from charter.models.chat import Image
from charter.runs import images
from charter.tenancy.export import EXPORTED, KEPT_BACK
from tests.running import RunningHost
from tests.tenancy.adatum import created

TENANTS = "/v1/admin/tenants"


async def _export(host: RunningHost, person: str, tenant: str) -> list[bytes]:
    headers = {"Authorization": f"Bearer {await host.token(person)}"}
    async with host.http.get(f"{host.address}{TENANTS}/{tenant}/export", headers=headers) as response:
        assert (response.status, response.content_type) == (200, "application/x-ndjson")
        return (await response.read()).splitlines(keepends=True)


async def _shown(host: RunningHost, tenant: str, run: dict[str, Any]) -> None:
    """Let the run have an image."""
    assert host.inner is not None
    async with host.inner.service.database.tenant_session(tenant) as session:
        await images.keep(session, tenant, run["id"], [Image("image/gif", b"GIF89a")])


def _rows(lines: list[bytes]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for line in map(orjson.loads, lines[1:-1]):
        found.setdefault(line["table"], []).append(line["row"])
    return found


@pytest.mark.promise("tenants.exported")
async def test_an_export_is_whole_in_key_order_and_of_one_tenant_only(host: RunningHost) -> None:
    adatum = await created(host)
    text = "How many days of annual leave do I have left?"
    run = await host.ask(adatum.ada, "employee_assistant", text)
    await host.ask(adatum.ada, "buyer", "Order a gong for 1,300 EUR")
    await _shown(host, adatum.id, run)
    await _shown(host, "contoso", await host.ask("alice", "buyer", "Order a gong for 1,300 EUR"))
    lines = await _export(host, "carol", adatum.id)

    manifest, end, rows = orjson.loads(lines[0])["manifest"], orjson.loads(lines[-1])["end"], _rows(lines)
    assert (manifest["tenant"], manifest["tables"]) == (adatum.id, list(EXPORTED))
    assert end["sha256"] == hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    assert end["rows"] == {table: len(rows.get(table, [])) for table in EXPORTED}
    assert [row["id"] for row in rows["tenants"]] == [adatum.id]
    assert {row["tenant"] for table, found in rows.items() if table != "tenants" for row in found} == {adatum.id}
    assert run["id"] in {row["id"] for row in rows["runs"]}
    for table, key in (("runs", ("id",)), ("journal", ("run_id", "seq")), ("audit", ("seq",))):
        keys = [tuple(row[part] for part in key) for row in rows[table]]
        assert keys == sorted(keys), table
    assert [row["data"] for row in rows["run_images"]] == [f"\\x{b'GIF89a'.hex()}"]
    assert {"approvals", "effects"} & rows.keys() == {"approvals"}
    assert rows["audit"][-1]["action"] == "tenant.exported"


@pytest.mark.promise("tenants.exported")
async def test_a_suspended_tenant_is_exported_and_its_own_operator_exports_it_too(host: RunningHost) -> None:
    adatum = await created(host)
    own = _rows(await _export(host, adatum.olga, adatum.id))
    await adatum.suspend()
    taken = _rows(await _export(host, "carol", adatum.id))
    assert own["tenants"][0]["id"] == taken["tenants"][0]["id"] == adatum.id
    assert taken["tenants"][0]["suspended"]


@pytest.mark.promise("tenants.exported")
async def test_each_table_with_a_tenant_is_exported_or_kept_back_for_a_reason(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant'"
        )
    finally:
        await connection.close()
    assert EXPORTED.keys() | KEPT_BACK.keys() == {row["table_name"] for row in rows} | {"tenants"}
    assert not EXPORTED.keys() & KEPT_BACK.keys()
    assert all(reason.endswith(".") for reason in KEPT_BACK.values())


@pytest.mark.promise("tenants.exported")
async def test_the_sealed_authority_of_people_is_in_no_export(host: RunningHost) -> None:
    adatum = await created(host)
    await host.ask(adatum.ada, "employee_assistant", "hello")
    async with host.inner.service.database.snapshot(adatum.id) as session:
        sealed = await session.fetch("select sealed from grants")
    exported = b"".join(await _export(host, "carol", adatum.id))
    assert sealed
    assert not [row for row in sealed if row["sealed"].hex().encode() in exported or row["sealed"] in exported]


@pytest.mark.promise("tenants.command")
async def test_the_commands_create_configure_suspend_resume_and_export(host: RunningHost, tmp_path: Path) -> None:
    adatum, file = await created(host), tmp_path / "adatum.ndjson"
    changed = await host.command("tenants", "set", adatum.id, '{"agents": ["buyer"]}', "--json")
    suspended = await host.command("tenants", "suspend", adatum.id, "--reason", "Unpaid.", "--json")
    listed = await host.command("tenants", "list", "--json")
    resumed = await host.command("tenants", "resume", adatum.id, "--json")
    told = await host.command("tenants", "export", adatum.id, "--to", str(file), "--json")
    again = ("create", adatum.id, "--name", "Adatum", "--directory", adatum.id, "--settings", '{"agents": ["buyer"]}')
    created_again = await host.command("tenants", *again, "--json")
    assert (changed["settings"]["agents"], suspended["reason"], resumed["suspended"]) == (["buyer"], "Unpaid.", False)
    assert {item["id"]: item["suspended"] for item in listed["items"]}[adatum.id]
    assert told["rows"]["tenants"] == 1
    assert file.read_bytes().count(b"\n") == sum(told["rows"].values()) + 2
    assert created_again["id"] == adatum.id
