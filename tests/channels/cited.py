"""A question whose answer cites the library, once the host has read it."""

import asyncio
from typing import Any

from tests.running import WAIT_SECONDS, RunningHost

QUESTION = "What does the policy say about hotel costs?"


async def cited_run(host: RunningHost) -> dict[str, Any]:
    """Ask until the answer has a citation: the host reads its library while it serves already."""
    await host.library_read()
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            run = await host.ask("alice", "employee_assistant", QUESTION)
            if run["output"]["citations"]:
                return run
