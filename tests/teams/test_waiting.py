"""Much that waits, is slow, or is broken in one place keeps nobody elsewhere waiting."""

import asyncio
import copy
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
import pytest

from tests.teams.client import Teams
from tests.teams.conftest import anew
from tests.teams.pair import Pair
from tests.teams.seeing import answer, words

_UNTOLD = "update teams_tasks set done = false, told_seq = 0, streaming_until = null where run_id = $1"


async def greeted(pair: Pair) -> str:
    """Return a run of alice's that was told."""
    chat, text = await anew(pair.teams, "alice"), f"hello {random.randrange(10**9)}"
    said = await pair.teams.say("alice", chat, text)
    await pair.teams.until("alice", chat, answer(said, "Good day."))
    (run,) = await pair.query("select id from runs where input = $1", text)
    await told(pair, run["id"])
    return run["id"]


async def told(pair: Pair, run: str) -> None:
    """Wait until whoever asked for the run has been told of its end."""
    async with asyncio.timeout(40):
        while not await pair.query("select 1 from teams_tasks where run_id = $1 and done", run):
            await asyncio.sleep(0.1)


@asynccontextmanager
async def busy(pair: Pair) -> AsyncGenerator[None]:
    """Let something be written to a journal all the time."""

    async def write() -> None:
        while True:
            await pair.query("select pg_notify('charter_journal', 'run_other:1:step:running')")
            await asyncio.sleep(0.2)

    writing = asyncio.create_task(write())
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.told.busy")
async def test_what_a_dead_process_left_untold_is_told_however_busy_the_others_are(pair: Pair) -> None:
    await pair.use("a")
    run = await greeted(pair)
    async with busy(pair):
        await pair.query(_UNTOLD, run)
        await told(pair, run)


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.told.busy")
async def test_a_run_of_which_nothing_can_be_told_keeps_no_other_from_being_told(pair: Pair) -> None:
    await pair.use("a")
    broken, run = await greeted(pair), await greeted(pair)
    await pair.query("update runs set output = '\"broken\"' where id = $1", broken)
    await pair.query("update teams_tasks set created_at = created_at - interval '1 day' where run_id = $1", broken)
    try:
        for each in (broken, run):
            await pair.query(_UNTOLD, each)
        await told(pair, run)
    finally:
        await pair.query("update teams_tasks set done = true where run_id = $1", broken)


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.told.busy")
async def test_a_chat_whose_members_are_slow_to_be_told_keeps_no_other_waiting(pair: Pair) -> None:
    teams, number = pair.teams, random.randrange(10**9)
    await pair.use("a")
    await pair.down("b")  # it would tell of what the other is kept from
    for person in ("alice", "dora"):
        await anew(teams, person)
    slow, other = await teams.group("alice", "bob"), await teams.group("dora", "bob")
    await teams.fault("members", delay=30, times=1_000, conversation=slow)  # longer than anybody waits for them
    try:
        asked = await teams.say("alice", slow, f"hello {number}", mention=True)
        async with asyncio.timeout(40):
            while not await pair.query(
                "select 1 from runs where input = $1 and status = 'completed'", f"hello {number}"
            ):
                await asyncio.sleep(0.05)
        said = await teams.say("dora", other, "hello", mention=True)
        await teams.until("dora", other, answer(said, "Good day."), 40)
        assert answer(asked, "Good day.")(await teams.seen("alice", slow)) is None
    finally:
        await teams.heal()
        await pair.up("b")


async def left(pair: Pair, name: str, body: dict[str, Any], attempts: int = 0) -> None:
    """Leave a message of that name behind, like that one, which nobody works on."""
    await pair.query(
        "insert into teams_inbox (tenant, conversation, activity, person, body, attempts) values ('contoso', $1, $2, $3, $4::jsonb, $5)",
        body["conversation"]["id"], name, body["from"]["aadObjectId"],
        orjson.dumps(body | {"id": name, "text": "hello"}).decode(), attempts,
    )  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.inbox.hopeless")
async def test_what_every_process_died_over_is_given_up_and_told(pair: Pair) -> None:
    teams, name = pair.teams, f"deadly-{random.randrange(10**9)}"
    await pair.use("a")
    chat = await anew(teams, "alice")
    asked = (await teams.record(kind="posted", type="message"))[-1]["activity"]
    before = sum("That did not work" in message.words for message in (await teams.seen("alice", chat)).bots)
    await left(pair, name, asked, attempts=10)
    async with asyncio.timeout(60):
        while not await pair.query("select 1 from teams_inbox where activity = $1 and state = 'done'", name):
            await asyncio.sleep(0.1)
        while before == sum("That did not work" in each.words for each in (await teams.seen("alice", chat)).bots):
            await asyncio.sleep(0.1)


async def _asked_for(teams: Teams) -> int:
    """Return how often the host has asked for somebody's token."""
    return len(await teams.record(kind="asked", operation="token"))


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.inbox.fair")
async def test_a_tenant_with_much_to_be_worked_on_does_not_keep_another_waiting(pair: Pair) -> None:
    teams, mark = pair.teams, f"stranger-{random.randrange(10**9)}"
    await pair.use("a")
    franks, alices = await anew(teams, "frank"), await anew(teams, "alice")
    await teams.say("alice", alices, "/status")
    await teams.until("alice", alices, words("How things stand"))
    asked, before = (await teams.record(kind="posted", type="message"))[-1]["activity"], await _asked_for(teams)
    await teams.fault("token", delay=30, times=1000)  # longer than anybody waits for one
    try:
        for number in range(150):
            body = copy.deepcopy(asked)
            body["from"] |= {"id": f"29:{mark}-{number}", "aadObjectId": f"{mark}-{number}"}
            body["conversation"]["id"] = f"a:{mark}-{number}"
            await left(pair, f"{mark}-{number}", body)
        async with asyncio.timeout(60):
            while await _asked_for(teams) < before + 12:
                await asyncio.sleep(0.1)
        # However slow the machine is: frank has his answer while nothing of theirs has moved on.
        answered_first = False
        for _ in range(3):
            asked_for = await _asked_for(teams)
            said = await teams.say("frank", franks, "hello")
            await teams.until("frank", franks, answer(said, "Good day."), 60)
            if answered_first := await _asked_for(teams) == asked_for:
                break
        assert answered_first
    finally:
        await pair.query("update teams_inbox set state = 'done', body = null where activity like $1", f"{mark}-%")
        await teams.heal()
