"""Nobody keeps others from being answered: not by how much they write, and not by what they send along."""

import asyncio
import random

import pytest

from charter.channels.teams.fetching import SECONDS
from tests.teams.conftest import Delegated, anew
from tests.teams.seeing import answer
from tests.teams.store import store

MANY = 110
"""More than a host works on at once."""


@pytest.mark.promise("teams.shares")
async def test_who_writes_much_while_something_of_theirs_is_slow_keeps_nobody_waiting(delegated: Delegated) -> None:
    teams = delegated.teams
    await anew(teams, "carol")
    bobs, group = await anew(teams, "bob"), await teams.group("carol", "dora")
    async with store() as drive:
        slow = drive.file("slow.txt", b"")
        drive.silent.add("/slow.txt?tempauth=a%2Fb")
        await teams.say("carol", group, f"read this {random.randrange(10**9)}", mention=True, attachments=[slow])
        async with asyncio.timeout(5):
            while not drive.asked:
                await asyncio.sleep(0.01)
        for _ in range(MANY):
            told = await teams.say("carol", group, "/help", mention=True)
            assert [each.status for each in told.answers] == [200]
        # Longer than until a host looks for what was left behind.
        for _ in range(3):
            said = await teams.say("bob", bobs, "hello")
            await teams.until("bob", bobs, answer(said, "Good day."), SECONDS / 4)
        await teams.until("carol", group, lambda view: sum("/help" in each.words for each in view.bots) >= 5)
