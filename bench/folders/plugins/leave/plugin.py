"""The function that every side of the comparison calls."""

from typing import Annotated

from semantic_kernel.functions import kernel_function

from charter.plugin import Access


class Leave:
    def __init__(self, access: Access) -> None:
        self._access = access

    @kernel_function(name="get_leave_balance", description="Days of leave left.")
    async def get_leave_balance(self, employee_id: Annotated[str, "The employee"]) -> dict[str, int]:
        return {"days": 17}
