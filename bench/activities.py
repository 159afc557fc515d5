"""What an activity of Teams costs, beside the Teams SDK's bare echo bot; and 200 of them a second for half a minute.

Both get the same activities with the same signed tokens from the same channel. The echo bot answers inside the request.
Charter authenticates, writes down and answers the request; then it does what was asked: a governed, journaled run with an
answer that is streamed back. So two figures stand side by side: the processor time until the request is answered, and
that of the whole.

usage: python -m bench.activities [--rate N] [--seconds N] [--json]
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.peers.channel import Channel, activity
from bench.processes import HOUSE, Process, charter_host, cpu_seconds, free_port, peer

CLIENT_ID = "charter-host"
CONVERSATIONS = 500
ANSWER = "Good day."
WARM, COUNTED = 100, 1000
ANSWER_SECONDS = 3.0
PATIENCE_SECONDS = 600


@dataclass(slots=True)
class Offered:
    """What became of the activities that were offered: statuses, and the longest time until one was answered."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    accepted: list[str] = field(default_factory=list[str])
    without_advice: int = 0
    longest: float = 0.0


async def _post(http: aiohttp.ClientSession, url: str, bearer: str, body: Mapping[str, Any], found: Offered) -> None:
    began = time.monotonic()
    async with http.post(url, json=body, headers={"Authorization": bearer}) as response:
        await response.read()
    found.longest = max(found.longest, time.monotonic() - began)
    found.statuses[response.status] += 1
    if response.status < 300:
        found.accepted.append(str(body["id"]))
    elif response.status in {429, 503} and "Retry-After" not in response.headers:
        found.without_advice += 1


async def _cost(http: aiohttp.ClientSession, process: Process, channel: Channel, bodies: list[dict[str, Any]]) -> float:
    """Return processor milliseconds of the process per activity until each request was answered, eight at once."""
    places, found, bearer = asyncio.Semaphore(8), Offered(), channel.bearer()

    async def one(body: Mapping[str, Any]) -> None:
        async with places:
            await _post(http, f"{process.address}/api/messages", bearer, body, found)

    before = cpu_seconds(process.pid)
    await asyncio.gather(*(one(body) for body in bodies))
    assert set(found.statuses) <= {200, 201, 202}, found.statuses
    return (cpu_seconds(process.pid) - before) / len(bodies) * 1000


async def _answered(channel: Channel, ids: list[str]) -> int:
    """Wait until each has its answer; return how many have none when the patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (missing := sum(channel.said[each] == 0 for each in ids)) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
    return missing


async def _offer(http: aiohttp.ClientSession, host: Process, channel: Channel, rate: int, seconds: int) -> Offered:
    """Offer so many activities a second, whatever becomes of the earlier ones."""
    found, bearer, began = Offered(), channel.bearer(), time.monotonic()
    tasks: list[asyncio.Task[None]] = []
    for number in range(rate * seconds):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        body = activity(channel.url, 1_000_000 + number, CONVERSATIONS)
        tasks.append(asyncio.create_task(_post(http, f"{host.address}/api/messages", bearer, body, found)))
    await asyncio.gather(*tasks)
    return found


async def _host(folder: Path, channel: Channel) -> Process:
    script = {"kind": "scripted", "model": "scripted", "script": str(HOUSE / "tests/data/script.yaml")}
    host = await charter_host(
        folder,
        "",
        CHARTER_MODELS=json.dumps({"standard": script}),
        CHARTER_KNOWLEDGE__AT_START="false",
        CHARTER_EMBEDDED_MODEL="off",
        CHARTER_TELEMETRY__LOG_LEVEL="error",
        CHARTER_TEAMS__AGENT="clerk",
        CHARTER_TEAMS__METADATA_URL=f"{channel.url}/v1/.well-known/openidconfiguration",
        CHARTER_TEAMS__TOKEN_SERVICE=channel.url,
        CHARTER_TEAMS__SERVICE_URLS=json.dumps([channel.url]),
        CHARTER_TEAMS__ANONYMOUS="false",
        # One person writes all of it here, whose part is a fifth.
        CHARTER_TEAMS__INBOX_LIMIT="2500",
    )
    channel.people["alice"] = host.token
    return host


async def measure(folder: Path, rate: int, seconds: int) -> dict[str, Any]:
    channel = Channel(CLIENT_ID, ANSWER)
    await channel.start()
    port = free_port()
    host = await _host(folder, channel)
    echo = await peer("echo_bot", port, channel.url, CLIENT_ID)
    limit = aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(connector=limit) as http:
            for process in (host, echo):
                await _cost(http, process, channel, _bodies(channel, process is host, WARM, 0))
            await _answered(channel, [f"a{n}" for n in range(WARM)])
            bare = await _cost(http, echo, channel, _bodies(channel, False, COUNTED, 10_000))
            whole = await _whole(http, host, channel)
            again = await _cost(http, host, channel, _bodies(channel, True, COUNTED, 20_000))
            channel.said.clear()
            found = await _offer(http, host, channel, rate, seconds)
            missing = await _answered(channel, found.accepted)
            await asyncio.sleep(2)  # whoever says something twice has time to
    finally:
        for process in (host, echo):
            await process.stop()
        await channel.stop()
    doubled = sum(count > 1 for count in channel.said.values())
    return {
        "milliseconds": {"echo": bare, "whole": whole, "known_again": again},
        "offered": rate * seconds,
        "statuses": dict(found.statuses),
        "longest_seconds": found.longest,
        "without_advice": found.without_advice,
        "lost": missing,
        "doubled": doubled,
    }


async def _whole(http: aiohttp.ClientSession, host: Process, channel: Channel) -> float:
    """Return processor milliseconds of the host per activity until its answer has arrived."""
    before = cpu_seconds(host.pid)
    bodies = _bodies(channel, True, COUNTED, 20_000)
    for first in range(0, COUNTED, 200):  # no more than may wait
        part = bodies[first : first + 200]
        await _cost(http, host, channel, part)
        assert not await _answered(channel, [str(body["id"]) for body in part])
    return (cpu_seconds(host.pid) - before) / COUNTED * 1000


def _bodies(channel: Channel, charter: bool, count: int, first: int) -> list[dict[str, Any]]:
    spread = CONVERSATIONS if charter else 1
    return [activity(channel.url, first + number, spread) for number in range(count)]


def _print(told: Mapping[str, Any]) -> None:
    cost = told["milliseconds"]
    print(f"the SDK's echo bot            {cost['echo']:6.2f} ms of its process per activity, with its reply")
    print(f"Charter, a repeated activity  {cost['known_again']:6.2f} ms ({cost['known_again'] / cost['echo']:.2f})")
    print(
        f"Charter, a whole run          {cost['whole']:6.2f} ms ({cost['whole'] / cost['echo']:.2f}), answer streamed"
    )
    print(
        f"{told['offered']} offered: {told['statuses']}, answered within {told['longest_seconds']:.2f} s, "
        f"{told['lost']} lost, {told['doubled']} doubled"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.activities", description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(measure(Path(folder), given.rate, given.seconds))
    print(json.dumps(told)) if given.json else _print(told)
    answered = set(told["statuses"]) <= {200, 429} and told["longest_seconds"] <= ANSWER_SECONDS
    whole = not (told["lost"] or told["doubled"] or told["without_advice"])
    return 0 if answered and whole else 1


if __name__ == "__main__":
    sys.exit(main())
