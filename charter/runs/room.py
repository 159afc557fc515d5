"""The parts of durable runs, joined and opened once for a process."""

from contextlib import AsyncExitStack

from charter.identity.room import IdentityRoom
from charter.knowledge.index import Index
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


async def open_runs(
    settings: Settings,
    database: Database,
    editions: Editions,
    access_of: AccessOf,
    *,
    tracing: Tracing,
    identity: IdentityRoom,
    tenants: Tenants,
    entitlement: Entitlement,
    index: Index,
    stack: AsyncExitStack,
) -> RunService:
    """Join the parts and begin to take up work; ``stack`` closes them in reverse order.

    Raises:
        Unavailable: the database does not answer.
    """
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
    writer = Writer(database)
    parking = Parking(database, drill, hours=settings.runs.approval_hours)
    doubt = Doubt(database, settings.runs)
    acting = Acting(database, access_of, parking, doubt, writer, tracing, settings.runs, drill)
    calling = Calling(database, acting, parking, writer)
    loop = Loop(database, editions, calling, writer, tracing, settings.runs)
    renewal = identity.renewal
    leases = Leases(database, owner, settings.runs)
    engine = Engine(
        database, loop, followers, queue, tracing, renewal, leases, entitlement, settings.runs, drill, owner=owner
    )  # fmt: skip
    followers.listen(engine.heard)
    tenants.listen(engine.look)
    tenants.listen(followers.look)
    await queue.open(engine.segment)
    stack.push_async_callback(queue.close)
    keeping = Keeping(engine, leases, queue, settings.runs)
    await keeping.open()
    stack.push_async_callback(keeping.close)
    retention = Retention(database, queue, editions.keep, days=settings.runs.retention_days)
    retention.open()
    stack.push_async_callback(retention.close)
    stream = EventStream(database, followers, entitlement)
    return RunService(
        database,
        editions,
        identity.grants,
        engine,
        followers,
        stream,
        index,
        settings.runs,
        settings.http,
        drill,
        entitlement,
    )
