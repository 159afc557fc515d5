import secrets
from dataclasses import replace

import asyncpg
import pytest

from charter.context import Context, Principal
from charter.errors import AuditFailed
from charter.governance import audit
from charter.store.database import Database

People = dict[str, Context]


@pytest.mark.promise("governance.audit")
async def test_a_record_says_who_did_what_under_which_policies(database: Database, people: People) -> None:
    run = f"run_{secrets.token_hex(6)}"
    ctx = replace(people["alice"], agent="buyer", run_id=run, channel="console")
    async with database.session(ctx) as session:
        await audit.record(
            session, ctx, "function.allowed", step_id="stp_1", function="a.b", digest="sha256:d",
            policies=("order-small",), detail={"outcome": "done"}, trace_id="t",
        )  # fmt: skip
        row = await session.fetchrow("select * from audit where run_id = $1", run)
    assert (row["tenant"], row["actor"], row["action"], row["function"]) == (
        "contoso",
        "user:alice",
        "function.allowed",
        "a.b",
    )
    assert (row["policies"], row["step_id"], row["digest"], row["trace_id"]) == (
        ["order-small"],
        "stp_1",
        "sha256:d",
        "t",
    )
    assert row["detail"] == {"agent": "buyer", "channel": "console", "outcome": "done"}


async def test_a_workload_is_recorded_as_one(database: Database) -> None:
    erp = Context("contoso", Principal("erp", "workload", "ERP"))
    async with database.session(erp) as session:
        await audit.record(session, erp, "function.denied", run_id="run_of_erp")
        assert await session.fetchval("select actor from audit where run_id = 'run_of_erp'") == "workload:erp"


@pytest.mark.promise("governance.audit")
@pytest.mark.parametrize("statement", ["update audit set actor = 'user:nobody'", "delete from audit", "truncate audit"])
async def test_no_record_can_be_altered_or_removed(database: Database, people: People, statement: str) -> None:
    async with database.session(people["alice"]) as session:
        await audit.record(session, people["alice"], "function.allowed")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.session(people["alice"]) as session:
            await session.execute(statement)


@pytest.mark.promise("governance.audit")
async def test_a_record_that_cannot_be_written_raises(database: Database, people: People) -> None:
    with pytest.raises(AuditFailed):
        async with database.session(people["alice"]) as session:
            await audit.record(session, people["alice"], "function.allowed", detail={"x": object()})
    with pytest.raises(AuditFailed):
        async with database.session(people["frank"]) as session:
            await audit.record(session, people["alice"], "function.allowed")


@pytest.mark.promise("governance.audit")
async def test_a_failed_record_takes_the_work_of_its_transaction_with_it(database: Database, people: People) -> None:
    async def work() -> None:
        async with database.session(people["alice"]) as session:
            await session.execute(
                "insert into threads (tenant, id, principal, agent, title) values ('contoso', 'thr_undone', 'alice', 'a', 't')"
            )
            await audit.record(session, people["alice"], "function.allowed", detail={"x": object()})

    with pytest.raises(AuditFailed):
        await work()
    async with database.session(people["alice"]) as session:
        assert await session.fetchval("select count(*) from threads where id = 'thr_undone'") == 0
