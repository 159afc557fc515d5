import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from charter import errors
from charter.context import Context, Principal
from charter.governance import approvals
from charter.governance.approval import Approval, entitlement, may_see
from charter.governance.gate import Decision
from charter.store.database import Database
from tests.governance.world import LARGE, SMALL, Staff, World, working, world

People = dict[str, Context]


@pytest.fixture(autouse=True)
async def emptied(database: Database) -> AsyncIterator[None]:
    """Leave no open question to the next test."""
    yield
    for tenant in ("contoso", "fabrikam"):
        async with database.tenant_session(tenant) as session:
            await session.execute("update approvals set status = 'cancelled', requester_id = '-', approvers = '{}'")


async def begun(database: Database, ctx: Context) -> str:
    """A run of this person, waiting."""
    run, thread = f"run_{secrets.token_hex(6)}", f"thr_{secrets.token_hex(6)}"
    async with database.session(ctx) as session:
        await session.execute(
            "insert into threads (tenant, id, principal, agent, title) values ($1, $2, $3, 'buyer', 't')",
            ctx.tenant,
            thread,
            ctx.principal.id,
        )
        await session.execute(
            "insert into runs (tenant, id, thread, agent, principal, authority, status, bundle, input, request_digest) "
            "values ($1, $2, $3, 'buyer', $4, '{}', 'waiting', 'sha256:b1', 'i', 'd')",
            ctx.tenant,
            run,
            thread,
            ctx.principal.id,
        )
    return run


async def opened(
    database: Database, ctx: Context, name: str = "create_order", arguments: Any = LARGE, **options: Any
) -> Approval:
    """The gate's question to this call, opened for a new run unless ``run_id`` is given."""
    gate: World = options.pop("gate", None) or world()
    question = await gate.ask(ctx, name, arguments, level=options.pop("level", "yours"))
    run_id = options.pop("run_id", None) or await begun(database, ctx)
    async with database.session(ctx) as session:
        return await approvals.open(
            session, working(ctx), gate.call(name, arguments), question, run_id=run_id, **options
        )


async def decided(
    database: Database, ctx: Context, approval: Approval, decision: str = "approve", **options: Any
) -> Any:
    async with database.session(ctx) as session:
        return await approvals.decide(
            session, ctx, approval.id, decision, options.pop("digest", approval.digest), **options
        )


async def read(database: Database, ctx: Context, approval: Approval) -> Approval:
    async with database.session(ctx) as session:
        return await approvals.get(session, approval.id)


async def test_a_question_shows_the_exact_call_and_why_it_is_asked(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"], influenced_by=["document:d1"], lasts=timedelta(hours=1))
    shown = approval.as_json()
    assert list(shown) == [
        "id", "run_id", "step_id", "status", "function", "arguments", "summary", "reason", "policies", "influenced_by",
        "requester", "approvers", "digest", "expires_at", "decided_by", "decided_at", "comment",
    ]  # fmt: skip
    assert shown["id"].startswith("apr_")
    assert shown["summary"] == "procurement.create_order: item standing desk, total 1,450.00 EUR"
    assert shown["reason"] == "Orders above 1,000 EUR need the manager."
    assert (shown["status"], shown["arguments"], shown["policies"]) == ("pending", LARGE, ["order-large"])
    assert (shown["requester"], shown["approvers"]) == ({"id": "alice", "name": "Alice"}, ["user:bob"])
    assert (shown["influenced_by"], shown["decided_by"], shown["expires_at"][-1]) == (["document:d1"], None, "Z")
    assert timedelta(minutes=59) < approval.expires_at - approval.created_at < timedelta(minutes=61)
    assert await read(database, people["alice"], approval) == approval


async def test_only_a_question_of_the_gate_can_be_opened(database: Database, people: People) -> None:
    gate = world()
    for decision in (Decision("allow", (), ""), Decision("ask", (), "", (), "approval"), Decision("deny", (), "")):
        async with database.session(people["alice"]) as session:
            with pytest.raises(ValueError, match="question"):
                await approvals.open(
                    session, people["alice"], gate.call("create_order", SMALL), decision, run_id="run_x"
                )


@pytest.mark.promise("governance.approval")
async def test_the_managers_approval_lets_the_very_call_through_the_gate(database: Database, people: People) -> None:
    gate = world()
    approval = await opened(database, people["alice"], gate=gate)
    found, changed = await decided(database, people["bob"], approval, comment="Fine.")
    assert (found.status, found.decided_by, found.comment, changed) == ("approved", "bob", "Fine.", True)
    assert found.decided_at >= found.created_at
    decision = await gate.ask(people["alice"], "create_order", LARGE, approval=found)
    assert (decision.outcome, decision.digest) == ("allow", approval.digest)


@pytest.mark.promise("governance.self_approval")
async def test_an_approver_cannot_approve_their_own_request(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    with pytest.raises(errors.SelfApproval):
        await decided(database, people["alice"], approval)


@pytest.mark.promise("governance.self_approval")
async def test_an_approver_cannot_approve_their_own_request_even_with_the_role_that_is_asked(
    database: Database, people: People
) -> None:
    approval = await opened(database, people["bob"], "pay_invoice", {"invoice": "4711"}, gate=world(staff=Staff({})))
    assert approval.approvers == ("role:buyer",)
    for decision in ("approve", "reject"):
        with pytest.raises(errors.SelfApproval):
            await decided(database, people["bob"], approval, decision)
    assert (await read(database, people["bob"], approval)).status == "pending"


async def test_a_role_decides_through_anyone_who_has_it(database: Database, people: People) -> None:
    gate = world()
    approval = await opened(database, people["alice"], "pay_invoice", {"invoice": "4711"}, gate=gate)
    found, _ = await decided(database, people["bob"], approval)
    assert (found.decided_by, found.decided_as) == ("bob", "role:buyer")
    assert (await gate.ask(people["alice"], "pay_invoice", {"invoice": "4711"}, approval=found)).outcome == "allow"


@pytest.mark.promise("governance.approvers")
@pytest.mark.parametrize("name", ["dora", "carol"])
async def test_whoever_is_not_asked_cannot_decide_not_even_an_operator(
    database: Database, people: People, name: str
) -> None:
    approval = await opened(database, people["alice"])
    with pytest.raises(errors.NotAnApprover):
        await decided(database, people[name], approval)
    assert (await read(database, people["alice"], approval)).status == "pending"


@pytest.mark.promise("governance.approvers")
async def test_neither_an_agent_nor_a_workload_decides(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    with pytest.raises(errors.NotAnApprover):
        await decided(database, working(people["bob"]), approval)
    robot = Context("contoso", Principal("bob", "workload", "Bob", frozenset({"buyer"})))
    with pytest.raises(errors.NotAnApprover):
        await decided(database, robot, approval)


@pytest.mark.promise("governance.embedded")
async def test_a_confirmation_is_given_by_the_person_who_asked_and_nobody_else(
    database: Database, people: People
) -> None:
    gate = world()
    approval = await opened(database, people["alice"], arguments=SMALL, gate=gate, level="assistance")
    assert approval.kind == "confirmation"
    with pytest.raises(errors.NotAnApprover, match="Only the person who asked"):
        await decided(database, people["bob"], approval)
    found, _ = await decided(database, people["alice"], approval)
    decision = await gate.ask(people["alice"], "create_order", SMALL, level="assistance", approval=found)
    assert decision.outcome == "allow"


@pytest.mark.promise("governance.digest")
async def test_a_decision_on_another_digest_changes_nothing(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    with pytest.raises(errors.DigestMismatch):
        await decided(database, people["bob"], approval, digest="sha256:other")
    assert (await read(database, people["alice"], approval)).status == "pending"


@pytest.mark.promise("governance.second_click")
async def test_a_second_click_changes_nothing(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    first, _ = await decided(database, people["bob"], approval, comment="one")
    second, changed = await decided(database, people["bob"], approval, comment="two")
    assert (second, changed) == (first, False)
    with pytest.raises(errors.DigestMismatch):
        await decided(database, people["bob"], approval, digest="sha256:other")


@pytest.mark.promise("governance.second_click")
async def test_a_different_decision_comes_too_late(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    await decided(database, people["bob"], approval, "reject")
    with pytest.raises(errors.AlreadyDecided, match="rejected by bob"):
        await decided(database, people["bob"], approval, "approve")
    assert (await read(database, people["alice"], approval)).status == "rejected"


@pytest.mark.promise("governance.second_click")
async def test_the_same_decision_by_another_person_comes_too_late(database: Database, people: People) -> None:
    policy = '@id("a") @ask("role:employee") permit(principal, action, resource);'
    approval = await opened(database, people["alice"], gate=world(policy))
    await decided(database, people["bob"], approval)
    with pytest.raises(errors.AlreadyDecided):
        await decided(database, people["dora"], approval)


@pytest.mark.promise("governance.second_click")
async def test_of_two_decisions_at_once_the_later_sees_the_earlier(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    async with database.session(people["bob"]) as session:
        await approvals.decide(session, people["bob"], approval.id, "approve", approval.digest)
        later = asyncio.create_task(decided(database, people["bob"], approval, "reject"))
        async with asyncio.timeout(10), database.session(people["carol"]) as watch:
            while not await watch.fetchval("select count(*) from pg_locks where not granted"):
                assert not later.done()
    with pytest.raises(errors.AlreadyDecided):
        await later
    assert (await read(database, people["alice"], approval)).status == "approved"


@pytest.mark.promise("governance.expiry")
async def test_after_its_time_an_approval_is_expired_for_everyone_before_anybody_marks_it(
    database: Database, people: People
) -> None:
    approval = await opened(database, people["alice"], lasts=timedelta(seconds=-1))
    assert (await read(database, people["bob"], approval)).status == "expired"
    with pytest.raises(errors.Expired):
        await decided(database, people["bob"], approval)
    async with database.session(people["bob"]) as session:
        assert [one.id for one in (await approvals.listing(session, people["bob"], status="expired"))[0]] == [
            approval.id
        ]
        assert (await approvals.listing(session, people["bob"], status="pending"))[0] == []


@pytest.mark.promise("governance.expiry")
async def test_what_is_due_is_marked_once_and_the_rest_stays(database: Database, people: People) -> None:
    due = await opened(database, people["alice"], lasts=timedelta(seconds=-1))
    fresh = await opened(database, people["alice"], run_id=due.run_id)
    async with database.session(people["alice"]) as session:
        assert [one.id for one in await approvals.expire_of_run(session, due.run_id)] == [due.id]
        assert await approvals.expire_of_run(session, due.run_id) == []
        assert await session.fetchval("select status from approvals where id = $1", due.id) == "expired"
    assert (await read(database, people["alice"], fresh)).status == "pending"
    with pytest.raises(errors.Expired):
        await decided(database, people["bob"], due)


async def test_after_the_runs_cancel_nothing_is_left_to_decide(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    late = await opened(database, people["alice"], run_id=approval.run_id, lasts=timedelta(seconds=-1))
    async with database.session(people["alice"]) as session:
        assert [one.id for one in await approvals.cancel_of_run(session, approval.run_id)] == [approval.id]
        assert [one.status for one in await approvals.of_run(session, approval.run_id)] == ["cancelled", "expired"]
    for decision in ("approve", "reject"):
        with pytest.raises(errors.RunFinished):
            await decided(database, people["bob"], approval, decision)
    assert late.status == "expired"


async def test_a_run_that_has_ended_takes_no_decision_though_its_question_was_left_open(
    database: Database, people: People
) -> None:
    for status in ("cancelled", "failed", "completed"):
        approval = await opened(database, people["alice"])
        async with database.session(people["alice"]) as session:
            await session.execute("update runs set status = $2 where id = $1", approval.run_id, status)
        with pytest.raises(errors.RunFinished):
            await decided(database, people["bob"], approval)


@pytest.mark.promise("governance.tenant")
async def test_another_tenants_approval_is_not_found(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    with pytest.raises(errors.NotFound):
        await read(database, people["mona"], approval)
    with pytest.raises(errors.NotFound):
        await decided(database, people["mona"], approval)
    async with database.session(people["mona"]) as session:
        assert await approvals.listing(session, people["mona"]) == ([], None)
        assert await approvals.of_run(session, approval.run_id) == []


@pytest.mark.promise("governance.tenant")
async def test_the_same_name_in_another_tenant_neither_sees_nor_decides(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    for name in ("bob", "alice", "carol"):
        same = Context("fabrikam", people[name].principal)
        assert not may_see(same, approval)
        assert entitlement(same, approval) is None
        with pytest.raises(errors.NotFound):
            await decided(database, same, approval)


@pytest.mark.parametrize(("name", "seen"), [("alice", True), ("bob", True), ("carol", True), ("dora", False)])
async def test_requester_approvers_and_operators_see_an_approval(
    database: Database, people: People, name: str, seen: bool
) -> None:
    approval = await opened(database, people["alice"])
    assert may_see(people[name], approval) is seen
    async with database.session(people[name]) as session:
        assert (approval in (await approvals.listing(session, people[name]))[0]) is seen


async def test_no_such_approval_is_not_found(database: Database, people: People) -> None:
    async with database.session(people["bob"]) as session:
        with pytest.raises(errors.NotFound):
            await approvals.decide(session, people["bob"], "apr_none", "approve", "sha256:x")


@pytest.mark.parametrize(
    ("decision", "comment"), [("yes", None), ("", None), ("approved", None), ("approve", "x" * 2001), ("approve", "\0")]
)
async def test_a_malformed_decision_is_refused(
    database: Database, people: People, decision: str, comment: str | None
) -> None:
    approval = await opened(database, people["alice"])
    with pytest.raises(errors.InvalidRequest):
        await decided(database, people["bob"], approval, decision, comment=comment)


async def test_the_listing_goes_on_where_the_page_ended_newest_first(database: Database, people: People) -> None:
    made = [(await opened(database, people["alice"])).id for _ in range(5)]
    found: list[str] = []
    cursor = None
    async with database.session(people["bob"]) as session:
        for expected in (2, 2, 1):
            page, cursor = await approvals.listing(session, people["bob"], status="pending", cursor=cursor, limit=2)
            assert len(page) == expected
            found += [one.id for one in page]
        assert (cursor, found) == (None, made[::-1])
        page, cursor = await approvals.listing(session, people["bob"], limit=5)
        assert (len(page), cursor) == (5, None)


@pytest.mark.parametrize(
    "cursor", ["", "x", "bm9uZQ==", "WyJ4IiwieSJd", "WyIyMDI2LTAxLTAxIiwieSJd", "W10=", "e30=", "ümlaut"]
)
async def test_a_foreign_cursor_is_refused(database: Database, people: People, cursor: str) -> None:
    async with database.session(people["bob"]) as session:
        with pytest.raises(errors.InvalidRequest):
            await approvals.listing(session, people["bob"], cursor=cursor)


async def test_an_unknown_status_is_refused(database: Database, people: People) -> None:
    async with database.session(people["bob"]) as session:
        with pytest.raises(errors.InvalidRequest):
            await approvals.listing(session, people["bob"], status="open")


@pytest.mark.promise("governance.audit")
async def test_opening_and_deciding_leave_their_audit_records_once(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"], trace_id="t1")
    await decided(database, people["bob"], approval, comment="Fine.")
    await decided(database, people["bob"], approval)
    async with database.session(people["carol"]) as session:
        rows = await session.fetch("select * from audit where run_id = $1 order by seq", approval.run_id)
    assert [(row["actor"], row["action"], row["digest"]) for row in rows] == [
        ("user:alice", "approval.requested", approval.digest),
        ("user:bob", "approval.decided", approval.digest),
    ]
    assert rows[0]["trace_id"] == "t1"
    assert rows[1]["detail"] | {"status": "approved", "as": "user:bob", "comment": "Fine."} == rows[1]["detail"]


@pytest.mark.promise("governance.audit")
async def test_a_decision_that_cannot_be_audited_is_not_taken(database: Database, people: People) -> None:
    approval = await opened(database, people["alice"])
    with pytest.raises(errors.AuditFailed):
        await decided(database, people["bob"], approval, trace_id=object())
    assert (await read(database, people["alice"], approval)).status == "pending"
