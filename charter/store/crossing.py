"""The statements that look across tenants' work. All of them: a new one needs a line here and a policy in a migration.
Those on the tenants themselves are in ``charter/store/tenants.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from charter.store.database import Database


@dataclass(frozen=True, slots=True)
class Orphan:
    """A run that nobody keeps: its lease ran out while it was queued or running, or its waiting time is over."""

    tenant: str
    agent: str
    run_id: str
    epoch: int
    priority: int


async def orphans(database: Database, limit: int = 1000) -> list[Orphan]:
    """Return runs that nobody keeps, oldest first; not those of suspended tenants, which wait until theirs is served."""
    async with database.crossing() as session:
        rows = await session.fetch(
            "select tenant, agent, id, epoch, priority from runs where status in ('queued', 'running', 'waiting') "
            "and lease_until < clock_timestamp() and not exists (select 1 from tenants t where t.id = runs.tenant and t.suspended) "
            "order by lease_until limit $1",
            limit,
        )
    return [Orphan(*row) for row in rows]


HOST_LOCK = "hashtextextended('charter host ' || {}, 0)"
"""The advisory lock that a host holds while it lives, by its owner's name."""


async def register_host(database: Database, owner: str) -> None:
    """Say that this host lives. Its lock must be held already."""
    async with database.crossing() as session:
        await session.execute(
            "insert into hosts (owner) values ($1) on conflict (owner) do update set seen_at = clock_timestamp()", owner
        )


async def bury(database: Database, owner: str) -> list[str]:
    """End the leases of hosts whose lock is free, which proves their death; return their names. ``owner`` is spared."""
    async with database.crossing() as session:
        rows = await session.fetch(
            f"select owner from hosts where owner <> $1 and pg_try_advisory_xact_lock({HOST_LOCK.format('owner')})",  # noqa: S608
            owner,
        )
        dead = [str(row["owner"]) for row in rows]
        if dead:
            await session.execute(
                "update runs set lease_until = clock_timestamp() where status = 'running' and lease_owner = any($1)",
                dead,
            )
    return dead


async def forget_hosts(database: Database, owners: list[str]) -> None:
    """Take buried hosts off the list; not before all that they left behind is offered to others."""
    async with database.crossing() as session:
        await session.execute("delete from hosts where owner = any($1)", owners)


async def silent_hosts(database: Database, seconds: float) -> list[str]:
    """Return the hosts that have not been heard of for that long: frozen, or cut off from the database."""
    async with database.crossing() as session:
        rows = await session.fetch(
            "select owner from hosts where seen_at < clock_timestamp() - make_interval(secs => $1)", seconds
        )
    return [str(row["owner"]) for row in rows]


_ENDED = "status in ('completed', 'failed', 'cancelled') and updated_at < clock_timestamp() - make_interval(days => $1)"
_HANGING = ("journal", "effects", "approvals", "run_images", "run_feedback", "teams_tasks")
_FORGETTING = "select pg_try_advisory_xact_lock(hashtextextended('charter retention', 0))"


async def forget_runs(database: Database, days: int, limit: int = 500) -> int | None:
    """Delete up to ``limit`` runs that ended longer ago, with all that hangs on them but the audit; return how many.

    ``None``: another host is deleting just now.
    """
    async with database.crossing() as session:
        if not await session.fetchval(_FORGETTING):
            return None
        rows = await session.fetch(
            f"select tenant, id from runs where {_ENDED} order by updated_at limit $2",  # noqa: S608 - a constant
            days,
            limit,
        )
        gone = [row["tenant"] for row in rows], [row["id"] for row in rows]
        done = "DELETE 0"
        for table, column in (*((hanging, "run_id") for hanging in _HANGING), ("runs", "id")):
            done = await session.execute(
                f"delete from {table} t using unnest($1::text[], $2::text[]) as gone (tenant, run) "  # noqa: S608
                f"where t.tenant = gone.tenant and t.{column} = gone.run",
                *gone,
            )
    return int(done.split()[-1])


async def forget_threads(database: Database, days: int, limit: int = 500) -> int:
    """Delete up to ``limit`` threads that have no run left and were not touched for longer; return how many."""
    async with database.crossing() as session:
        done = await session.execute(
            "delete from threads t where t.updated_at < clock_timestamp() - make_interval(days => $1) "
            "and not exists (select 1 from runs r where r.tenant = t.tenant and r.thread = t.id) "
            "and (t.tenant, t.id) in (select s.tenant, s.id from threads s where s.updated_at < clock_timestamp() - make_interval(days => $1) "
            "and not exists (select 1 from runs r where r.tenant = s.tenant and r.thread = s.id) limit $2)",
            days,
            limit,
        )
    return int(done.split()[-1])


async def forget_bundles(database: Database, days: int, keep: Iterable[str]) -> int:
    """Delete bundles that were kept longer ago and that no run names, except ``keep``; return how many."""
    async with database.crossing() as session:
        done = await session.execute(
            "delete from bundles b where b.created_at < clock_timestamp() - make_interval(days => $1) "
            "and b.digest <> all($2::text[]) and not exists (select 1 from runs r where r.bundle = b.digest)",
            days,
            list(keep),
        )
    return int(done.split()[-1])


async def forget_sessions(database: Database) -> int:
    """Delete the sessions that are over their time; return how many."""
    async with database.crossing() as session:
        done = await session.execute("delete from sessions where expires_at < clock_timestamp()")
    return int(done.split()[-1])


async def teams_due(database: Database) -> list[str]:
    """Return the tenants that have something to be worked on or to be said in Teams now."""
    async with database.crossing() as session:
        rows = await session.fetch(
            "select tenant from teams_inbox where state = 'new' and (taken_until is null or taken_until < clock_timestamp()) "
            "union select tenant from teams_outbox where state in ('waiting', 'sending') and due_at <= clock_timestamp() "
            "and (taken_until is null or taken_until < clock_timestamp())"
        )
    return [str(row["tenant"]) for row in rows]


async def teams_tenants_of(database: Database, runs: Iterable[str]) -> dict[str, str]:
    """Return the tenant of each of these runs that somebody in Teams waits for."""
    async with database.crossing() as session:
        rows = await session.fetch(
            "select run_id, tenant from teams_tasks where not done and run_id = any($1::text[])", list(runs)
        )
    return {str(row["run_id"]): str(row["tenant"]) for row in rows}


async def teams_waiting(database: Database) -> list[str]:
    """Return the tenants in which somebody in Teams waits for a run."""
    async with database.crossing() as session:
        rows = await session.fetch("select distinct tenant from teams_tasks where not done")
    return [str(row["tenant"]) for row in rows]


async def teams_tenants(database: Database) -> list[str]:
    """Return the tenants whose people have been spoken with in Teams."""
    async with database.crossing() as session:
        rows = await session.fetch("select distinct tenant from teams_conversations")
    return [str(row["tenant"]) for row in rows]
