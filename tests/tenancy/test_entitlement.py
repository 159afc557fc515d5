"""What operators set for a tenant counts at once: agents, knowledge, models, regions and limits."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from charter import settings
from charter.context import Context
from charter.errors import Forbidden, NotFound, TenantSuspended
from charter.store.database import Database
from charter.store.tenants import Tenants
from charter.tenancy.entitlement import Entitlement
from tests.channels.cited import QUESTION
from tests.running import SCRIPT, RunningHost, running_host
from tests.tenancy.adatum import Adatum, created

MODELS = {
    "standard": (settings.Deployment(kind="scripted", model="scripted", script=SCRIPT, region="westeurope"),),
    "fast": (settings.Deployment(kind="scripted", model="scripted", script=SCRIPT, region="eastus"),),
}
HELLO = {"agent": "employee_assistant", "input": "hello"}


@pytest.fixture(scope="module")
async def regional(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    """A host whose tiers are in different regions."""
    async with running_host(tmp_path_factory.mktemp("regional"), models=MODELS) as host:
        yield host


async def _resumed(host: RunningHost, adatum: Adatum, **changed: Any) -> dict[str, Any]:
    """Let an order wait for its approval, change the settings, approve, and return the run as it ended."""
    run = await host.ask(adatum.ada, "buyer", "Order a gong for 1,300 EUR")
    approval = await host.pending(adatum.max, run["id"])
    assert (await adatum.change(settings=changed)).status == 200
    assert (await host.decide(adatum.max, approval, "approve")).status == 200
    failed = await host.settled(adatum.ada, run["id"], "failed")
    assert (failed["error"]["code"], failed["effects"]) == ("forbidden", [])
    async with host.http.get(
        f"{host.address}/v1/admin/tenants/{adatum.id}/export",
        headers={"Authorization": f"Bearer {await host.token('carol')}"},
    ) as response:
        assert '"run.refused"' in await response.text()
    return failed


@pytest.mark.promise("tenants.agents")
async def test_an_agent_that_is_not_allowed_is_not_there(host: RunningHost) -> None:
    adatum = await created(host, agents=["buyer"])
    agents = (await host.call(adatum.ada, "GET", "/v1/agents")).body["items"]
    models = (await host.call(adatum.ada, "GET", "/v1/models")).body["data"]
    assert ([agent["name"] for agent in agents], [model["id"] for model in models]) == (["buyer"], ["buyer"])
    assert (await host.call(adatum.ada, "GET", "/v1/agents/employee_assistant")).status == 404
    started = await host.call(adatum.ada, "POST", "/v1/runs", HELLO)
    asked = await host.call(adatum.ada, "POST", "/v1/responses", {"model": HELLO["agent"], "input": "hello"})
    assert (started.status, asked.status) == (404, 404)
    assert (await host.call("alice", "GET", "/v1/agents/employee_assistant")).status == 200


@pytest.mark.promise("tenants.agents")
async def test_a_run_that_waits_ends_refused_when_its_agent_is_forbidden_meanwhile(host: RunningHost) -> None:
    failed = await _resumed(host, await created(host), agents=["employee_assistant"])
    assert "may not use the agent buyer" in failed["error"]["detail"]


@pytest.mark.promise("tenants.models")
async def test_a_tier_that_is_not_allowed_is_refused_at_the_start_and_at_a_resume(regional: RunningHost) -> None:
    adatum = await created(regional, models=["fast"])
    answer = await regional.call(adatum.ada, "POST", "/v1/runs", HELLO)
    assert (answer.status, answer.body["code"]) == (403, "forbidden")
    assert "the tier standard" in answer.body["detail"]
    await adatum.change(settings={"models": None})
    assert "the tier standard" in (await _resumed(regional, adatum, models=["fast"]))["error"]["detail"]


@pytest.mark.promise("tenants.residency")
async def test_a_tenant_with_a_residency_is_served_by_models_of_its_regions_only(regional: RunningHost) -> None:
    adatum = await created(regional, residency=["westeurope"])
    assert (await regional.ask(adatum.ada, HELLO["agent"], HELLO["input"]))["status"] == "completed"
    await adatum.change(settings={"residency": ["eastus"]})
    answer = await regional.call(adatum.ada, "POST", "/v1/runs", HELLO)
    assert (answer.status, answer.body["code"]) == (403, "forbidden")
    await adatum.change(settings={"residency": None})
    assert (
        "your organisation's data may go" in (await _resumed(regional, adatum, residency=["eastus"]))["error"]["detail"]
    )


@pytest.mark.promise("tenants.knowledge")
async def test_a_collection_that_is_not_allowed_answers_nothing_and_opens_nothing(
    host: RunningHost, people: dict[str, Context]
) -> None:
    await host.library_read()
    path = "/v1/admin/tenants/fabrikam"
    cited = await host.ask("frank", HELLO["agent"], QUESTION)
    place = cited["output"]["citations"][0]
    assert await host.inner.service.passage(people["frank"], place["document_id"], place["passage_id"])
    try:
        await host.call("carol", "PATCH", path, {"settings": {"knowledge": ["hr-policies"]}})
        trimmed = await host.ask("frank", HELLO["agent"], QUESTION)
        with pytest.raises(NotFound):
            await host.inner.service.passage(people["frank"], place["document_id"], place["passage_id"])
    finally:
        await host.call("carol", "PATCH", path, {"settings": {"knowledge": None}})
    assert trimmed["output"]["citations"] == []
    assert trimmed["output"]["text"].startswith("Nothing that you may read")
    assert (await host.ask("frank", HELLO["agent"], QUESTION))["output"]["citations"]


@pytest.mark.promise("tenants.limits")
async def test_a_tenants_own_limits_stand_in_place_of_the_hosts(host: RunningHost) -> None:
    adatum = await created(host, per_minute=1)
    assert (await host.ask(adatum.ada, HELLO["agent"], HELLO["input"]))["status"] == "completed"
    refused = await host.call(adatum.ada, "POST", "/v1/runs", HELLO)
    assert (refused.status, refused.body["code"]) == (429, "rate_limited")
    await adatum.change(settings={"per_minute": None, "concurrent": 1, "queue_limit": 0})
    slow = {"agent": HELLO["agent"], "input": "think for a while"}
    await host.token(adatum.max)
    first = await host.call(adatum.ada, "POST", "/v1/runs", slow)
    second = await host.call(adatum.max, "POST", "/v1/runs", HELLO)
    assert (first.body["status"], second.status, second.body["code"]) == ("running", 429, "queue_full")
    assert (await host.ask("frank", HELLO["agent"], HELLO["input"]))["status"] == "completed"


@pytest.fixture
async def entitlement(database: Database) -> Entitlement:
    """The rules over rows that no operator's door would write."""
    rows = {
        "odd": '{"agents": "all"}',
        "newer": '{"colour": "blue"}',
        "resident": '{"residency": ["westeurope"]}',
    }
    async with database.crossing() as session:
        for tenant, text in rows.items():
            await session.execute(
                "insert into tenants (id, settings) values ($1, ($2::text)::jsonb) on conflict do nothing", tenant, text
            )
    tenants = Tenants(database)
    await tenants.read()
    return Entitlement(tenants, {"standard": (settings.Deployment(kind="scripted"),)})


@pytest.mark.promise("tenants.closed")
async def test_settings_that_cannot_be_read_and_unknown_tenants_close_everything(
    entitlement: Entitlement, buyer: Any
) -> None:
    for tenant in ("odd", "newer", "nobody"):
        assert not entitlement.agent(tenant, "buyer")
        assert entitlement.collections(tenant, ["hr-policies"]) == []
    for tenant in ("odd", "newer"):
        with pytest.raises(Forbidden):
            entitlement.check(tenant, buyer)
    assert not entitlement.served("nobody")
    with pytest.raises(TenantSuspended):
        entitlement.check("nobody", buyer)


@pytest.mark.promise("tenants.residency")
async def test_a_model_that_does_not_say_where_it_computes_serves_no_residency(
    entitlement: Entitlement, buyer: Any
) -> None:
    entitlement.check("contoso", buyer)
    with pytest.raises(Forbidden, match="data may go"):
        entitlement.check("resident", buyer)


@pytest.fixture
def buyer() -> Any:
    from charter.catalog.check import check

    tree = settings.read()
    catalog, _ = check(tree.agent_folders, tree.plugin_folders)
    assert catalog is not None
    return catalog.agents["buyer"]


@pytest.mark.promise("tenants.closed")
async def test_settings_that_cannot_be_read_are_only_replaced_as_a_whole(host: RunningHost) -> None:
    adatum = await created(host)
    async with host.inner.service.database.crossing() as session:
        await session.execute('update tenants set settings = \'{"agents": "all"}\' where id = $1', adatum.id)
    shown = (await host.call("carol", "GET", f"/v1/admin/tenants/{adatum.id}")).body
    assert shown["unreadable"]
    assert (await host.call(adatum.ada, "GET", "/v1/agents")).body["items"] == []
    part = await adatum.change(settings={"agents": ["buyer"]})
    assert (part.status, "models" in part.body["action"]) == (409, True)
    whole = await adatum.change(settings=dict.fromkeys(shown["settings"]))
    assert (whole.status, whole.body["unreadable"]) == (200, False)
    assert (await host.call(adatum.ada, "GET", "/v1/agents")).body["items"]
