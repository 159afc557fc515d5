from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from charter.context import Context, Principal
from charter.governance.approval import Approval
from charter.governance.decision import Call, Decision, call_digest
from charter.governance.gate import Gate
from charter.governance.labels import TRUSTED
from charter.governance.policy import Policies
from tests.governance.world import FUNCTIONS, LARGE, POLICY, SMALL, TAINTED, Staff, World, working, world

People = dict[str, Context]
CONFIRM = '@id("a") @ask("requester") permit(principal, action, resource);'


def approved(question: Decision, **changes: Any) -> Approval:
    """The approval of a question by the first of those asked, as the database would return it."""
    assert question.kind is not None
    now = datetime.now(UTC)
    approval = Approval(
        tenant="contoso",
        id="apr_1",
        run_id="run_1",
        step_id="stp_1",
        kind=question.kind,
        status="approved",
        function="procurement.create_order",
        arguments=LARGE,
        summary="",
        reason=question.reason,
        policies=question.policies,
        influenced_by=(),
        requester_id="alice",
        requester_name="Alice",
        approvers=question.approvers,
        digest=question.digest,
        created_at=now,
        expires_at=now,
        decided_by=question.approvers[0].partition(":")[2],
        decided_as=question.approvers[0],
        decided_at=now,
    )
    return replace(approval, **changes)


async def resumed(gate: World, ctx: Context, name: str, arguments: Any, **changes: Any) -> Decision:
    question = await gate.ask(ctx, name, arguments)
    assert question.outcome == "ask"
    return await gate.ask(ctx, name, arguments, approval=approved(question, **changes))


@pytest.mark.promise("governance.approval")
async def test_an_approved_call_goes_through_and_names_who_approved(people: People) -> None:
    decision = await resumed(world(), people["alice"], "create_order", LARGE)
    assert (decision.outcome, decision.policies) == ("allow", ("order-large",))
    assert "Approved by bob." in decision.reason


@pytest.mark.promise("governance.digest")
async def test_an_approval_is_worth_nothing_for_a_call_with_another_digest(people: People) -> None:
    decision = await resumed(world(), people["alice"], "create_order", LARGE, digest="sha256:other")
    assert (decision.outcome, "another call" in decision.reason) == ("ask", True)


@pytest.mark.promise("governance.digest")
async def test_an_approval_is_worth_nothing_for_other_arguments(people: People) -> None:
    gate = world()
    question = await gate.ask(people["alice"], "create_order", LARGE)
    other = LARGE | {"total": {"minor": 145_001, "currency": "EUR"}}
    decision = await gate.ask(people["alice"], "create_order", other, approval=approved(question))
    assert decision.outcome == "ask"
    assert decision.digest != question.digest


@pytest.mark.promise("governance.digest")
async def test_an_approval_is_worth_nothing_for_another_requester(people: People) -> None:
    gate = world(staff=Staff({"alice": Principal("bob", "user", "Bob"), "dora": Principal("bob", "user", "Bob")}))
    question = await gate.ask(people["alice"], "create_order", LARGE)
    decision = await gate.ask(people["dora"], "create_order", LARGE, approval=approved(question))
    assert decision.outcome == "ask"


@pytest.mark.promise("governance.digest")
async def test_an_approval_is_worth_nothing_once_a_policy_has_changed(people: People) -> None:
    question = await world().ask(people["alice"], "create_order", LARGE)
    decision = await world(POLICY + "// v2").ask(people["alice"], "create_order", LARGE, approval=approved(question))
    assert decision.outcome == "ask"


@pytest.mark.promise("governance.digest")
def test_the_digest_binds_every_part_of_the_call() -> None:
    order = FUNCTIONS["create_order"]
    bound = {"policy_version": "v", "bundle": "b", "requester": "alice", "tenant": "contoso"}
    digests = [call_digest(order, SMALL, **bound)]
    digests += [call_digest(order, SMALL, **(bound | {name: "x"})) for name in bound]
    digests += [
        call_digest(order, LARGE, **bound),
        call_digest(replace(order, name="other"), SMALL, **bound),
        call_digest(replace(order, effect="read"), SMALL, **bound),
        call_digest(replace(order, parameters={"type": "object"}), SMALL, **bound),
    ]
    assert len(set(digests)) == len(digests)
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in digests)


@pytest.mark.promise("governance.digest")
def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    bound = {"policy_version": "v", "bundle": "b", "requester": "alice", "tenant": "contoso"}
    turned = {"total": {"currency": "EUR", "minor": 4_900}, "item": "desk lamp"}
    assert call_digest(FUNCTIONS["create_order"], SMALL, **bound) == call_digest(
        FUNCTIONS["create_order"], turned, **bound
    )


@pytest.mark.promise("governance.self_approval")
async def test_an_approval_by_the_requester_is_worth_nothing_even_with_the_role(people: People) -> None:
    gate = world(staff=Staff({}))
    bob = people["bob"]
    own = {"decided_by": "bob", "decided_as": "role:buyer", "requester_id": "bob"}
    decision = await resumed(gate, bob, "pay_invoice", {"invoice": "4711"}, **own)
    assert (decision.outcome, "own request" in decision.reason) == ("ask", True)
    other = {"decided_by": "dora", "decided_as": "role:buyer", "requester_id": "bob"}
    assert (await resumed(gate, bob, "pay_invoice", {"invoice": "4711"}, **other)).outcome == "allow"


@pytest.mark.promise("governance.approval")
@pytest.mark.parametrize("status", ["pending", "rejected", "expired", "cancelled"])
async def test_only_an_approved_approval_lets_a_call_through(people: People, status: str) -> None:
    assert (await resumed(world(), people["alice"], "create_order", LARGE, status=status)).outcome == "ask"


@pytest.mark.promise("governance.approval")
@pytest.mark.parametrize("entry", ["user:dora", "role:employee", None])
async def test_an_approval_by_somebody_who_is_not_asked_is_worth_nothing(people: People, entry: str | None) -> None:
    changes = {"decided_as": entry, "decided_by": "dora"}
    assert (await resumed(world(), people["alice"], "create_order", LARGE, **changes)).outcome == "ask"


@pytest.mark.promise("governance.approval")
async def test_an_approval_by_a_manager_who_is_no_longer_the_manager_asks_the_new_one(people: People) -> None:
    staff = Staff({"alice": Principal("bob", "user", "Bob")})
    gate = world(staff=staff)
    question = await gate.ask(people["alice"], "create_order", LARGE)
    staff.managers = {"alice": Principal("mona", "user", "Mona")}
    decision = await gate.ask(people["alice"], "create_order", LARGE, approval=approved(question))
    assert (decision.outcome, decision.approvers) == ("ask", ("user:mona",))


@pytest.mark.promise("governance.approval")
async def test_a_confirmation_counts_only_from_the_person_who_asked(people: People) -> None:
    gate = world(CONFIRM)
    decision = await resumed(gate, people["alice"], "create_order", SMALL)
    assert (decision.outcome, "Confirmed by alice." in decision.reason) == ("allow", True)
    stranger = {"decided_by": "bob", "decided_as": "user:alice"}
    assert (await resumed(gate, people["alice"], "create_order", SMALL, **stranger)).outcome == "ask"


@pytest.mark.promise("governance.approval")
async def test_a_confirmation_does_not_stand_for_an_approval(people: People) -> None:
    gate = world()
    confirmed = approved(await gate.ask(people["alice"], "create_order", SMALL, level="assistance"))
    decision = await gate.ask(people["alice"], "create_order", SMALL, TAINTED, level="assistance", approval=confirmed)
    assert (decision.outcome, decision.kind) == ("ask", "approval")
    forged = replace(confirmed, decided_by="bob", decided_as="user:bob")
    decision = await gate.ask(people["alice"], "create_order", SMALL, TAINTED, level="assistance", approval=forged)
    assert decision.outcome == "ask"


@pytest.mark.promise("governance.approval")
async def test_an_approval_does_not_outlive_the_requesters_permission(people: People) -> None:
    gate = world()
    question = await gate.ask(people["alice"], "create_order", LARGE)
    revoked = replace(people["alice"], principal=replace(people["alice"].principal, roles=frozenset()))
    decision = await gate.ask(revoked, "create_order", LARGE, approval=approved(question))
    assert decision.outcome == "deny"


@pytest.mark.promise("governance.manager")
async def test_a_question_to_a_manager_whom_nobody_has_is_a_denial(people: People) -> None:
    decision = await world(staff=Staff({})).ask(people["alice"], "create_order", LARGE)
    assert (decision.outcome, decision.approvers) == ("deny", ())
    assert decision.public == "Not permitted: A manager has to approve this, and Alice has none."


@pytest.mark.promise("governance.manager")
async def test_a_workload_has_no_manager() -> None:
    erp = Context("contoso", Principal("erp", "workload", "ERP", frozenset({"employee"})))
    staff = Staff({"erp": Principal("bob", "user", "Bob")})
    assert (await world(staff=staff).ask(erp, "create_order", LARGE)).outcome == "deny"


@pytest.mark.promise("governance.trigger_approver")
async def test_where_a_workload_has_no_manager_whom_its_trigger_names_is_asked(people: People) -> None:
    erp = Context("contoso", Principal("erp", "workload", "ERP", frozenset({"employee"})), approver="role:buyer")
    gate = world(staff=Staff({}))
    question = await gate.ask(erp, "create_order", LARGE)
    assert (question.outcome, question.approvers, question.kind) == ("ask", ("role:buyer",), "approval")
    answered = approved(question, decided_as="role:buyer")
    assert (await gate.ask(erp, "create_order", LARGE, approval=answered)).outcome == "allow"
    assert (await gate.ask(replace(erp, approver=None), "create_order", LARGE, approval=answered)).outcome == "deny"


@pytest.mark.promise("governance.trigger_approver")
async def test_a_person_is_never_judged_by_a_triggers_approver(people: People) -> None:
    alice = replace(people["alice"], approver="role:buyer")
    assert (await world().ask(alice, "create_order", LARGE)).approvers == ("user:bob",)


@pytest.mark.promise("governance.self_approval")
async def test_whoever_is_their_own_manager_is_denied(people: People) -> None:
    staff = Staff({"alice": people["alice"].principal})
    decision = await world(staff=staff).ask(people["alice"], "create_order", LARGE)
    assert (decision.outcome, "nobody approves their own" in decision.public) == ("deny", True)


@pytest.mark.promise("governance.self_approval")
async def test_a_policy_that_asks_only_the_requester_for_approval_is_a_denial(people: People) -> None:
    policy = '@id("a") @ask("user:alice") permit(principal, action, resource);'
    assert (await world(policy).ask(people["alice"], "create_order", SMALL)).outcome == "deny"
    assert (await world(policy).ask(people["dora"], "create_order", SMALL)).approvers == ("user:alice",)


@pytest.mark.promise("governance.closed")
@pytest.mark.parametrize("fault", [RuntimeError("boom"), KeyError("x"), TimeoutError(), ValueError("")])
async def test_a_broken_directory_denies(people: People, fault: Exception) -> None:
    decision = await world(staff=Staff({}, broken=fault)).ask(people["alice"], "create_order", LARGE)
    assert (decision.outcome, "directory does not answer" in decision.public) == ("deny", True)


@pytest.mark.promise("governance.closed")
async def test_a_directory_that_never_answers_denies(people: People) -> None:
    decision = await world(staff=Staff({}, stuck=True)).ask(people["alice"], "create_order", LARGE)
    assert (decision.outcome, "directory does not answer" in decision.public) == ("deny", True)


@pytest.mark.promise("governance.closed")
async def test_any_fault_inside_denies_and_is_not_told_to_the_model(people: People) -> None:
    label: Any = object()
    decision = await world().gate.check(
        working(people["alice"]), world().call("create_order", SMALL), label, level="yours"
    )
    assert (decision.outcome, "AttributeError" in decision.reason) == ("deny", True)
    assert decision.public == "Not permitted: the call could not be judged."


@pytest.mark.promise("governance.closed")
async def test_a_broken_approval_allows_nothing(people: People) -> None:
    broken: Any = object()
    assert (await world().ask(people["alice"], "create_order", LARGE, approval=broken)).outcome == "deny"


@pytest.mark.promise("governance.scope")
async def test_an_agent_calls_only_its_own_functions(people: People) -> None:
    gate = world()
    buyer = replace(gate.catalog.agents["buyer"], functions=("procurement.get_order",))
    found = replace(gate.catalog, agents={"buyer": buyer})
    narrow = Gate(found, Policies(found), Staff({}))
    decision = await narrow.check(working(people["alice"]), gate.call("create_order", SMALL), TRUSTED, level="yours")
    assert (decision.outcome, "does not have" in decision.public) == ("deny", True)


@pytest.mark.promise("governance.scope")
@pytest.mark.parametrize("name", [None, "", "nobody"])
async def test_a_call_of_no_agent_of_this_host_is_denied(people: People, name: str | None) -> None:
    ctx = replace(people["alice"], agent=name)
    decision = await world().gate.check(ctx, world().call("create_order", SMALL), TRUSTED, level="yours")
    assert (decision.outcome, "No agent" in decision.public) == ("deny", True)


@pytest.mark.promise("governance.scope")
async def test_the_catalog_says_what_a_function_does_whatever_the_caller_says(people: People) -> None:
    harmless = replace(FUNCTIONS["create_order"], effect="read", parameters={"type": "object"})
    call = Call(harmless, SMALL, "stp_1")
    decision = await world().gate.check(working(people["alice"]), call, TAINTED, level="yours")
    assert decision.outcome == "ask"


@pytest.mark.promise("governance.arguments")
async def test_the_gate_itself_refuses_arguments_that_do_not_fit(people: People) -> None:
    decision = await world().ask(people["alice"], "create_order", SMALL | {"approver": "alice"})
    assert (decision.outcome, "has no argument 'approver'" in decision.public) == ("deny", True)
    decision = await world().ask(people["alice"], "create_order", {"item": 7, "total": SMALL["total"]})
    assert (decision.outcome, "item" in decision.public) == ("deny", True)


async def test_a_step_shows_outcome_policies_and_reason(people: People) -> None:
    decision = await world().ask(people["alice"], "create_order", LARGE)
    assert decision.as_json() == {
        "outcome": "ask",
        "policies": ["order-large"],
        "reason": "Orders above 1,000 EUR need the manager.",
    }
    assert {field.name for field in fields(Decision)} >= {
        "outcome",
        "policies",
        "reason",
        "approvers",
        "kind",
        "digest",
        "public",
    }


async def test_every_judged_call_has_a_digest_whatever_the_outcome(people: People) -> None:
    for name, arguments in (("get_order", {"order_id": "1"}), ("create_order", LARGE)):
        assert (await world().ask(people["alice"], name, arguments)).digest.startswith("sha256:")
    assert (await world(policy="").ask(people["alice"], "create_order", SMALL)).digest.startswith("sha256:")
