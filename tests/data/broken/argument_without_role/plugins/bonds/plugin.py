from typing import Annotated

from charter.plugin import Access


class Rates:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_rate(self, code: Annotated[str, "The currency's code"], day: str | None = None) -> dict[str, float]:
        """Finds an exchange rate."""
        return {"rate": 1.0}

    async def keep_rate(self, code: str) -> dict[str, str]:
        """Keeps an exchange rate."""
        return {"rate_id": "R-1"}
