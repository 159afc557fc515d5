"""The database as the host may use it: a session opens only for a tenant."""

import asyncio
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any, Literal, TypeAlias

import asyncpg
import orjson

from charter.context import Context
from charter.errors import DatabaseUnavailable, InvalidRequest, NotFound
from charter.store.login import Login

APP_ROLE = "charter_app"
HOST_ROLE = "charter_host"
Turn = Literal["alone", "beside"]
BESIDE = 4
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def _encode(value: Any) -> str:
    return orjson.dumps(value).decode()


_GONE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,  # it stops, it starts
    asyncpg.TooManyConnectionsError,
)


def _outage(fault: BaseException | None) -> bool:
    """Tell whether the server went away, rather than that a statement was wrong."""
    return isinstance(fault, _GONE) and not isinstance(fault, TimeoutError)


@contextmanager
def told_outages() -> Generator[None]:
    """Turn the many faces of a lost server into one error.

    Raises:
        DatabaseUnavailable: the server does not answer; what was being committed may be written or not.
    """
    try:
        yield
    except Exception as fault:
        if _outage(fault) or _outage(fault.__cause__):
            raise DatabaseUnavailable from fault
        raise


_UNKEEPABLE = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)


def _unkeepable(fault: BaseException) -> bool:
    """Tell whether a text was given that PostgreSQL cannot hold: a NUL, or half a character."""
    return isinstance(fault, _UNKEEPABLE) or isinstance(fault.__cause__, UnicodeEncodeError)


async def _nothing_to_reset(_: Any) -> None: ...


async def _roll_back(connection: Any) -> None:
    try:
        await connection.execute("rollback", timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        # A connection in an unknown state must not go back to the pool.
        connection.terminate()


async def prepare(connection: Any) -> None:
    """Make ``jsonb`` columns Python values on this connection."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=_encode, decoder=orjson.loads, schema="pg_catalog")


async def narrow(session: Session, tenant: str) -> None:
    """Let a transaction across tenants go on as one of this tenant, under its row-level security."""
    if not _TENANT.fullmatch(tenant):
        raise NotFound("There is no such tenant.")
    await session.execute(f"set local role {APP_ROLE}; set local charter.tenant = '{tenant}'")


async def take_turn(session: Session, name: str) -> None:
    """Wait until no other transaction, in whatever process, has this name's turn, and have it until this one ends."""
    await session.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"charter {name}")


class _Turns(dict[tuple[str, Turn], asyncio.Semaphore]):
    """Who of this process may open a session with a turn, by tenant."""

    def __missing__(self, key: tuple[str, Turn]) -> asyncio.Semaphore:
        return self.setdefault(key, asyncio.Semaphore(1 if key[1] == "alone" else BESIDE))


class Database:
    """A pool of connections under a role that row-level security binds."""

    def __init__(self, url: str, *, size: int = 8, login: Login | None = None) -> None:
        self.url = url
        self.login = login
        self._size = size
        self._pool: Any = None
        self._host_pool: Any = None
        self._turns = _Turns()

    async def open(self) -> None:
        """Connect.

        Raises:
            Unavailable: the server does not answer or refuses the role.
        """
        try:
            self._pool = await self._connect(APP_ROLE, self._size)
            self._host_pool = await self._connect(HOST_ROLE, 2)
        except (OSError, asyncpg.PostgresError) as fault:
            raise DatabaseUnavailable(f"The database does not answer: {fault}.") from fault

    async def connect(self, role: str, **settings: str) -> Any:
        """Return a connection of its own under this role, for what lasts as long as the process."""
        return await asyncpg.connect(
            self.url, password=self.login, timeout=10, server_settings={"role": role, **settings}
        )

    async def _connect(self, role: str, size: int) -> Any:
        return await asyncpg.create_pool(
            self.url,
            password=self.login,
            min_size=1,
            max_size=size,
            init=prepare,
            # Every change of a session's state here is local to its transaction: there is nothing to reset.
            reset=_nothing_to_reset,
            server_settings={"role": role, "application_name": "charter"},
        )

    async def close(self) -> None:
        for pool in (self._pool, self._host_pool):
            if pool is not None:
                await pool.close()

    @asynccontextmanager
    async def session(self, ctx: Context) -> AsyncGenerator[Session]:
        """One transaction within the tenant of ``ctx``; commits at the end of the block, rolls back on an error.

        Raises:
            DatabaseUnavailable: the server went away, before or within the block.
            InvalidRequest: a text holds what no database keeps.
        """
        async with self.tenant_session(ctx.tenant) as session:
            yield session

    @asynccontextmanager
    async def tenant_session(self, tenant: str, *, turn: Turn | None = None) -> AsyncGenerator[Session]:
        """The same where only the tenant is known: work without a person (adoption, ingestion).

        With a ``turn`` places may be counted in it: while one of the tenant is ``alone`` no other with a turn is open in
        any process; at most ``BESIDE`` that are ``beside`` each other are open in each process.
        """
        if not _TENANT.fullmatch(tenant):
            raise NotFound("There is no such tenant.")
        # One round trip opens the transaction and names its tenant; the name is checked above, not quoted.
        opening = f"begin; set local charter.tenant = '{tenant}'"
        if turn is not None:
            lock = "pg_advisory_xact_lock" if turn == "alone" else "pg_advisory_xact_lock_shared"
            opening += f"; select {lock}(hashtextextended('charter places {tenant}', 0))"
        # Who waits for a tenant's turn waits here first: not with a connection that others could use.
        async with self._turns[tenant, turn] if turn else nullcontext():
            with told_outages():
                async with self._opened(opening) as connection:
                    yield connection

    @asynccontextmanager
    async def _opened(self, opening: str) -> AsyncGenerator[Session]:
        async with self._pool.acquire() as connection:
            try:
                await connection.execute(opening)
                yield connection
            except BaseException as fault:
                await _roll_back(connection)
                if _unkeepable(fault):
                    # Not the library's own words: they quote the text.
                    raise InvalidRequest("A text in the request holds a character that cannot be kept.") from None
                raise
            await connection.execute("commit")

    @asynccontextmanager
    async def crossing(self) -> AsyncGenerator[Session]:
        """One transaction across tenants, for the named statements of ``charter/store/crossing.py`` only."""
        with told_outages():
            async with self._host_pool.acquire() as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def snapshot(self, tenant: str) -> AsyncGenerator[Session]:
        """One transaction of a tenant that only reads, and sees all as it stood when it began, however long it lasts."""
        if not _TENANT.fullmatch(tenant):
            raise NotFound("There is no such tenant.")
        with told_outages():
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                await connection.execute(f"set local charter.tenant = '{tenant}'")
                yield connection

    async def ping(self) -> None:
        """Ask the server for nothing.

        Raises:
            Unavailable: it does not answer.
        """
        try:
            await self._pool.fetchval("select 1", timeout=3)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
            raise DatabaseUnavailable from fault
