"""What this door remembers between two messages, by a key of the tenant: which agent somebody talks with where."""

from typing import Any

from charter.store.database import Database

_GET = "select value from teams_state where tenant = $1 and key = $2"
_SET = (
    "insert into teams_state (tenant, key, value) values ($1, $2, $3) "
    "on conflict (tenant, key) do update set value = excluded.value, updated_at = clock_timestamp()"
)
_DELETE = "delete from teams_state where tenant = $1 and key = $2"


class States:
    """Values that JSON can hold; the last one written counts.

    Raises (each of them): DatabaseUnavailable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, key: str) -> Any:
        """Return the value; ``None``: there is none."""
        async with self._database.tenant_session(tenant) as session:
            return await session.fetchval(_GET, tenant, key)

    async def set(self, tenant: str, key: str, value: Any) -> None:
        async with self._database.tenant_session(tenant) as session:
            await session.execute(_SET, tenant, key, value)

    async def delete(self, tenant: str, key: str) -> None:
        async with self._database.tenant_session(tenant) as session:
            await session.execute(_DELETE, tenant, key)
