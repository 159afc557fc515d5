"""The host is killed while sixty people wait for their answers: each of them gets one, and no run is doubled."""

import asyncio
import random
from collections import Counter

import pytest

from tests.teams.client import Teams
from tests.teams.conftest import anew
from tests.teams.pair import Pair
from tests.teams.views import Message

CROWD = 60
KILLS = 2
_AT_ONCE = 12


async def crowd(pair: Pair) -> dict[str, str]:
    """Make a tenant of sixty people who are signed in; return their chats."""
    host, tenant = pair.hosts["a"], f"adatum-{random.randrange(10**9)}"
    people = {
        f"p{n}-{tenant}": {"name": f"Person {n}", "title": "employee", "roles": ["employee"]} for n in range(CROWD)
    }
    made = {"name": tenant, "people": people, "workloads": {}}
    async with pair.http.post(f"{host.entra}/_twin/tenants", json=made) as response:
        assert response.status == 201, await response.text()
    body = {"id": tenant, "name": "Adatum", "directory": tenant, "settings": {}}
    assert (await host.call("carol", "POST", "/v1/admin/tenants", body)).status == 201
    places = asyncio.Semaphore(_AT_ONCE)

    async def known(person: str) -> str:
        async with places:
            told = await pair.teams.pull("chats", kind="personal", tenant=tenant, members=[person])
            return await anew(pair.teams, person, chat=told["conversation"])

    return dict(zip(people, await asyncio.gather(*map(known, people)), strict=True))


async def heard(teams: Teams, person: str, chat: str, answer: str) -> list[Message]:
    """Return all in which a person reads the answer, once there is one that has ended."""
    await teams.until(
        person, chat, lambda view: [m for m in view.bots if answer in m.text and not m.growing] or None, 90
    )
    return [message for message in (await teams.seen(person, chat)).bots if answer in message.text]


@pytest.mark.timeout(400)
@pytest.mark.promise("teams.killed")
async def test_nobody_is_left_without_an_answer_and_no_run_is_doubled(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    teams, mark = pair.teams, random.randrange(10**9)
    await pair.use("a")
    chats = await crowd(pair)
    await pair.down("b")
    waiting = {person: f"{mark}-{number}x" for number, person in enumerate(chats)}
    for kill in range(KILLS):
        share = list(waiting.items())[kill * CROWD // KILLS : (kill + 1) * CROWD // KILLS]
        speaking = [
            asyncio.create_task(teams.say(person, chats[person], f"repeat slowly {word}")) for person, word in share
        ]
        await asyncio.wait(speaking[::2])  # half of them wait, at least
        await asyncio.wait(speaking, timeout=random.uniform(0.1, 3))
        await pair.down("a", kill=True)
        for (person, _), task in zip(share, speaking, strict=True):
            if (await task).answers[0].status != 200:
                del waiting[person]  # Teams itself would try again
        await pair.use("a")
    found = {person: await heard(teams, person, chats[person], f"You said {word}.") for person, word in waiting.items()}
    doubled = sum(sum(not message.growing for message in messages) > 1 for messages in found.values())
    views = [await teams.seen(person, chats[person]) for person in waiting]
    cut = sum(any(message.growing for message in view.bots) for view in views)
    runs = await pair.query(
        "select input, count(*) from runs where input like $1 group by 1", f"repeat slowly {mark}-%"
    )
    with capsys.disabled():
        print(f"\n{len(waiting)} of {CROWD} taken, {KILLS} kills: {doubled} said twice, {cut} cut off while they grew")
    counts = Counter({row["input"]: row["count"] for row in runs})
    assert {f"repeat slowly {word}" for word in waiting.values()} <= counts.keys()
    assert set(counts.values()) == {1}
    assert len(waiting) >= CROWD // 2
    assert doubled <= 2 * KILLS
    await pair.up("b")
