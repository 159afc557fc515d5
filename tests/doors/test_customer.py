"""Walter is a customer of contoso: his tokens are another issuer's, and he is a guest of the tenant, not one of it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from charter import settings
from tests.doors.forge import Forge
from tests.running import HOUSE, Answer, RunningHost, running_host

_DRILLS = HOUSE / "tests" / "drills"
_POLICY = """
@id("care-book") permit (principal in Role::"customer", action == Action::"counter.book", resource);
@id("care-count") permit (principal in Role::"customer", action == Action::"counter.count", resource);
@id("care-sign") @ask("role:buyer") permit (principal in Role::"customer", action == Action::"counter.sign", resource);
@id("care-stamp") @ask("manager") permit (principal in Role::"customer", action == Action::"counter.stamp", resource);
@id("own-sign") @ask("role:customer") permit (principal in Role::"employee", action == Action::"counter.sign", resource);
@id("own") permit (principal in Role::"employee", action == Action::"counter.count", resource);
"""
_AGENT = """type: chat_completion_agent
name: {name}
description: Cares for customers.
instructions: instructions.md
model: {{tier: standard}}
charter:
  owner: care@contoso.example
  acts_as: caller
  functions: {functions}
  budget: {{run: {{model_turns: 20, minutes: 5}}}}
"""


@pytest.fixture(scope="module")
async def care(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    """A host with two agents that customers may talk to, and one that is for nobody."""
    folder = tmp_path_factory.mktemp("care")
    shutil.copytree(_DRILLS / "plugins" / "counter", folder / "plugins" / "counter")
    (folder / "plugins" / "counter" / "policy.cedar").write_text(_POLICY)
    for name, functions in (("care", "[counter.*]"), ("greeter", "[counter.count]"), ("staff", "[counter.note]")):
        (folder / "agents" / name).mkdir(parents=True)
        (folder / "agents" / name / "agent.yaml").write_text(_AGENT.format(name=name, functions=functions))
        (folder / "agents" / name / "instructions.md").write_text("Be kind.\n")
    script = settings.Deployment(kind="scripted", model="scripted", script=HOUSE / "tests" / "data" / "drill.yaml")
    chosen: dict[str, Any] = {
        "agents_dirs": str(folder / "agents"),
        "plugins_dirs": str(folder / "plugins"),
        "models": {"standard": script},
    }
    async with running_host(folder / "host", **chosen) as host:
        yield host


@pytest.fixture
def theirs(care: RunningHost) -> Forge:
    """The customers' identity provider, in hostile hands."""
    provider = next(person for person in care.people.all if person.name == "walter")
    assert provider.external == "customers"
    folder = care.folder / "twins" / "customers"
    return Forge.of(folder, _authority(care), "customers", "walter")


def _authority(care: RunningHost) -> str:
    return care.people._identity.external["customers"].authority


async def _with(care: RunningHost, token: str, method: str, path: str, body: Any = None) -> Answer:
    care.tokens["forged"] = token
    return await care.call("forged", method, path, body)


async def _grants(care: RunningHost, authority: str) -> list[tuple[str, str]]:
    """Return what the host asked an identity provider for in somebody's name: the grant, and whose."""
    async with care.http.get(f"{authority}/_twin/requests?kind=token") as response:
        items = (await response.json())["items"]
    asked = [item for item in items if item["client"] == "charter-host" and item["grant_type"] != "password"]
    return [(item["grant_type"].rpartition(":")[2], item.get("account", "")) for item in asked]


async def _agents(care: RunningHost, token: str) -> set[str]:
    return {item["name"] for item in (await _with(care, token, "GET", "/v1/agents")).body["items"]}


@pytest.mark.promise("customers.guest")
async def test_a_customer_is_offered_what_his_one_role_permits_and_no_more(care: RunningHost) -> None:
    assert await _agents(care, await care.token("walter")) == {"greeter", "care"}
    care_agent = (await care.call("walter", "GET", "/v1/agents/care")).body
    assert {f["name"] for f in care_agent["functions"]} == {
        "counter.book", "counter.count", "counter.sign", "counter.stamp",
    }  # fmt: skip
    for name in ("buyer", "employee_assistant", "service_desk", "staff"):
        asked = {"agent": name, "input": "hello"}
        assert (await care.call("walter", "POST", "/v1/runs", asked)).status == 404


@pytest.mark.promise("customers.guest")
async def test_a_customers_runs_are_his_in_the_tenant_whose_guest_he_is(care: RunningHost) -> None:
    run = await care.ask("walter", "greeter", "hello")
    assert run["tenant"] == "contoso"
    assert run["principal"] == {"id": "customers:walter", "type": "user"}
    assert (await care.call("alice", "GET", f"/v1/runs/{run['id']}")).status == 404
    assert (await care.call("mona", "GET", f"/v1/runs/{run['id']}")).status == 404
    assert (await care.call("carol", "GET", f"/v1/runs/{run['id']}")).status == 200


@pytest.mark.promise("customers.claims")
async def test_whatever_roles_and_groups_a_customers_token_claims_count_nothing(
    care: RunningHost, theirs: Forge
) -> None:
    claimed = theirs.signed(roles=["operator", "buyer", "employee", "hr"], groups=["all-employees", "hr"])
    assert await _agents(care, claimed) == {"greeter", "care"}
    run = await care.ask("alice", "greeter", "hello")
    assert (await _with(care, claimed, "GET", f"/v1/runs/{run['id']}")).status == 404
    assert {r["principal"]["id"] for r in (await _with(care, claimed, "GET", "/v1/runs")).body["items"]} <= {
        "customers:walter"
    }
    many = theirs.signed(_claim_names={"groups": "src1"}, _claim_sources={"src1": {"endpoint": "http://127.0.0.1:9"}})
    assert await _agents(care, many) == {"greeter", "care"}


@pytest.mark.promise("customers.claims")
async def test_a_customer_is_no_approver_by_a_role_that_he_claims(care: RunningHost, theirs: Forge) -> None:
    run = await care.ask("walter", "care", "sign claimed")
    assert run["waiting"]["for"] == "approval"
    approval = run["waiting"]["approval_id"]
    seen = (await care.call("bob", "GET", f"/v1/approvals/{approval}")).body
    assert seen["approvers"] == ["role:buyer"]
    said = {"decision": "approve", "digest": seen["digest"]}
    for oid in ("walter", "bob", "other"):
        token = theirs.signed(oid=oid, roles=["buyer", "operator"])
        answer = await _with(care, token, "POST", f"/v1/approvals/{approval}/decision", said)
        assert (answer.status, answer.body["code"]) in {(403, "not_an_approver"), (403, "self_approval")}
    assert (await care.run("walter", run["id"]))["status"] == "waiting"


@pytest.mark.promise("customers.apart")
@pytest.mark.parametrize("oid", ["alice", "carol", "contoso:alice", "customers:walter", "../alice"])
async def test_a_customer_with_an_id_of_the_tenants_own_is_still_somebody_else(
    oid: str, care: RunningHost, theirs: Forge
) -> None:
    run = await care.ask("alice", "greeter", "hello")
    waiting = await care.ask("walter", "care", f"sign as-{oid}")
    other = theirs.signed(oid=oid)
    for path in (f"/v1/runs/{run['id']}", f"/v1/runs/{waiting['id']}"):
        assert (await _with(care, other, "GET", path)).status == 404
    assert (await _with(care, other, "GET", "/v1/runs")).body["items"] == []
    asked = {"agent": "greeter", "input": "hello", "thread": run["thread"]}
    assert (await _with(care, other, "POST", "/v1/runs", asked)).status in {403, 404}


@pytest.mark.promise("customers.apart")
async def test_neither_issuer_speaks_for_the_others_people(care: RunningHost, theirs: Forge) -> None:
    own = Forge.of(care.folder / "twins" / "entra", care.entra, "contoso", "alice")
    for token in (
        theirs.signed(tid="contoso"),
        theirs.signed(iss=f"{care.entra}/contoso/v2.0"),
        theirs.signed(tid="contoso", iss=f"{care.entra}/contoso/v2.0", oid="alice"),
        own.signed(tid="customers"),
        own.signed(tid="customers", iss=f"{theirs.url}/customers/v2.0", oid="walter"),
    ):
        assert (await _with(care, token, "GET", "/v1/agents")).status == 401


@pytest.mark.promise("customers.issuer")
async def test_authority_for_a_customer_is_kept_and_renewed_at_his_own_issuer(care: RunningHost) -> None:
    await care.token("walter")
    own, theirs = care.entra, _authority(care)
    run = await care.ask("walter", "care", "sign renewed")
    assert ("jwt-bearer", "walter") in await _grants(care, theirs)
    before = len(await _grants(care, theirs))
    approval = await care.pending("bob", run["id"])
    assert (await care.decide("bob", approval, "approve")).status == 200
    done = await care.settled("walter", run["id"], "completed")
    later = (await _grants(care, theirs))[before:]
    assert later
    assert set(later) == {("refresh_token", "walter")}
    assert "walter" not in {account for _, account in await _grants(care, own)}
    # The counting house believes contoso's own provider alone, so nothing was signed, and that is what he is told.
    assert [effect["outcome"] for effect in done["effects"]] != ["done"]


@pytest.mark.promise("customers.issuer")
async def test_a_customer_whom_his_issuer_no_longer_knows_can_do_nothing_more(care: RunningHost) -> None:
    run = await care.ask("walter", "care", "sign lost")
    approval = await care.pending("bob", run["id"])
    authority = _authority(care)
    await care.http.patch(f"{authority}/_twin/people/walter", json={"disabled": True})
    try:
        assert (await care.decide("bob", approval, "approve")).status == 200
        async with asyncio.timeout(30):
            while (ended := await care.run("walter", run["id"]))["status"] not in {"failed", "completed"}:
                await asyncio.sleep(0.1)
    finally:
        await care.http.patch(f"{authority}/_twin/people/walter", json={"disabled": False})
    assert (ended["status"], ended["error"]["code"]) == ("failed", "authority_lost")
    rows = (await care.sandbox("counter", "/_sandbox/ledger"))["rows"]
    assert [row for row in rows if row["mark"] == "lost"] == []


async def test_a_customer_has_no_manager_so_nobody_can_be_asked_in_his_place(care: RunningHost) -> None:
    run = await care.ask("walter", "care", "stamp unmanaged")
    assert run["status"] == "completed"
    [step] = [step for step in await care.timeline("walter", run["id"]) if step["type"] == "function"]
    assert step["status"] == "denied"


async def test_a_role_of_customers_that_a_policy_names_may_decide(care: RunningHost) -> None:
    """The control: his one role is a role like others, where a policy names it."""
    run = await care.ask("alice", "care", "sign asked")
    approval = await care.pending("walter", run["id"])
    assert approval["approvers"] == ["role:customer"]
    assert (await care.decide("walter", approval, "reject")).status == 200


async def test_the_console_offers_a_customer_to_sign_in(care: RunningHost) -> None:
    async with care.http.get(f"{care.address}/console/sign-in") as response:
        assert response.status == 200
        assert 'value="walter"' in await response.text()
