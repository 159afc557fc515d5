"""The journal: appended under one epoch, folded into steps."""

import pytest

from charter.context import Context
from charter.runs import journal
from charter.runs.journal import Change, Entry, Fenced
from charter.runs.run import new_id
from charter.store.database import Database


async def _run(database: Database, ctx: Context) -> str:
    run_id, thread = new_id("run"), new_id("thr")
    async with database.session(ctx) as session:
        await session.execute(
            "insert into threads (tenant, id, principal, agent, title) values ($1, $2, $3, 'a', 't')",
            ctx.tenant,
            thread,
            ctx.principal.id,
        )
        await session.execute(
            "insert into runs (tenant, id, thread, agent, principal, authority, status, bundle, input, request_digest) "
            "values ($1, $2, $3, 'a', $4, '{}', 'running', 'sha256:0', 'x', '')",
            ctx.tenant,
            run_id,
            thread,
            ctx.principal.id,
        )
    return run_id


@pytest.mark.promise("journal.fence")
async def test_whoever_has_another_epoch_can_record_nothing(database: Database, people: dict[str, Context]) -> None:
    ctx = people["alice"]
    run_id = await _run(database, ctx)
    async with database.session(ctx) as session:
        await journal.append(session, ctx.tenant, run_id, 1, [Entry("run", "running")])
        await session.execute("update runs set epoch = 2 where id = $1", run_id)
    with pytest.raises(Fenced):
        async with database.session(ctx) as session:
            await journal.append(
                session, ctx.tenant, run_id, 1, [Entry("run", "completed")], Change(status="completed")
            )
    async with database.session(ctx) as session:
        assert [row["status"] for row in await journal.entries(session, run_id)] == ["running"]
        assert await session.fetchval("select status from runs where id = $1", run_id) == "running"


async def test_a_step_that_changes_is_one_step_at_the_place_where_it_began(
    database: Database, people: dict[str, Context]
) -> None:
    ctx, one, two = people["alice"], new_id("stp"), new_id("stp")
    run_id = await _run(database, ctx)
    written = [
        Entry("step", "running", step_id=one, type="function", name="p.f", input={"a": 1}),
        Entry("step", "done", step_id=two, type="model", name="m", output={"text": "", "calls": []}),
        Entry("step", "done", step_id=one, type="function", name="p.f", output={"b": 2}),
    ]
    async with database.session(ctx) as session:
        assert await journal.append(session, ctx.tenant, run_id, 1, written) == 3
        first, second = await journal.steps(session, run_id)
    assert (first.id, first.seq, first.status, first.input, first.output) == (one, 1, "done", {"a": 1}, {"b": 2})
    assert (second.id, second.seq) == (two, 2)


async def test_changes_of_one_transaction_add_up() -> None:
    both = Change(model_turns=1, input_tokens=10, status="waiting") | Change(model_turns=1, output_tokens=5)
    assert (both.model_turns, both.input_tokens, both.output_tokens, both.status) == (2, 10, 5, "waiting")
