from typing import Annotated

from charter.plugin import Access

VERSION = "first"


class Jar:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def put(self, amount: Annotated[int, "How much"]) -> dict[str, str | int]:
        """Puts an amount into the jar."""
        return {"version": VERSION, "amount": amount}
