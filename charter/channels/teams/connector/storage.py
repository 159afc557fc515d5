"""The SDK's store of states in this house's database, for whatever of the SDK wants one."""

from typing import Any, NoReturn

from microsoft_teams.common import Storage

from charter.channels.teams.states import States


class TenantStorage(Storage[str, Any]):
    """The states of one tenant: another one's cannot be named."""

    def __init__(self, states: States, tenant: str) -> None:
        self._states = states
        self._tenant = tenant

    async def async_get(self, key: str) -> Any:
        return await self._states.get(self._tenant, key)

    async def async_set(self, key: str, value: Any) -> None:
        await self._states.set(self._tenant, key, value)

    async def async_delete(self, key: str) -> None:
        await self._states.delete(self._tenant, key)

    def get(self, key: str) -> NoReturn:
        _refuse()

    def set(self, key: str, value: Any) -> NoReturn:
        _refuse()

    def delete(self, key: str) -> NoReturn:
        _refuse()


def _refuse() -> NoReturn:
    raise RuntimeError(
        "States are in a database: use async_get, async_set or async_delete, which do not stop the loop."
    )
