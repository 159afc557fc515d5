"""The segment queue on DBOS: durable, fair between tenants, people before batch.

A workflow's row holds ids only. Steps inside a segment are in our journal, not in the engine's. Two things the
library leaves open are closed here: it would unpickle any row that says it is a pickle, and by default every process
has the same executor id and steals the others' work.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import sqlalchemy
import sqlalchemy.event
from dbos import DBOS, DBOSPortableJSONSerializer, _serialization  # pyright: ignore[reportPrivateUsage]
from dbos._serialization import DBOSDefaultSerializer, Serializer  # pyright: ignore[reportPrivateUsage]

from charter.errors import StartRefused
from charter.store.login import Login

Work = Callable[[str, str, int], Awaitable[str]]

QUEUE = "runs"
VERSION = "segments-1"
"""Revision of the segment protocol: segments of one revision may run on any host that knows it."""


_POOL = 4
_CONNECTING = {"connect_timeout": 10, "options": "-c idle_in_transaction_session_timeout=60000"}
"""What the library asks for where it connects by itself."""
_OPEN = frozenset({"ENQUEUED", "PENDING", "DELAYED"})
_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class RefusingPickle(Serializer):
    """Stands where the library's unpickler was: a planted row must not run code. It says the unpickler's name, so that
    such a row ends as a failed one instead of holding its place in the queue.
    """

    def name(self) -> str:
        return DBOSDefaultSerializer.name()

    def serialize(self, data: Any) -> str:
        return str(data)

    def deserialize(self, serialized_data: str) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Refuse.

        Raises:
            PermissionError: always.
        """
        raise PermissionError("pickled workflow data is refused")


def prepare(owner_url: str, login: str = "") -> None:
    """Make or update the engine's own tables, and let ``login`` work with them. Blocks.

    Raises:
        StartRefused: the role of this address may not.
    """
    try:
        DBOS.migrate(owner_url, application_role=login or None)
    except Exception as fault:
        raise StartRefused(f"The segment queue's tables cannot be migrated: {fault}.") from fault


def engine(url: str, login: Login) -> sqlalchemy.Engine:
    """Return connections as the library makes them, each with the password as it is at that moment."""
    place = sqlalchemy.make_url(url).set(drivername="postgresql+psycopg")
    made = sqlalchemy.create_engine(
        place, pool_size=_POOL, max_overflow=0, pool_timeout=30, pool_pre_ping=True, connect_args=_CONNECTING
    )

    @sqlalchemy.event.listens_for(made, "do_connect")
    def prove(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        options["password"] = login.latest()

    del prove  # registered by the decorator
    return made


class DurableSegments:
    """``SegmentQueue`` on Postgres."""

    def __init__(
        self, url: str, *, owner: str, agent_concurrent: int, migrates: bool = True, login: Login | None = None
    ) -> None:
        """``migrates`` false: the engine's tables must be there already (``prepare``). ``login`` gives the password."""
        _serialization.DBOSDefaultSerializer = RefusingPickle()  # pyright: ignore
        self._agent_concurrent = agent_concurrent
        self._engine = engine(url, login) if login else None
        config: Any = {
            "name": "charter",
            "system_database_url": url,
            **({"system_database_engine": self._engine} if self._engine else {}),
            "executor_id": owner,
            "application_version": VERSION,
            "log_level": "ERROR",
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": 16,
            "sys_db_pool_size": _POOL,
            "run_migrations": migrates,
        }
        DBOS(config=config)

    async def open(self, work: Work) -> None:
        """Start taking segments and working on them."""
        home = asyncio.get_running_loop()

        @DBOS.workflow(name="segment", max_recovery_attempts=100)
        async def segment(tenant: str, run_id: str, epoch: int) -> str:
            if asyncio.get_running_loop() is home:
                return await work(tenant, run_id, epoch)
            # The library takes a loop of its own while ours stands still; the host's connections belong to ours.
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_worked(tenant, run_id, epoch), home))

        async def _worked(tenant: str, run_id: str, epoch: int) -> str:
            return await work(tenant, run_id, epoch)

        del segment  # registered by its name
        DBOS.launch()
        # No limit over all partitions: what waits here for its tenant's place must not stand in another tenant's way.
        await DBOS.register_queue_async(QUEUE, partition_concurrency=self._agent_concurrent, polling_interval_sec=0.2)

    async def close(self) -> None:
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=0)
        if self._engine is not None:
            self._engine.dispose()
        # The library made its pool the loop's default and has just shut it down; what closes after us needs one.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="charter"))

    async def now(self, tenant: str, agent: str, run_id: str, epoch: int, *, priority: int = 1) -> None:
        name = f"{run_id}:{epoch}"
        status = await DBOS.get_workflow_status_async(name)
        if status is not None and status.status in _OPEN:
            return
        if status is not None:
            # It ended without beginning the segment, whose claim is still free: offer it under another name.
            name = f"{name}.{secrets.token_hex(3)}"
        options: Any = {
            "workflow_name": "segment",
            "queue_name": QUEUE,
            "workflow_id": name,
            "queue_partition_key": f"{tenant}/{agent}",
            "priority": priority,
        }
        await DBOS.enqueue_workflow_with_options_async(options, tenant, run_id, epoch)

    async def recover(self, owners: list[str]) -> None:
        # The library recovers by itself only what its own executor left behind, and every start is a new executor.
        await asyncio.to_thread(DBOS._recover_pending_workflows, owners)  # pyright: ignore[reportPrivateUsage]

    async def forget(self, segments: Sequence[str]) -> None:
        await DBOS.delete_workflows_async(list(segments))

    async def ended(self, before: datetime, limit: int) -> Sequence[str]:
        over = await DBOS.list_workflows_async(
            end_time=before.isoformat(), status=_OVER, limit=limit, load_input=False, load_output=False
        )
        return [status.workflow_id for status in over]
