"""A sign-in on a whole host: what was asked goes on by itself, others are answered meanwhile, and a sign-out ends it."""

import pytest

from tests.teams.client import Teams
from tests.teams.conftest import Delegated
from tests.teams.seeing import answer, words
from tests.teams.views import View

LEAVE = "How many days of annual leave do I have left?"


def answers(view: View) -> int:
    whole = [message for message in view.messages if not message.growing and not message.deleted]
    return sum(message.words.count("days of annual leave left") for message in whole)


def asked_in(view: View) -> int:
    return sum(message.sign_in is not None for message in view.bots)


async def sign_out(teams: Teams, person: str, chat: str) -> None:
    """Sign somebody out who may or may not be signed in, and let nobody sign them in without their consent."""
    said = await teams.say(person, chat, "/signout")
    await teams.until(person, chat, answer(said, "You are signed out"))
    await teams.consent(person, given=False)


@pytest.mark.promise("teams.signin")
async def test_a_task_goes_on_once_its_person_has_signed_in_and_again_after_they_signed_out(
    delegated: Delegated,
) -> None:
    teams = delegated.teams
    doras, bobs = await teams.personal("dora"), await teams.personal("bob")
    await sign_out(teams, "dora", doras)
    before = await teams.seen("dora", doras)
    told, cards = answers(before), asked_in(before)
    await teams.say("dora", doras, LEAVE)
    await teams.until("dora", doras, lambda view: asked_in(view) == cards + 1)
    card = next(message for message in reversed((await teams.seen("dora", doras)).bots) if message.sign_in)
    said = await teams.say("bob", bobs, LEAVE)
    await teams.until("bob", bobs, answer(said, "days of annual leave left"))
    assert answers(await teams.seen("dora", doras)) == told
    assert (await teams.sign_in("dora", doras)).status == 200
    await teams.until("dora", doras, lambda view: answers(view) == told + 1)
    done = await teams.until("dora", doras, words("You are signed in. I go on with what you asked."))
    assert done.id == card.id
    assert done.sign_in is None
    await sign_out(teams, "dora", doras)
    assert "You are signed out." in (await teams.seen("dora", doras)).words
    await teams.say("dora", doras, LEAVE)
    await teams.until("dora", doras, lambda view: asked_in(view) == cards + 1)
    assert answers(await teams.seen("dora", doras)) == told + 1
    assert (await teams.sign_in("dora", doras)).status == 200
    await teams.until("dora", doras, lambda view: answers(view) == told + 2)
