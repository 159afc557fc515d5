from typing import Annotated, Any

from charter.plugin import Access, FunctionFailed


class Meter:
    def __init__(self, access: Access) -> None:
        self._connection = access.connection

    async def read(self, number: Annotated[int, "Which meter"]) -> dict[str, Any]:
        """Reads a meter."""
        answer = await self._connection.request("GET", f"/meters/{number}")
        if answer.status != 200:
            raise FunctionFailed(f"The meter says {answer.status}: {answer.body}")
        return answer.body

    async def show(self, number: Annotated[int, "Which meter"]) -> dict[str, Any]:
        """Shows what the system of the meters was sent."""
        return (await self._connection.request("GET", f"/meters/{number}/sent")).body

    async def explode(self, number: Annotated[int, "Which meter"]) -> dict[str, Any]:
        """Fails badly, with all that the plugin knows."""
        answer = await self._connection.request("GET", f"/meters/{number}/sent")
        raise RuntimeError(f"{answer.body} {vars(self._connection)}")
