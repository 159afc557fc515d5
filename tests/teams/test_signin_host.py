"""A sign-in on a whole host: what was asked goes on by itself, others are answered meanwhile, and a sign-out ends it."""

import pytest

from tests.teams.conftest import Delegated
from tests.teams.views import View

LEAVE = "How many days of annual leave do I have left?"


def answers(view: View) -> int:
    return view.words.count("days of annual leave left")


@pytest.mark.promise("teams.signin")
async def test_a_task_goes_on_once_its_person_has_signed_in_and_again_after_they_signed_out(
    delegated: Delegated,
) -> None:
    teams = delegated.teams
    await teams.consent("dora", given=False)
    doras, bobs = await teams.personal("dora"), await teams.personal("bob")
    told = answers(await teams.seen("dora", doras))
    await teams.say("dora", doras, LEAVE)
    await teams.until("dora", doras, lambda view: any(message.sign_in for message in view.bots))
    had = answers(await teams.seen("bob", bobs))
    await teams.say("bob", bobs, LEAVE)
    await teams.until("bob", bobs, lambda view: answers(view) == had + 1)
    assert answers(await teams.seen("dora", doras)) == told
    assert (await teams.sign_in("dora", doras)).status == 200
    await teams.until("dora", doras, lambda view: answers(view) == told + 1)
    await teams.say("dora", doras, "/signout")
    await teams.until("dora", doras, lambda view: "You are signed out." in view.words)
    await teams.consent("dora", given=False)
    await teams.say("dora", doras, LEAVE)
    await teams.until("dora", doras, lambda view: sum(message.sign_in is not None for message in view.bots) == 2)
    assert answers(await teams.seen("dora", doras)) == told + 1
    assert (await teams.sign_in("dora", doras)).status == 200
    await teams.until("dora", doras, lambda view: answers(view) == told + 2)
