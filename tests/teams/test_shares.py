"""Nobody keeps others from being answered: not by how much they write, and not by what they send along."""

import asyncio
import itertools
import random

import orjson
import pytest

from charter.channels.teams.fetching import SECONDS
from tests.teams.client import Teams
from tests.teams.conftest import Delegated, anew
from tests.teams.pair import Pair
from tests.teams.saying import until
from tests.teams.seeing import answer, reply
from tests.teams.store import store
from tests.teams.views import Said

MANY = 60
"""Of two people, more than a host works on at once."""
FEW = 5
"""More than have become free of what a host works on since the first of them gave up a file."""
SLOW = 10
"""Of each of them; the next one is asked for when the one before it is given up."""


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.shares")
async def test_who_writes_much_while_something_of_theirs_is_slow_keeps_nobody_waiting(delegated: Delegated) -> None:
    teams, both = delegated.teams, ("carol", "dora")
    for person in both:
        await anew(teams, person)
    bobs, group = await anew(teams, "bob"), await teams.group(*both)
    async with store() as drive:
        slow = drive.file("slow.txt", b"")
        drive.silent.add("/slow.txt?tempauth=a%2Fb")
        for _, person in itertools.product(range(SLOW), both):
            await teams.say(person, group, f"read {random.randrange(10**9)}", mention=True, attachments=[slow])
        await _write_much(teams, both, group, MANY)
        # Each has given up one file and asks for the next one: until then a host has looked for what was left behind, too.
        await until(lambda: len(drive.asked) >= 4, 3 * SECONDS)
        # However slow the machine is: bob has his answer while nothing of theirs has moved on.
        answered_first = False
        for _ in range(5):
            await _write_much(teams, both, group, FEW)
            asked = len(drive.asked)
            said = await teams.say("bob", bobs, "hello")
            await teams.until("bob", bobs, answer(said, "Good day."), 3 * SECONDS)
            if answered_first := len(drive.asked) == asked:
                break
        assert answered_first
    await teams.until("carol", group, lambda view: sum("/help" in each.words for each in view.bots) >= 5, 60)


async def _write_much(teams: Teams, people: tuple[str, ...], group: str, times: int) -> None:
    for _, person in itertools.product(range(times), people):
        told = await teams.say(person, group, "/help", mention=True)
        assert [each.status for each in told.answers] == [200]


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.shares")
async def test_what_cannot_be_read_any_more_keeps_nothing_else_from_being_found(pair: Pair) -> None:
    """As after an update: what stands first was kept by a version that read it otherwise."""
    await pair.use("a")
    bobs, number = await anew(pair.teams, "bob"), random.randrange(10**9)
    names = [f"unreadable {number}", f"good {number}"]
    [known] = await pair.query("select service_url, bot_id from teams_conversations where id = $1", bobs)
    good = {
        "type": "message", "id": names[1], "channelId": "msteams", "serviceUrl": known["service_url"], "text": "hello",
        "from": {"id": (await pair.teams.seen("bob", bobs)).account, "aadObjectId": "bob"},
        "recipient": {"id": known["bot_id"]}, "conversation": {"id": bobs, "conversationType": "personal", "tenantId": "contoso"},
    }  # fmt: skip
    await pair.query(
        "insert into teams_inbox (tenant, conversation, activity, person, body, received_at) values "
        "('contoso', 'a:nobody', $1, 'bob', $2, now() - interval '1 hour'), ('contoso', $3, $4, 'bob', $5, now())",
        names[0], '{"type": "message"}', bobs, names[1], orjson.dumps(good).decode(),
    )  # fmt: skip
    async with asyncio.timeout(60):
        while len(await pair.query("select 1 from teams_inbox where activity = any($1) and state = 'done'", names)) < 2:
            await asyncio.sleep(0.1)
    await pair.teams.until("bob", bobs, reply(Said(bobs, "bob", names[1], []), "Good day."))
