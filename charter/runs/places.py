"""How many runs of a tenant, and of an agent, are worked on at once; who has to wait, and who is turned away.

Places are counted in the database while no other place of the tenant can be given (a session with the turn ``alone``),
so the limits hold over all processes. Far from a limit nobody need be alone: there a few may be admitted ``beside`` each
other (``BESIDE`` in each of up to eight host processes), and cannot pass it together.
"""

from dataclasses import dataclass
from typing import Literal

from charter.errors import QueueFull, TooMany
from charter.settings import Runs
from charter.store.database import BESIDE, Session

PEOPLE, BATCH = 1, 10
_RETRY_SECONDS = 5
_FAR = 8 * BESIDE

_COUNT = (
    "select (select count(*) from (select 1 from runs where status = 'running' limit $2) w) as working, "
    "(select count(*) from (select 1 from runs where status = 'running' and agent = $1 limit $3) a) as of_agent, "
    "(select count(*) from (select 1 from runs where status = 'queued' limit $4) q) as queued, "
    "case when $5 = 0 then 0 else (select count(*) from "
    "(select 1 from runs where created_at > clock_timestamp() - interval '1 minute' limit $5) l) end as lately"
)


async def status(
    session: Session, agent: str, priority: int, limits: Runs, *, free: bool, alone: bool
) -> Literal["running", "queued"] | None:
    """Return ``running`` where a new run may begin at once in this process, ``queued`` where it has to wait; ``None``
    where that can be told only in a session that is alone.

    Raises:
        QueueFull: too many wait already.
        TooMany: too many came in the last minute.
    """
    counted = await session.fetchrow(
        _COUNT,
        agent,
        limits.tenant_concurrent,
        limits.agent_concurrent,
        limits.queue_limit + 1,
        limits.tenant_per_minute,
    )
    assert counted is not None
    far = max(counted["working"] - limits.tenant_concurrent, counted["of_agent"] - limits.agent_concurrent) < -_FAR
    if not alone:
        return "running" if free and far and not counted["queued"] and not limits.tenant_per_minute else None
    if limits.tenant_per_minute and counted["lately"] >= limits.tenant_per_minute:
        raise TooMany(f"{limits.tenant_per_minute} runs were started in the last minute already.", retry_after=15)
    room = counted["working"] < limits.tenant_concurrent and counted["of_agent"] < limits.agent_concurrent
    # Batch work joins the queue behind what waits there; people do not wait behind batch work.
    if free and room and (priority == PEOPLE or not counted["queued"]):
        return "running"
    if counted["queued"] >= limits.queue_limit:
        raise QueueFull(f"{counted['queued']} runs wait for a place already.", retry_after=_RETRY_SECONDS)
    return "queued"


@dataclass(frozen=True, slots=True)
class Full:
    """There is no place for this agent's runs now."""

    agent: str


async def full(session: Session, run_id: str, limits: Runs, *, free: bool) -> Full | Literal["suspended"] | None:
    """Tell whether a place is missing for this run: in this process, in its tenant, or for its agent. A run that is
    adopted keeps the place that is counted for it already. A suspended tenant has none, whatever this process has read
    of it so far.
    """
    found = await session.fetchrow(
        "select r.status, r.agent, (select suspended from tenants where id = r.tenant) as suspended, "
        "(select count(*) from (select 1 from runs where status = 'running' limit $2) w) as working, "
        "(select count(*) from (select 1 from runs where status = 'running' and agent = r.agent limit $3) a) as of_agent "
        "from runs r where r.id = $1",
        run_id,
        limits.tenant_concurrent,
        limits.agent_concurrent,
    )
    if found is None:
        return None
    if found["suspended"]:
        return "suspended"
    within = found["working"] < limits.tenant_concurrent and found["of_agent"] < limits.agent_concurrent
    return None if free and (within or found["status"] == "running") else Full(found["agent"])
