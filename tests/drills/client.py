"""A client as it should be: each request has a key, and whatever does not answer is asked again, elsewhere."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from charter.local.people import People
from charter.settings import Identity

PATIENCE_SECONDS = 150
ATTEMPT_SECONDS = 6


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


class Client:
    """Asks any host that serves, as a person of the local Entra twin."""

    def __init__(self, http: aiohttp.ClientSession, identity: Identity) -> None:
        self._http = http
        self._people = People(identity, http)
        self._tokens: dict[str, str] = {}
        self.addresses: Callable[[], list[str]] = list
        self.repeated = 0

    async def open(self) -> None:
        await self._people.read()

    async def token(self, name: str) -> str:
        if name not in self._tokens:
            self._tokens[name] = await self._people.sign_in(name)
        return self._tokens[name]

    def forget(self) -> None:
        """Let everybody sign in anew."""
        self._tokens.clear()

    async def once(
        self,
        address: str,
        name: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        seconds: float = ATTEMPT_SECONDS,
    ) -> Answer:
        """Ask this host, once."""
        headers = {"Authorization": f"Bearer {await self.token(name)}"} | ({"Idempotency-Key": key} if key else {})
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with self._http.request(method, address + path, json=body, headers=headers, timeout=timeout) as response:
            raw = await response.read()
            return Answer(response.status, orjson.loads(raw) if raw else None)

    async def call(
        self, name: str, method: str, path: str, body: Any = None, *, key: str = "", first: str = "",
        patience: float = PATIENCE_SECONDS,
    ) -> Answer:  # fmt: skip
        """Ask until some host answers with anything but a request to come back; ``first`` is asked first."""
        limit = time.monotonic() + patience
        while time.monotonic() < limit:
            address = first or random.choice(self.addresses() or [""])
            first = ""
            if address:
                try:
                    answer = await self.once(address, name, method, path, body, key=key)
                except (aiohttp.ClientError, TimeoutError, OSError):
                    answer = Answer(503, None)
                if answer.status < 500 and answer.status != 429:
                    return answer
            self.repeated += 1
            await asyncio.sleep(random.uniform(0.1, 0.4))
        raise AssertionError(f"no host answered {method} {path} within {patience:g} s")

    async def start(self, name: str, text: str, *, agent: str = "driller", first: str = "") -> str:
        """Start a run and return its id; its input is its key, so that a repeated start is the same run."""
        body = {"agent": agent, "input": text}
        answer = await self.call(name, "POST", "/v1/runs", body, key=text, first=first)
        assert answer.status in {200, 202}, answer.body
        return answer.body["id"]

    async def run(self, name: str, run_id: str) -> dict[str, Any]:
        return (await self.call(name, "GET", f"/v1/runs/{run_id}")).body

    async def pending(self, name: str, run_id: str) -> dict[str, Any]:
        """Return the open approval of a run, as that approver sees it."""
        items = (await self.call(name, "GET", "/v1/approvals?status=pending&limit=200")).body["items"]
        return next(item for item in items if item["run_id"] == run_id)

    async def decide(self, name: str, approval: dict[str, Any], decision: str, *, first: str = "") -> Answer:
        body = {"decision": decision, "digest": approval["digest"]}
        return await self.call(name, "POST", f"/v1/approvals/{approval['id']}/decision", body, first=first)

    async def resolve(self, name: str, run_id: str, step_id: str, answer: str, result: Any = None) -> Answer:
        body = {"step_id": step_id, "answer": answer} | ({} if result is None else {"result": result})
        return await self.call(name, "POST", f"/v1/runs/{run_id}/resolve", body)
