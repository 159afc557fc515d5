"""Many parked runs in little time: a few are really parked through the door, then all of their rows are copied.

A copy has a run, thread and approval of its own, a journal, and the engine's delayed segment; only the ids differ.
"""

import asyncpg

from tests.drills.ground import Ground

_TABLES = ("threads", "runs", "journal", "effects", "approvals")
_ENGINE = ("workflow_status", "workflow_input")
_PLAN = """
create temp table plan on commit drop as
select r.id as run, r.thread, a.id as approval, 'run_' || md5('run' || n || r.id) as new_run,
    'thr_' || md5('thr' || n || r.id) as new_thread, 'apr_' || left(md5('apr' || n || r.id), 24) as new_approval
from (select id, thread, row_number() over (order by id) - 1 as place from runs where id = any($1)) r
join approvals a on a.run_id = r.id and a.status = 'pending'
join generate_series(0, $2 - 1) n on n % $3 = r.place
"""
_COPY = """
insert into {table} select copy.* from {table} t join plan p on {own}
cross join lateral jsonb_populate_record(null::{table}, replace(replace(replace(to_jsonb(t)::text,
    p.run, p.new_run), p.thread, p.new_thread), p.approval, p.new_approval)::jsonb) copy
"""
_OWN = {"threads": "t.id = p.thread", "runs": "t.id = p.run"}


async def multiply(here: Ground, runs: list[str], amount: int) -> None:
    """Add ``amount`` copies of the parked ``runs``; no host may be at work meanwhile."""
    connection = await asyncpg.connect(here.postgres.url)
    try:
        async with connection.transaction():
            # What is copied was checked when it was written first; and nobody listens yet.
            await connection.execute("set local session_replication_role = replica")
            await connection.execute("set local work_mem = '64MB'")
            await connection.execute(_PLAN.replace("$1", "$1::text[]"), runs, amount, len(runs)) if False else None
            await _plan(connection, runs, amount)
            for table in _TABLES:
                own = _OWN.get(table, "t.run_id = p.run")
                await connection.execute(_COPY.format(table=table, own=own))
            for table in _ENGINE:
                own = "split_part(t.workflow_uuid, ':', 1) = p.run"
                await connection.execute(_COPY.format(table=f"dbos.{table}", own=own))
        await connection.execute("analyze")
    finally:
        await connection.close()
