"""People sign in once, in private, and what they had asked goes on by itself."""

import asyncio
from typing import Any

import pytest

from charter.channels.teams import pending, standing
from charter.channels.teams.incoming import Activity
from charter.errors import AuthorityLost
from tests.identity.conftest import room
from tests.teams.signing import Signing, sign
from tests.teams.views import Message, View
from tests.twins.running import http, signing_keys, twin

__all__ = ["http", "room", "sign", "signing_keys", "twin"]

_WAITED_FOR = "select count(*) from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"
"""How many wait for a lock that this session has."""
CONSENT = "The token cannot be exchanged; the person has to consent."


def cards(view: View) -> list[Message]:
    return [message for message in view.bots if message.sign_in is not None]


async def carded(sign: Signing, person: str, chat: str, count: int = 1) -> list[Message]:
    """Wait until somebody sees so many sign-in cards, and what asked for them is not under way any more."""
    seen = await sign.teams.until(person, chat, lambda view: found if len(found := cards(view)) == count else None)
    await sign.idle()
    return seen


async def without_consent(sign: Signing, person: str = "alice") -> str:
    """Return the chat of somebody whose client cannot sign them in in silence."""
    await sign.teams.consent(person, given=False)
    return await sign.teams.personal(person)


async def answered(sign: Signing, name: str, count: int) -> list[int]:
    """Wait until so many invokes of a name were answered, and return how."""
    async with asyncio.timeout(30):
        while True:
            told = await sign.teams.record(kind="posted", name=name)
            if len(found := [each["status"] for each in told if "status" in each]) == count:
                return found
            await asyncio.sleep(0.05)


async def waiting(sign: Signing, person: str = "alice") -> list[str]:
    rows = await sign.rows("teams_inbox")
    return [row["body"]["text"] for row in rows if row["state"] == "signing_in" and row["person"] == person]


async def kept(sign: Signing, text: str) -> Activity:
    """Return a message of alice's that was written down and that nobody works on."""
    activity = await sign.activity("alice", text)
    await sign.change(
        "insert into teams_inbox (tenant, conversation, activity, person, body, taken_until) "
        "values ('contoso', $1, $2, 'alice', $3, now() + interval '1 hour')",
        activity.place.conversation, activity.id, dict(activity.raw),
    )  # fmt: skip
    return activity


@pytest.mark.promise("teams.signin")
async def test_two_clients_in_two_processes_make_one_exchange_and_the_message_goes_on_once(sign: Signing) -> None:
    await sign.teams.fault("exchange", delay=8)
    chat = await sign.teams.personal("alice")
    await sign.teams.say("alice", chat, "how many days of leave?")
    [card] = await carded(sign, "alice", chat)
    await sign.teams.heal()
    await sign.until(("alice", "how many days of leave?"))
    assert await answered(sign, "signin/tokenExchange", 2) == [200, 200]
    assert await sign.asked("exchange") == 1
    assert sign.resumed == ["contoso"]
    assert card.sign_in is not None
    assert card.sign_in["tokenExchangeResource"]["uri"] == "api://charter"
    assert "your own rights" in card.sign_in["text"]


@pytest.mark.promise("teams.signin")
async def test_an_exchange_that_comes_late_changes_nothing_and_one_left_behind_is_taken_up(sign: Signing) -> None:
    for _ in range(3):
        assert (await sign.offered("alice", "first")).status == 200
    assert (await sign.asked("exchange"), sign.resumed) == (1, ["contoso"])
    left = "insert into teams_exchanges (tenant, id, person, at) values ('contoso', 'left', 'alice', now() - interval '1 minute')"
    await sign.change(left)
    assert (await sign.offered("alice", "left")).status == 200
    assert await sign.asked("exchange") == 2


@pytest.mark.promise("teams.signin")
async def test_without_consent_the_client_is_told_so_and_the_person_signs_in_by_the_button(sign: Signing) -> None:
    chat = await without_consent(sign)
    await sign.teams.say("alice", chat, "what is my budget?")
    await carded(sign, "alice", chat)
    assert await answered(sign, "signin/tokenExchange", 2) == [412, 412]
    answer = await sign.offered("alice", "again")
    assert (answer.status, answer.body) == (
        412, {"id": "again", "connectionName": "charter", "failureDetail": CONSENT}
    )  # fmt: skip
    assert (sign.worked, await waiting(sign)) == ([], ["what is my budget?"])
    assert (await sign.teams.sign_in("alice", chat)).status == 200
    await sign.until(("alice", "what is my budget?"))
    assert sign.resumed == ["contoso"]


@pytest.mark.promise("teams.signin")
async def test_what_waits_is_asked_for_once_and_all_of_it_goes_on(sign: Signing) -> None:
    chat = await without_consent(sign)
    for text in ("one", "two", "three"):
        await sign.teams.say("alice", chat, text)
    await carded(sign, "alice", chat)
    assert sorted(await waiting(sign)) == ["one", "three", "two"]
    assert len([row for row in await sign.rows("teams_outbox") if row["key"].startswith("signin:")]) == 1
    assert (await sign.teams.sign_in("alice", chat)).status == 200
    await sign.until(("alice", "one"), ("alice", "two"), ("alice", "three"))


@pytest.mark.promise("teams.signin")
async def test_others_are_answered_while_somebodys_sign_in_waits(sign: Signing) -> None:
    chat = await without_consent(sign)
    group = await sign.teams.group("alice", "bob")
    await sign.teams.say("alice", chat, "mine")
    await sign.teams.say("bob", group, "ours", mention=True)
    await sign.until(("bob", "ours"))
    await sign.teams.say("bob", group, "more", mention=True)
    await sign.until(("bob", "ours"), ("bob", "more"))
    assert await waiting(sign) == ["mine"]


@pytest.mark.promise("teams.signin")
async def test_where_several_read_along_only_who_is_meant_sees_that_they_are_to_sign_in(sign: Signing) -> None:
    await sign.teams.consent("alice", given=False)
    group = await sign.teams.group("alice", "bob")
    channel = await sign.teams.channel("alice", "bob", team="buying")
    for place in (group, channel):
        said = await sign.teams.say("alice", place, f"in {place[:4]}", mention=True)
        [card] = await carded(sign, "alice", place)
        assert card.targeted
        assert cards(await sign.teams.seen("bob", place)) == []
        assert card.root in ("", said.activity)
    assert card.root == said.activity


@pytest.mark.promise("teams.signin")
async def test_a_message_that_came_to_wait_behind_the_sign_in_goes_on_all_the_same(sign: Signing) -> None:
    process = sign.first
    await sign.given("alice")
    await sign.teams.clients("alice", 0)  # None of them signs in by the card.
    activity = await kept(sign, "late")
    await process.sign_in.ask("contoso", activity)
    await sign.until(("alice", "late"))
    assert await waiting(sign) == []


@pytest.mark.promise("teams.signin")
async def test_a_message_that_comes_to_wait_while_the_sign_in_is_written_goes_on_too(sign: Signing) -> None:
    chat = await sign.teams.personal("alice")
    await sign.first.sign_in.sign_out("contoso", await sign.activity("alice"))
    await sign.teams.clients("alice", 0)
    await sign.teams.say("alice", chat, "one")
    await carded(sign, "alice", chat)
    await sign.change("update teams_inbox set state = 'done' where person = 'alice'")  # or it would let the other go on
    await sign.given("alice")
    late = await kept(sign, "late")
    async with sign.room.database.tenant_session("contoso") as session:
        await standing.arrived(session, "contoso", "alice", ["employee"], signed_in=True)
        await pending.resume(session, "alice")
        asking = asyncio.create_task(sign.first.sign_in.ask("contoso", late))
        async with asyncio.timeout(30):
            while not asking.done() and not await session.fetchval(_WAITED_FOR):
                await asyncio.sleep(0.02)
    await asking
    sign.first.resume("contoso")
    await sign.until(("alice", "late"))


@pytest.mark.promise("teams.signin.own")
async def test_whoever_signs_in_as_somebody_else_is_told_so_and_can_do_it_again(sign: Signing) -> None:
    chat = await without_consent(sign)
    for number, (account, told) in enumerate(
        {"bob": "You signed in as somebody else.", "frank": "another organisation"}.items(), 1
    ):
        await sign.teams.say("alice", chat, f"not {account}")
        await carded(sign, "alice", chat, number)
        assert (await sign.teams.sign_in("alice", chat, account=account)).status == 412
        await sign.teams.until("alice", chat, lambda view, words=told: words in view.words)
    assert (sign.worked, sign.resumed) == ([], [])
    await sign.teams.say("alice", chat, "now me")
    await carded(sign, "alice", chat, 3)
    assert (await sign.teams.sign_in("alice", chat)).status == 200
    await sign.until(("alice", "not bob"), ("alice", "not frank"), ("alice", "now me"))


@pytest.mark.promise("teams.signin.own")
async def test_neither_anothers_token_nor_anothers_exchange_signs_somebody_in(sign: Signing) -> None:
    bobs = await sign.room.twin.token("bob")
    answer = await sign.offered("alice", "x", bobs)
    assert (answer.status, answer.body["failureDetail"]) == (412, CONSENT)
    alice = await sign.activity("alice")
    assert await sign.first.link.token(alice.sender.id, "msteams") is None
    told = await sign.teams.until("alice", alice.place.conversation, lambda view: view.words or None)
    assert "You signed in as somebody else." in told
    assert (await sign.offered("bob", "y", bobs)).status == 200
    assert (await sign.offered("alice", "y")).status == 403
    assert sign.resumed == ["contoso"]


@pytest.mark.promise("teams.signin.own")
async def test_an_exchange_that_names_no_connection_of_ours_or_lacks_a_part_is_refused(sign: Signing) -> None:
    assert (await sign.offered("alice", "x", connection="other")).status == 400
    for identifier in ("", "x" * 513):
        assert (await sign.offered("alice", identifier)).status == 400
    malformed: list[Any] = [{}, [], None, "text", {"id": 1, "connectionName": ["charter"], "token": {}}]
    for value in malformed:
        assert (await sign.invoke("alice", "signin/tokenExchange", value)).status == 400
    assert (await sign.offered("alice", "z", connection="Charter")).status == 200
    assert await sign.asked("exchange") == 1


@pytest.mark.promise("teams.signin.own")
async def test_a_code_that_is_none_or_not_theirs_signs_nobody_in(sign: Signing) -> None:
    for state in ("CancelledByUser", "12345", "1234567", "", None):
        assert (await sign.invoke("alice", "signin/verifyState", {"state": state})).status == 404
    assert await sign.asked("token") == 0
    assert (await sign.invoke("alice", "signin/verifyState", {"state": "000000"})).status == 412
    assert sign.resumed == []


@pytest.mark.promise("teams.signin")
async def test_a_sign_in_that_fails_in_the_client_is_told_once_and_not_where_the_button_helps(sign: Signing) -> None:
    await sign.teams.consent("alice", given=False, where="client")
    chat = await sign.teams.personal("alice")
    await sign.teams.say("alice", chat, "hello")
    [card] = await carded(sign, "alice", chat)
    assert await answered(sign, "signin/failure", 1) == [200]
    assert [row["key"].partition(":")[0] for row in await sign.rows("teams_outbox")] == ["signin"]
    failure = {"code": "resourcematchfailed", "message": "secret words of the client"}
    for _ in range(2):
        answer = await sign.invoke("alice", "signin/failure", failure, replyToId=card.id)
        assert answer.status == 200
    told = await sign.teams.until("alice", chat, lambda view: view.bots[1:] or None)
    assert [message.text[:27] for message in told] == ["You could not be signed in."]
    keys = sorted(row["key"].partition(":")[0] for row in await sign.rows("teams_outbox"))
    assert keys == ["signin", "signin-failed"]


@pytest.mark.promise("teams.signin")
async def test_an_outage_of_the_token_service_is_no_refusal_and_can_be_tried_again(sign: Signing) -> None:
    await sign.teams.fault("exchange", 503)
    assert (await sign.offered("alice", "x")).status == 503
    assert (await sign.offered("alice", "x")).status == 200
    assert sign.resumed == ["contoso"]


@pytest.mark.promise("teams.signout")
async def test_whoever_signs_out_is_asked_to_sign_in_at_once_and_what_runs_in_their_name_ends(sign: Signing) -> None:
    chat = await sign.teams.personal("alice")
    await sign.teams.say("alice", chat, "first")
    await sign.until(("alice", "first"))
    ctx = await sign.room.kept("alice")
    assert [row["principal"] for row in await sign.rows("grants")] == ["alice"]
    await sign.first.sign_in.sign_out("contoso", await sign.activity("alice"))
    assert await sign.rows("grants") == []
    with pytest.raises(AuthorityLost):
        await sign.room.other().renewal.renew(ctx)
    await without_consent(sign)
    await sign.teams.say("alice", chat, "second")
    await carded(sign, "alice", chat, 2)
    assert (await sign.teams.sign_in("alice", chat)).status == 200
    await sign.until(("alice", "first"), ("alice", "second"))


@pytest.mark.promise("teams.signout")
async def test_a_sign_in_that_is_under_way_does_not_undo_a_sign_out(sign: Signing) -> None:
    alice = await sign.activity("alice")
    await sign.given("alice")
    await sign.idle()
    await sign.teams.forget()
    await sign.teams.fault("exchange", delay=8)
    under_way = asyncio.create_task(sign.offered("alice", "first"))
    async with asyncio.timeout(30):
        while not await sign.asked("exchange"):
            await asyncio.sleep(0.01)
    await sign.first.sign_in.sign_out("contoso", alice)
    await sign.teams.heal()
    assert (await under_way).status == 412
    async with sign.room.database.tenant_session("contoso") as session:
        assert await standing.read(session, "contoso", "alice") == standing.Standing(signed_out=True, sign_outs=1)
    assert await sign.first.callers.present("contoso", alice) is None
    assert (await sign.offered("alice", "second")).status == 200
    assert await sign.first.callers.present("contoso", alice) is not None


@pytest.mark.promise("teams.signout")
async def test_who_signs_out_while_the_token_service_is_away_is_signed_out_here(sign: Signing) -> None:
    chat = await sign.teams.personal("alice")
    await sign.given("alice")
    await sign.teams.fault("sign_out", 503)
    process = sign.first
    with pytest.raises(Exception, match="token service"):
        await process.sign_in.sign_out("contoso", await sign.activity("alice"))
    await sign.teams.clients("alice", 0)
    await sign.teams.say("alice", chat, "again")
    await carded(sign, "alice", chat)
    assert (sign.worked, await waiting(sign)) == ([], ["again"])
