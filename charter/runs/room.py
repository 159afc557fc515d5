"""The parts of durable runs, joined and opened once for a process."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from charter.identity.room import IdentityRoom
from charter.knowledge.archive import Archive
from charter.runs import schema
from charter.runs.acting import AccessOf, Acting
from charter.runs.calling import Calling
from charter.runs.doubt import Doubt
from charter.runs.drill import Drill
from charter.runs.editions import Editions
from charter.runs.engine import Engine, owner_name
from charter.runs.events import EventStream
from charter.runs.following import Followers
from charter.runs.keeping import Keeping
from charter.runs.leases import Leases
from charter.runs.loop import Loop
from charter.runs.parking import Parking
from charter.runs.retention import Retention
from charter.runs.segments import DurableSegments
from charter.runs.service import RunService
from charter.runs.writing import Writer
from charter.settings import Settings
from charter.store.database import Database
from charter.store.tenants import Tenants
from charter.telemetry.tracing import Tracing
from charter.tenancy.entitlement import Entitlement


@dataclass(frozen=True, slots=True)
class Footing:
    """What durable runs stand on; ``stack`` closes their parts in reverse order."""

    settings: Settings
    database: Database
    tracing: Tracing
    identity: IdentityRoom
    tenants: Tenants
    entitlement: Entitlement
    archive: Archive
    stack: AsyncExitStack


async def open_runs(footing: Footing, editions: Editions, access_of: AccessOf) -> RunService:
    """Join the parts and begin to take up work.

    Raises:
        Unavailable: the database does not answer.
    """
    settings, database, stack = footing.settings, footing.database, footing.stack
    followers = Followers(settings.database.url, login=database.login)
    await followers.open()
    stack.push_async_callback(followers.close)
    owner, drill = owner_name(), Drill(settings.drill)
    queue = DurableSegments(
        settings.database.url,
        owner=owner,
        agent_concurrent=settings.runs.agent_concurrent,
        migrates=schema.is_owner(settings),
        login=database.login,
    )
    leases = Leases(database, owner, settings.runs)
    engine = _engine(footing, _loop(footing, editions, access_of, drill), followers, queue, leases, drill, owner)
    await queue.open(engine.segment)
    stack.push_async_callback(queue.close)
    keeping = Keeping(engine, leases, queue, settings.runs)
    await keeping.open()
    stack.push_async_callback(keeping.close)
    retention = Retention(database, queue, editions.keep, days=settings.runs.retention_days)
    retention.open()
    stack.push_async_callback(retention.close)
    stream = EventStream(database, followers, footing.entitlement)
    return RunService(
        database, editions, footing.identity.grants, engine, followers, stream, footing.archive, settings.runs, settings.http,
        drill, footing.entitlement,
    )  # fmt: skip


def _loop(footing: Footing, editions: Editions, access_of: AccessOf, drill: Drill) -> Loop:
    database, limits = footing.database, footing.settings.runs
    writer = Writer(database)
    parking = Parking(database, drill, hours=limits.approval_hours)
    acting = Acting(database, access_of, parking, Doubt(database, limits), writer, footing.tracing, limits, drill)
    calling = Calling(database, acting, parking, writer)
    return Loop(database, editions, calling, writer, footing.tracing, limits, footing.entitlement)


def _engine(
    footing: Footing,
    loop: Loop,
    followers: Followers,
    queue: DurableSegments,
    leases: Leases,
    drill: Drill,
    owner: str,
) -> Engine:
    engine = Engine(
        footing.database, loop, followers, queue, footing.tracing, footing.identity.renewal, leases, footing.entitlement,
        footing.settings.runs, drill, owner=owner, currency=footing.settings.costs.currency,
    )  # fmt: skip
    followers.listen(engine.heard)
    footing.tenants.listen(engine.look)
    footing.tenants.listen(followers.look)
    return engine
