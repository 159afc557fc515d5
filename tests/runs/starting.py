"""A host that starts one slow run as alice, prints its id, and waits to be killed."""

import asyncio

import aiohttp

import host
from charter import settings
from tests.running import RunningHost


async def main() -> None:
    inner = await host.start(settings.read())
    async with aiohttp.ClientSession() as http:
        running = RunningHost(inner, http)
        body = {"agent": "employee_assistant", "input": "this is slow the first time"}
        answer = await running.call("alice", "POST", "/v1/runs", body)
        print(answer.body["id"], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
