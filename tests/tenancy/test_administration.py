"""Tenants are made and changed by operators of the host's home tenant, and by nobody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.running import RunningHost
from tests.tenancy.adatum import Adatum, created, in_directory

TENANTS = "/v1/admin/tenants"


def asked(adatum: Adatum, **more: Any) -> dict[str, Any]:
    return {"id": adatum.id, "name": "Adatum", "directory": adatum.id, **more}


@pytest.mark.promise("tenants.created")
async def test_a_third_tenant_is_created_and_used_while_the_host_runs(host: RunningHost) -> None:
    adatum = await in_directory(host)
    assert (await host.call(adatum.ada, "GET", "/v1/agents")).status == 401
    answer = await host.call("carol", "POST", TENANTS, asked(adatum))
    assert (answer.status, answer.headers["Location"]) == (201, f"{TENANTS}/{adatum.id}")

    run = await host.ask(adatum.ada, "employee_assistant", "How many days of annual leave do I have left?")
    assert run["tenant"] == adatum.id
    waiting = await host.ask(adatum.ada, "buyer", "Order a gong for 1,300 EUR")
    assert (await host.call("bob", "GET", f"/v1/approvals/{waiting['waiting']['approval_id']}")).status == 404
    approval = await host.pending(adatum.max, waiting["id"])
    assert (await host.decide(adatum.max, approval, "approve")).status == 200
    done = await host.settled(adatum.ada, waiting["id"], "completed")
    assert [effect["outcome"] for effect in done["effects"]] == ["done"]


@pytest.mark.promise("tenants.created")
async def test_the_same_request_again_is_the_same_tenant_and_another_one_a_conflict(host: RunningHost) -> None:
    adatum, other = await created(host), await in_directory(host)
    again = await host.call("carol", "POST", TENANTS, asked(adatum, settings={}))
    named = await host.call("carol", "POST", TENANTS, asked(adatum, name="Adatum the second"))
    moved = await host.call("carol", "POST", TENANTS, {**asked(adatum), "id": other.id})
    assert [answer.status for answer in (again, named, moved)] == [200, 409, 409]
    assert moved.body["code"] == "conflict"
    assert (await host.call("carol", "GET", f"{TENANTS}/{other.id}")).status == 404


@pytest.mark.promise("tenants.created")
@pytest.mark.parametrize("directory", ["common", "consumers", "organizations", "9188040d-6c67-4c5b-b112-36a304b66dad"])
async def test_what_is_no_companys_directory_is_refused(host: RunningHost, directory: str) -> None:
    adatum = await created(host)
    body = {"id": f"{adatum.id}-x", "name": "Everybody", "directory": directory}
    for answer in (await host.call("carol", "POST", TENANTS, body), await adatum.change(directory=directory)):
        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/directory")
    assert (await host.call("carol", "GET", f"{TENANTS}/{adatum.id}")).body["directory"] == adatum.id


@pytest.mark.promise("tenants.operators")
async def test_only_operators_of_the_home_tenant_change_tenants(host: RunningHost) -> None:
    adatum, other = await created(host), await created(host)
    own, foreign = f"{TENANTS}/{adatum.id}", f"{TENANTS}/{other.id}"
    for person in ("alice", "bob", adatum.ada):
        for path in (TENANTS, own, f"{own}/export"):
            assert (await host.call(person, "GET", path)).status == 403, (person, path)
    for method, suffix, body in (
        ("PATCH", "", {"name": "Ours"}),
        ("POST", "/suspend", {"reason": "Spite."}),
        ("POST", "/resume", None),
    ):
        assert (await host.call("alice", method, own + suffix, body)).status == 403
        assert (await host.call(adatum.olga, method, own + suffix, body)).status == 403
        assert (await host.call(adatum.olga, method, foreign + suffix, body)).status == 404
    assert (await host.call(adatum.olga, "POST", TENANTS, asked(adatum, id="mine"))).status == 403
    assert (await host.call("carol", "GET", own)).body["name"] == "Adatum"


@pytest.mark.promise("tenants.operators")
async def test_a_tenants_own_operator_reads_their_tenant_and_learns_of_no_other(host: RunningHost) -> None:
    adatum, other = await created(host), await created(host)
    assert [item["id"] for item in (await host.call(adatum.olga, "GET", TENANTS)).body["items"]] == [adatum.id]
    assert (await host.call(adatum.olga, "GET", f"{TENANTS}/{adatum.id}")).status == 200
    for path in (f"{TENANTS}/{other.id}", f"{TENANTS}/{other.id}/export", f"{TENANTS}/contoso", f"{TENANTS}/nobody"):
        assert (await host.call(adatum.olga, "GET", path)).status == 404


@pytest.mark.promise("tenants.operators")
async def test_a_workload_operates_only_when_it_was_given_the_role(host: RunningHost) -> None:
    assert (await host.call("erp", "GET", TENANTS)).status == 403
    erp = f"{host.entra}/_twin/people/erp"
    try:
        await host.http.patch(erp, json={"roles": ["workload", "operator"]})
        host.tokens.pop("erp")
        assert (await host.call("erp", "GET", TENANTS)).status == 200
    finally:
        await host.http.patch(erp, json={"roles": ["workload"]})
        host.tokens.pop("erp")


async def test_tenants_are_listed_in_pages(host: RunningHost) -> None:
    made = {(await created(host)).id, (await created(host)).id}
    found: list[str] = []
    path = f"{TENANTS}?limit=1"
    while path:
        page = (await host.call("carol", "GET", path)).body
        found += [item["id"] for item in page["items"]]
        path = f"{TENANTS}?limit=1&cursor={page['next']}" if page["next"] else ""
    assert found == sorted(set(found))
    assert made | {"contoso", "fabrikam"} <= set(found)


@pytest.mark.promise("tenants.configured")
async def test_settings_are_replaced_field_by_field_and_null_gives_a_field_back_to_the_host(host: RunningHost) -> None:
    adatum = await created(host, agents=["buyer"], per_minute=5)
    changed = (await adatum.change(settings={"knowledge": [], "per_minute": None})).body
    given = {name: value for name, value in changed["settings"].items() if value is not None}
    assert given == {"agents": ["buyer"], "knowledge": []}
    assert (changed["name"], changed["directory"]) == ("Adatum", adatum.id)
    assert (await adatum.change(name="Adatum Ltd")).body["settings"] == changed["settings"]


@pytest.mark.promise("tenants.configured")
@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"agents": ["buyer", "broker"]}, "/settings/agents/1"),
        ({"knowledge": ["secrets"]}, "/settings/knowledge/0"),
        ({"models": ["fast"]}, "/settings/models/0"),
        ({"models": ["best"]}, "/settings/models/0"),
        ({"residency": ["mars"]}, "/settings/residency/0"),
        ({"concurrent": 0}, "/settings/concurrent"),
        ({"colour": "blue"}, "/settings/colour"),
    ],
)
async def test_what_this_host_does_not_have_is_refused_by_its_name(
    host: RunningHost, settings: dict[str, Any], pointer: str
) -> None:
    answer = await host.call("carol", "PATCH", f"{TENANTS}/fabrikam", {"settings": settings})
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, pointer)
    unchanged = (await host.call("carol", "GET", f"{TENANTS}/fabrikam")).body["settings"]
    assert set(unchanged.values()) == {None}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"settings": {"agents": "buyer"}}, "/settings/agents: must be a list."),
        ({"settings": "none"}, "/settings: must be an object."),
        ({"settings": {"colour": "blue"}}, "/settings/colour: there is no such field."),
        ({"directory": "Not One"}, "/directory: has another form than wanted (^[a-z0-9][a-z0-9.-]{0,99}$)."),
    ],
)
async def test_a_body_of_another_shape_is_told_in_plain_words(
    host: RunningHost, fields: dict[str, Any], sentence: str
) -> None:
    assert (await host.call("carol", "PATCH", f"{TENANTS}/fabrikam", fields)).body["detail"] == sentence


async def test_a_refusal_says_what_there_is(host: RunningHost) -> None:
    answer = await host.call("carol", "PATCH", f"{TENANTS}/fabrikam", {"settings": {"agents": ["broker"]}})
    assert "there is buyer, content_writer, employee_assistant, service_desk" in answer.body["detail"]


@pytest.mark.promise("tenants.operators")
async def test_the_home_tenant_can_neither_be_suspended_nor_lose_its_directory(host: RunningHost) -> None:
    suspended = await host.call("carol", "POST", f"{TENANTS}/contoso/suspend", {"reason": "By mistake."})
    moved = await host.call("carol", "PATCH", f"{TENANTS}/contoso", {"directory": None})
    assert (suspended.status, moved.status) == (409, 409)
    assert suspended.body["action"] == "Suspend another tenant, or drain the host."
    assert (await host.call("alice", "GET", "/v1/agents")).status == 200


@pytest.mark.promise("tenants.audited")
async def test_each_change_stands_in_the_audit_of_both_tenants(host: RunningHost) -> None:
    adatum = await created(host)
    await adatum.change(name="Adatum Ltd")
    await adatum.change(name="Adatum Ltd")
    await adatum.suspend("Unpaid.")
    await adatum.resume()
    async with host.inner.service.database.snapshot(adatum.id) as session:
        own = await session.fetch("select actor, action, detail from audit where action like 'tenant.%' order by seq")
    async with host.inner.service.database.snapshot("contoso") as session:
        home = await session.fetch(
            "select actor, action, detail from audit where detail->>'tenant' = $1 order by seq", adatum.id
        )
    assert [row["action"] for row in own] == ["tenant.created", "tenant.changed", "tenant.suspended", "tenant.resumed"]
    assert [tuple(row) for row in own] == [tuple(row) for row in home]
    assert {(row["actor"], row["detail"]["operator_of"]) for row in own} == {("user:carol", "contoso")}
    assert own[1]["detail"]["changed"] == {"name": {"from": "Adatum", "to": "Adatum Ltd"}}


@pytest.mark.promise("tenants.audited")
async def test_what_cannot_be_audited_does_not_happen(host: RunningHost) -> None:
    adatum = await created(host)
    async with _without_audit(host):
        suspended = await adatum.suspend()
        export = await host.call("carol", "GET", f"{TENANTS}/{adatum.id}/export")
        made = await host.call("carol", "POST", TENANTS, {"id": "ghost", "name": "Ghost", "directory": "ghost"})
    assert {(answer.status, answer.body["code"]) for answer in (suspended, export, made)} == {(503, "audit_failed")}
    assert not (await host.call("carol", "GET", f"{TENANTS}/{adatum.id}")).body["suspended"]
    assert (await host.call("carol", "GET", f"{TENANTS}/ghost")).status == 404


@asynccontextmanager
async def _without_audit(host: RunningHost) -> AsyncIterator[None]:
    """While open, the database takes no audit record."""
    connection = await asyncpg.connect(host.inner.settings.database.url)
    await connection.execute("revoke insert on audit from charter_app")
    try:
        yield
    finally:
        await connection.execute("grant insert on audit to charter_app")
        await connection.close()


@pytest.mark.promise("tenants.configured")
async def test_no_tenant_loses_its_directory(host: RunningHost) -> None:
    adatum = await created(host)
    answer = await host.call("carol", "PATCH", f"{TENANTS}/{adatum.id}", {"directory": None})
    assert (answer.status, answer.body["code"]) == (409, "conflict")
    assert "Suspend" in answer.body["action"]
    assert (await host.call("carol", "GET", f"{TENANTS}/{adatum.id}")).body["directory"] == adatum.id
