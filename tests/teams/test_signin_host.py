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
    await teams.say("dora", doras, LEAVE)
    await teams.until("dora", doras, lambda view: any(message.sign_in for message in view.bots))
    answered = await teams.answered(await teams.say("bob", bobs, LEAVE), 2)
    assert "days of annual leave left" in answered.text
    assert answers(await teams.seen("dora", doras)) == 0
    assert (await teams.sign_in("dora", doras)).status == 200
    await teams.until("dora", doras, lambda view: answers(view) == 1)
    await teams.say("dora", doras, "/signout")
    await teams.until("dora", doras, lambda view: "You are signed out." in view.words)
    await teams.consent("dora", given=False)
    await teams.say("dora", doras, LEAVE)
    await teams.until("dora", doras, lambda view: sum(message.sign_in is not None for message in view.bots) == 2)
    assert answers(await teams.seen("dora", doras)) == 1
    assert (await teams.sign_in("dora", doras)).status == 200
    await teams.until("dora", doras, lambda view: answers(view) == 2)
