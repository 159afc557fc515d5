"""Group chats and channels: the agent hears mentions alone, and says to all only what all of them may read."""

import asyncio
import random

import pytest

from tests.teams.conftest import Delegated
from tests.teams.grouping import ELSEWHERE, aloud, private, told, whisper
from tests.teams.seeing import answer, words

LEAVE = "How many days of annual leave do I have left?"
POLICY = "What does the policy say about rental cars?"


async def _days(delegated: Delegated, person: str, tenant: str = "contoso") -> str:
    """Give somebody a number of days that nobody else has, and return what the agent says of it."""
    days = random.randrange(10**6, 10**8)
    asked = {"tenant": tenant, "employee": person, "leave_type": "annual", "days": days}
    await delegated.host.sandbox("people", "/_sandbox/entitlements", "PUT", asked)
    booked = {"alice": 9, "bob": 15, "carol": 10, "dora": 10, "frank": 13, "mona": 10}
    return f"You have {days - booked[person]} days"


async def _signed_in(delegated: Delegated, *people: str) -> None:
    """Let people sign in in their own chats: in channels no client does it in silence."""
    teams = delegated.teams
    for person in people:
        own = await teams.personal(person)
        said = await teams.say(person, own, "/status")
        await teams.until(person, own, answer(said, "How things stand"))


async def _runs(delegated: Delegated, person: str) -> list[str]:
    return [run["input"] for run in (await delegated.host.call(person, "GET", "/v1/runs?limit=50")).body["items"]]


@pytest.mark.promise("teams.groups")
async def test_only_what_mentions_the_agent_is_heard_and_the_mention_is_taken_out(delegated: Delegated) -> None:
    teams, number = delegated.teams, random.randrange(10**9)
    group = await teams.group("alice", "bob")
    unheard = {"type": "message", "text": f"hello among us {number}"}
    assert (await teams.post(unheard, person="alice", conversation=group)).status == 200
    await teams.say("alice", group, f"hello {number}", mention=True)
    await teams.until("alice", group, aloud("Good day."))
    asked = await _runs(delegated, "alice")
    assert f"hello {number}" in asked
    assert f"hello among us {number}" not in asked


@pytest.mark.promise("teams.groups")
async def test_an_answer_in_a_channel_stands_in_its_thread_and_names_who_asked(delegated: Delegated) -> None:
    teams = delegated.teams
    channel = await teams.channel("alice", "bob", team=f"planning {random.randrange(10**9)}")
    await _signed_in(delegated, "alice", "bob")
    first = await teams.say("alice", channel, "hello", mention=True)
    second = await teams.say("bob", channel, "hello", mention=True)
    for person, said in (("alice", first), ("bob", second)):
        found = await teams.until(
            "bob", channel, lambda view, root=said.activity: next((m for m in view.bots if m.root == root), None)
        )
        assert "Good day." in found.words
        account = (await teams.seen(person, channel)).account
        mentioned = [each["mentioned"]["id"] for each in found.activity["entities"] if each["type"] == "mention"]
        assert mentioned == [account]


@pytest.mark.promise("teams.groups.private")
async def test_what_is_somebodys_own_is_told_to_them_alone_and_the_others_read_that_it_was(
    delegated: Delegated,
) -> None:
    teams, days = delegated.teams, await _days(delegated, "alice")
    group = await teams.group("alice", "bob", "carol")
    await teams.say("alice", group, LEAVE, mention=True)
    await teams.until("alice", group, private(days))
    for other in ("bob", "carol"):
        await teams.until(other, group, aloud(ELSEWHERE))
        assert days.split()[2] not in told(await teams.seen(other, group))


@pytest.mark.promise("teams.groups.private")
async def test_a_group_sees_the_task_and_neither_its_arguments_nor_the_question_to_the_approver(
    delegated: Delegated,
) -> None:
    teams, item = delegated.teams, f"standing desk {random.randrange(10**6)}"
    group, bobs = await teams.group("alice", "bob", "dora"), await teams.personal("bob")
    await teams.say("alice", group, "/new buyer", mention=True)
    await teams.until("alice", group, private("begin anew"))
    await teams.say("alice", group, f"order a {item} for 1,450 EUR", mention=True)
    asked = await teams.until("bob", bobs, words("Your approval is asked", item))
    task = await teams.until("dora", group, aloud("Waiting", item))
    assert "Approve" not in task.buttons
    for hidden in ("145000", "1,450.00", "digest", "approve"):
        assert hidden not in told(await teams.seen("dora", group))
    assert (await teams.click("dora", group, task.id, "Cancel")).effect == "error"
    await teams.click("bob", bobs, asked.id, "Approve")
    await teams.until("alice", group, private("is placed", item))
    await teams.until("dora", group, aloud(ELSEWHERE))
    assert "is placed" not in told(await teams.seen("bob", group))


@pytest.mark.promise("teams.groups.private")
@pytest.mark.parametrize("whispered", [False, True])
async def test_commands_are_answered_in_private(delegated: Delegated, *, whispered: bool) -> None:
    teams = delegated.teams
    group = await teams.group("alice", "bob")
    await teams.until("bob", group, aloud("Mention me"))
    for command, heading in (
        ("/help", "What you can write"),
        ("/tasks", "Your tasks"),
        ("/status", "How things stand"),
        ("/new", "begin anew"),
    ):
        if whispered:
            assert (await whisper(teams, "alice", group, command)).status == 200
        else:
            await teams.say("alice", group, command, mention=True)
        await teams.until("alice", group, private(heading))
    assert len((await teams.seen("bob", group)).bots) == 1


@pytest.mark.promise("teams.groups.private")
async def test_what_was_said_to_the_agent_alone_stays_between_them(delegated: Delegated) -> None:
    teams, number = delegated.teams, random.randrange(10**9)
    group, bobs = await teams.group("alice", "bob"), await teams.personal("bob")
    await teams.until("bob", group, aloud("Mention me"))
    await whisper(teams, "alice", group, f"hello {number}")
    await teams.until("alice", group, private("Good day."))
    await teams.say("alice", group, "what did I say before", mention=True)
    await teams.until("alice", group, private("You said more before."))
    await whisper(teams, "alice", group, "/new buyer")
    await teams.until("alice", group, private("begin anew"))
    await whisper(teams, "alice", group, f"order a secret {number} for 1,450 EUR")
    card = await teams.until("alice", group, private("Waiting", str(number)))
    asked = await teams.until("bob", bobs, words("Your approval is asked", str(number)))
    await teams.click("bob", bobs, asked.id, "Approve")
    done = await teams.until("alice", group, private("Done", str(number)))
    assert done.id == card.id
    seen = await teams.seen("bob", group)
    assert str(number) not in told(seen)
    assert [ELSEWHERE in message.words for message in seen.bots] == [False, True]


@pytest.mark.promise("teams.groups.private")
async def test_where_somebody_of_another_house_reads_along_every_answer_is_private(delegated: Delegated) -> None:
    teams = delegated.teams
    group = await teams.group("alice", "bob", "frank")
    await teams.say("alice", group, "hello", mention=True)
    await teams.until("alice", group, private("Good day."))
    for other in ("bob", "frank"):
        await teams.until(other, group, aloud(ELSEWHERE))
        assert "Good day." not in told(await teams.seen(other, group))
    await teams.members(group, remove=["frank"])
    await teams.say("bob", group, "hello", mention=True)
    await teams.until("alice", group, aloud("Good day."))


@pytest.mark.promise("teams.groups.private")
async def test_where_nobody_can_tell_who_reads_along_the_answer_is_private(delegated: Delegated) -> None:
    teams = delegated.teams
    group = await teams.group("alice", "bob")
    await teams.fault("members", 403, times=100, conversation=group)
    await teams.say("alice", group, "hello", mention=True)
    await teams.until("alice", group, private("Good day."))
    assert "Good day." not in told(await teams.seen("bob", group))


@pytest.mark.promise("teams.groups.private")
async def test_what_cannot_be_said_in_private_there_comes_in_the_persons_own_chat(delegated: Delegated) -> None:
    teams, days = delegated.teams, await _days(delegated, "carol")
    await _signed_in(delegated, "carol")
    group, own = await teams.group("carol", "bob"), await teams.personal("carol")
    await teams.until("bob", group, aloud("Mention me"))
    await teams.fault("send", 400, times=2, conversation=group)
    await teams.say("carol", group, LEAVE, mention=True)
    await teams.until("carol", own, words(days))
    assert days.split()[2] not in told(await teams.seen("bob", group))
    assert private(days)(await teams.seen("carol", group)) is None


@pytest.mark.promise("teams.groups.private")
@pytest.mark.parametrize("who", ["the person", "the agent"])
async def test_who_asked_has_the_answer_in_their_own_chat_when_they_or_the_agent_have_left(
    delegated: Delegated, who: str
) -> None:
    teams = delegated.teams
    await _signed_in(delegated, "carol")
    group, own = await teams.group("bob", "carol"), await teams.personal("carol")
    before = len((await teams.seen("carol", own)).bots)
    await teams.fault("send", 503, times=1_000, conversation=group)
    try:
        await teams.say("carol", group, "take your time", mention=True)
        if who == "the person":
            await teams.members(group, remove=["carol"])
        else:
            await teams.install(group, installed=False)
    finally:
        await teams.heal()  # whenever its answer was there: none of it was said before they had left
    await teams.until(
        "carol", own, lambda view: next((m for m in view.bots[before:] if "after some time." in m.words), None)
    )
    assert "after some time." not in (await teams.seen("bob", group)).words


@pytest.mark.promise("teams.groups.private")
async def test_who_has_to_sign_in_is_asked_alone_and_their_request_goes_on(delegated: Delegated) -> None:
    teams, days = delegated.teams, await _days(delegated, "dora")
    group = await teams.group("dora", "bob")
    await teams.say("dora", group, "/signout", mention=True)
    await teams.until("dora", group, private("You are signed out"))
    await teams.clients("dora", 0)
    await teams.say("dora", group, LEAVE, mention=True)
    card = await teams.until("dora", group, lambda view: next((m for m in view.bots if m.sign_in), None))
    assert card.targeted
    assert all(not message.sign_in for message in (await teams.seen("bob", group)).bots)
    assert (await teams.sign_in("dora", group)).status == 200
    await teams.clients("dora", 2)
    await teams.until("dora", group, private(days))


@pytest.mark.promise("teams.groups")
async def test_two_who_ask_at_the_same_time_each_get_their_own(delegated: Delegated) -> None:
    teams = delegated.teams
    own = {person: await _days(delegated, person) for person in ("alice", "bob")}
    group = await teams.group("alice", "bob")
    await asyncio.gather(*(teams.say(person, group, LEAVE, mention=True) for person in own))
    for person, other in (("alice", "bob"), ("bob", "alice")):
        await teams.until(person, group, private(own[person]))
        assert own[other].split()[2] not in told(await teams.seen(person, group))


@pytest.mark.promise("teams.groups")
async def test_each_has_a_thread_there_and_what_was_private_in_it_keeps_it_private(delegated: Delegated) -> None:
    teams, days = delegated.teams, await _days(delegated, "alice")
    group = await teams.group("alice", "bob")
    await teams.say("alice", group, LEAVE, mention=True)
    await teams.until("alice", group, private(days))
    await teams.say("bob", group, "hello", mention=True)
    await teams.until("alice", group, aloud("Good day."))
    await teams.say("alice", group, "what did I say before", mention=True)
    await teams.until("alice", group, private("You said more before."))
    assert "You said more before." not in told(await teams.seen("bob", group))
    await teams.say("alice", group, "/new", mention=True)
    await teams.until("alice", group, private("begin anew"))
    await teams.say("alice", group, "overloaded hello", mention=True)
    await teams.until("alice", group, private("That did not work"))
    assert "That did not work" not in told(await teams.seen("bob", group))
    threads = {
        person: {
            run["thread"]
            for run in (await delegated.host.call(person, "GET", "/v1/runs?limit=3")).body["items"]
            if run["input"] in {"hello", "what did I say before"}
        }
        for person in ("alice", "bob")
    }
    assert not threads["alice"] & threads["bob"]


@pytest.mark.promise("teams.groups")
async def test_what_the_whole_tenant_may_read_is_said_to_all(delegated: Delegated) -> None:
    teams = delegated.teams
    await delegated.host.library_read()
    group = await teams.group("alice", "bob", "dora")
    await teams.say("alice", group, POLICY, mention=True)
    found = await teams.until("dora", group, aloud("The policy says"))
    assert "[1]" in found.words
    assert ELSEWHERE not in (await teams.seen("bob", group)).words
