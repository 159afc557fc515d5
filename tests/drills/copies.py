"""Many parked runs in little time: a few are really parked through the door, then all of their rows are copied.

A copy has a run, thread and approval of its own, a journal, and the engine's delayed segment; only the ids differ.
"""

from collections.abc import Sequence

import asyncpg

from tests.drills.ground import Ground

_PLAN = (
    "create temp table plan (run text, thread text, approval text, new_run text, new_thread text, new_approval text)"
)
_PLANNED = """
insert into plan
select r.id, r.thread, a.id, 'run_' || md5('run' || n || r.id), 'thr_' || md5('thr' || n || r.id),
    'apr_' || left(md5('apr' || n || r.id), 24)
from (select id, thread, row_number() over (order by id) - 1 as place from runs where id = any($1)) r
join approvals a on a.run_id = r.id and a.status = 'pending'
join generate_series(0, $2::int - 1) n on n % cardinality($1) = r.place
"""
_COPY = """
insert into {table} select copy.* from plan p join {table} t on {own}
cross join lateral jsonb_populate_record(null::{table}, replace(replace(replace(to_jsonb(t)::text,
    p.run, p.new_run), p.thread, p.new_thread), p.approval, p.new_approval)::jsonb || '{change}') copy
"""
_COPIED = {
    "threads": "t.id = p.thread",
    "runs": "t.id = p.run",
    "journal": "t.run_id = p.run",
    "effects": "t.run_id = p.run",
    "approvals": "t.run_id = p.run",
    "dbos.workflow_status": "split_part(t.workflow_uuid, ':', 1) = p.run",
    "dbos.workflow_input": "split_part(t.workflow_uuid, ':', 1) = p.run",
}


async def multiply(here: Ground, runs: Sequence[str], amount: int) -> None:
    """Add ``amount`` copies of the parked ``runs``; no host may be at work meanwhile."""
    connection = await asyncpg.connect(here.postgres.url)
    try:
        # What is copied was checked when it was first written, and nobody listens yet: no triggers.
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_PLAN)
        await connection.execute(_PLANNED, list(runs), amount)
        for table, own in _COPIED.items():
            change = '{"idempotency_key": null}' if table == "runs" else "{}"
            await connection.execute(_COPY.format(table=table, own=own, change=change))
        await connection.execute("analyze")
    finally:
        await connection.close()
