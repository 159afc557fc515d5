"""What is to be said in Teams leaves: in order, in its pace, once, and through whatever a connector does."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from charter.channels.teams import outbox
from charter.channels.teams.pace import Pace
from charter.store import tenant_rows
from charter.store.database import Database, Session
from tests.teams.line import Line, line
from tests.teams.saying import OTHER, TENANT, Outbox, outbox_of, said, sending, until

FAST = (10_000, 1.0)


@pytest.fixture
async def box(database: Database) -> AsyncIterator[Outbox]:
    async with outbox_of(database) as here:
        yield here


def texts(there: Line, conversation: str = "a:alice") -> list[str]:
    return [got.body["text"] for got in there.of("send") if got.conversation == conversation and got.status == 200]


def crowded(times: Sequence[float], most: int, seconds: float) -> bool:
    """Tell whether more than so many fell into any such span."""
    return any(later - earlier < seconds for earlier, later in zip(times, times[most:], strict=False))


@pytest.mark.promise("teams.outbox")
async def test_what_is_put_is_said_in_order_and_its_words_are_forgotten(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "a:alice", "19:team;messageid=no", scope="personal")
        await box.put(*(said(f"k{number}") for number in range(6)))
        async with sending(box, there):
            rows = await box.settled()
        assert texts(there) == [f"k{number}" for number in range(6)]
    assert {row["state"] for row in rows.values()} == {"sent"}
    assert [row["activity"] for row in rows.values()] == [f"m{number}" for number in range(1, 7)]
    assert [row["body"] for row in rows.values()] == [None] * 6


async def test_who_is_woken_for_need_not_wait_for_the_next_look(box: Outbox) -> None:
    many = [f"a:{number}" for number in range(20)]
    async with line() as there, sending(box, there) as sender:
        await box.seen(there, *many)
        async with asyncio.timeout(15):  # A look each second would take longer for all of them.
            for number, each in enumerate(many):
                await box.put(said(each, conversation=each))
                sender.wake(TENANT)
                await until(lambda number=number: len(there.got) > number)


async def test_a_thread_a_reply_and_what_is_private_arrive_as_such(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "19:team", scope="channel")
        await box.put(said("k", conversation="19:team", root="17", reply_to="18", private_to="29:alice"))
        async with sending(box, there):
            await box.settled()
        got = there.got[0]
    assert got.conversation == "19:team;messageid=17"
    assert (got.body["replyToId"], got.query) == ("18", {"isTargetedActivity": "true"})


@pytest.mark.promise("teams.outbox.pace")
async def test_a_conversation_hears_no_more_than_teams_allows(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "a:alice")
        await box.put(*(said(f"k{number}") for number in range(18)))
        async with sending(box, there):
            await box.settled()
        times = [got.at for got in there.of("send")]
    assert len(times) == 18
    assert not crowded(times, 7, 1)
    assert not crowded(times, 8, 2)


@pytest.mark.promise("teams.outbox.pace")
async def test_all_conversations_together_hear_no_more_than_fifty_a_second(box: Outbox) -> None:
    many = [f"a:{number}" for number in range(130)]
    async with line() as there:
        await box.seen(there, *many)
        await box.put(*(said(each, conversation=each) for each in many))
        began = time.monotonic()
        async with sending(box, there):
            await box.settled()
        times = [got.at for got in there.of("send")]
    assert len(times) == 130
    assert times[-1] - began > 2


@pytest.mark.promise("teams.outbox.busy")
@pytest.mark.parametrize("status", [429, 412, 502, 504])
async def test_a_busy_connector_gets_it_later_and_nothing_overtakes(box: Outbox, status: int) -> None:
    async with line() as there:
        await box.seen(there, "a:alice", "a:bob")
        there.fail("send", status, times=1_000, conversation="a:alice")
        await box.put(said("first"))
        async with sending(box, there):
            await until(lambda: there.got)
            await box.put(said("second"), said("other", conversation="a:bob"))
            await box.settled("other")
            there.faults.clear()
            rows = await box.settled()
        tried = [got.body["text"] for got in there.got if got.conversation == "a:alice"]
        assert texts(there) == ["first", "second"]
    assert rows["first"]["attempts"] >= 2
    assert tried == [*["first"] * rows["first"]["attempts"], "second"]


@pytest.mark.promise("teams.outbox.busy")
async def test_a_connector_that_names_its_time_gets_it(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "a:alice", person="alice")
        there.fail("send", 429, headers={"Retry-After": "4"})
        await box.put(said("first"))
        async with sending(box, there):
            await box.put_off("first")
            await box.put(said("second", person="alice"))
            await box.settled()
        times = [got.at for got in there.got]
    assert len(times) == 3
    assert times[1] - times[0] >= 4, "by another way the same conversation is not spoken to either"


async def test_what_nobody_takes_for_a_day_is_given_up_with_the_reason(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "a:alice")
        there.fail("send", 503, times=100)
        await box.put(said("k"))
        async with sending(box, there, patience=1):
            rows = await box.settled()
    assert rows["k"]["state"] == "given_up"
    assert rows["k"]["reason"] == "The connector answered 503."
    assert rows["k"]["body"] is None
    assert rows["k"]["attempts"] > 1


@pytest.mark.parametrize(("status", "reason"), [(400, "400"), (413, "413"), (403, "403"), (404, "404")])
async def test_what_will_never_be_taken_is_given_up_at_once_and_holds_nobody_up(
    box: Outbox, status: int, reason: str
) -> None:
    async with line() as there:
        await box.seen(there, "a:alice")
        there.fail("send", status)
        await box.put(said("first"), said("second"))
        async with sending(box, there):
            rows = await box.settled()
    assert (rows["first"]["state"], rows["second"]["state"]) == ("given_up", "sent")
    assert reason in rows["first"]["reason"]


async def test_a_conversation_that_nobody_knows_is_given_up(box: Outbox) -> None:
    async with line() as there:
        await box.put(said("k"))
        async with sending(box, there):
            rows = await box.settled()
        assert there.got == []
    assert rows["k"]["reason"] == "The bot is not in that conversation."


# -- edits


@pytest.mark.promise("teams.outbox.edits")
async def test_an_edit_replaces_what_was_said(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "a:alice")
        await box.put(said("card"), said("card 2", edits="card"))
        async with sending(box, there):
            await box.settled()
            await box.put(said("card 3", edits="card"))
            await box.settled()
        assert [(got.operation, got.target, got.body["text"]) for got in there.got] == [
            ("send", "", "card"),
            ("edit", "m1", "card 2"),
            ("edit", "m1", "card 3"),
        ]


@pytest.mark.promise("teams.outbox.edits")
async def test_of_edits_that_wait_only_the_newest_leaves(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "a:alice")
        await box.put(said("card"), *(said(f"card {number}", edits="card") for number in range(2, 30)))
        later = datetime.now(UTC) + timedelta(hours=1)
        await box.put(said("card 99", edits="card", due=later))
        async with sending(box, there):
            rows = await box.settled("card 29")
        assert [got.body["text"] for got in there.of("edit")] == ["card 29"]
    assert rows["card 2"]["reason"] == "overtaken"
    assert rows["card 99"]["state"] == "waiting"


@pytest.mark.promise("teams.outbox.edits")
async def test_an_edit_waits_for_what_it_changes_and_holds_nobody_else_up(box: Outbox) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    async with line() as there:
        await box.seen(there, "a:alice")
        await box.put(said("card", due=later), said("card 2", edits="card"), said("other"))
        async with sending(box, there):
            await box.settled("other")
            await box.change("due_at = clock_timestamp()", "card")
            await box.settled()
        assert [got.body["text"] for got in there.got] == ["other", "card", "card 2"]


@pytest.mark.promise("teams.outbox.edits")
async def test_an_edit_of_what_was_never_said_is_dropped(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "a:alice")
        there.fail("send", 400)
        await box.put(said("card"), said("card 2", edits="card"), said("none 2", edits="none"), said("end"))
        async with sending(box, there):
            rows = await box.settled()
        assert there.of("edit") == []
    assert rows["card 2"]["state"] == rows["none 2"]["state"] == "given_up"
    assert rows["end"]["state"] == "sent"


# -- people


@pytest.mark.promise("teams.outbox.people")
async def test_a_person_is_reached_in_their_chat_which_is_opened_once(box: Outbox) -> None:
    async with line() as there:
        await box.seen(there, "19:team", scope="channel")
        await box.seen(there, "a:hers", person="carol")
        await box.put(*(said(f"{who} {n}", person=who) for n in range(2) for who in ("alice", "carol")))
        async with sending(box, there):
            await box.settled()
        assert [got.body["tenantId"] for got in there.of("create")] == ["tid-tells"]
        assert texts(there, "a:alice") == ["alice 0", "alice 1"]
        assert [got.body["text"] for got in there.of("send") if "carol" in got.body["text"]] == ["carol 0", "carol 1"]


@pytest.mark.promise("teams.outbox.people")
async def test_who_cannot_be_reached_is_told_of_in_the_same_breath(box: Outbox) -> None:
    heard: list[tuple[str, str, str]] = []

    async def unreachable(session: Session, taken: outbox.Taken) -> None:
        heard.append((taken.tenant, taken.said.key, taken.said.person))
        await outbox.put(session, taken.tenant, said("about it", conversation="a:bob"))

    async with line() as there:
        await box.seen(there, "a:bob")
        there.fail("create", 403)
        await box.put(said("k", person="alice"))
        async with sending(box, there, unreachable=unreachable):
            await box.settled("k")
            rows = await box.settled()
        assert texts(there, "a:bob") == ["about it"]
    assert heard == [(TENANT, "k", "alice")]
    assert rows["k"]["state"] == "given_up"


# -- several processes, tenants, ends


@pytest.mark.promise("teams.outbox.once")
async def test_two_senders_lose_nothing_and_double_nothing(box: Outbox, database_url: str) -> None:
    many = [f"a:{number}" for number in range(50)]
    beside = Database(database_url)
    await beside.open()
    async with line() as there:
        await box.seen(there, *many)
        await box.put(*(said(f"{each} {n}", conversation=each) for n in range(10) for each in many))
        wide = {"conversation": (FAST,), "everything": (FAST,)}
        second = Outbox(beside, box.tenants)
        async with sending(box, there, pace=Pace(**wide)), sending(second, there, pace=Pace(**wide)):
            rows = await box.settled(seconds=60)
        heard = [got.body["text"] for got in there.of("send")]
        by_one = {each: texts(there, each) for each in many}
    await beside.close()
    assert len(heard) == len(set(heard)) == len(rows) == 500
    assert all(found == sorted(found) for found in by_one.values())


@pytest.mark.promise("teams.outbox.fair")
async def test_a_tenant_with_much_to_say_does_not_silence_another(box: Outbox) -> None:
    many = [f"a:{number}" for number in range(200)]
    other = Outbox(box.database, box.tenants, OTHER)
    over = asyncio.Event()
    async with line() as there:
        there.fail("send", 503, until=over, times=200)
        await box.seen(there, *many)
        await other.seen(there, "a:frank")
        await box.put(*(said(each, conversation=each) for each in many))
        async with sending(box, there, at_once=4) as sender:
            await until(lambda: len(there.got) >= 3)
            there.faults[0].times = 0
            await other.put(said("k", conversation="a:frank"))
            sender.wake(OTHER)
            await other.settled()
            assert len(there.got) == 4, "it waited for a place of the other one's"
            over.set()


async def test_nothing_is_said_for_a_suspended_tenant(box: Outbox) -> None:
    async def suspend(suspended: bool) -> None:
        async with box.database.crossing() as session:
            row = await tenant_rows.find(session, TENANT)
            assert row is not None
            await tenant_rows.change(session, TENANT, {**dict(row), "suspended": suspended})
        await box.tenants.read()

    async with line() as there:
        await box.seen(there, "a:alice")
        await suspend(True)
        await box.put(said("k"))
        async with sending(box, there) as sender:
            sender.wake(TENANT)
            other = Outbox(box.database, box.tenants, OTHER)
            await other.seen(there, "a:frank")
            await other.put(said("k", conversation="a:frank"))
            await other.settled()
            assert await box.states() == {"k": "waiting"}
            await suspend(False)
            await box.settled()


@pytest.mark.promise("teams.outbox.redeploy")
async def test_what_is_being_sent_when_the_host_goes_is_said_once(box: Outbox) -> None:
    over = asyncio.Event()
    async with line() as there:
        await box.seen(there, "a:alice", "a:bob")
        there.fail("send", 201, body={"id": "slow"}, until=over, conversation="a:alice")
        await box.put(said("k"), said("next"), said("other", conversation="a:bob"))
        async with sending(box, there):
            await until(lambda: any(got.conversation == "a:alice" for got in there.got))
            await box.settled("other")
            asyncio.get_running_loop().call_later(0.5, over.set)  # Meanwhile the host goes.
        states = await box.states()
        async with sending(box, there):
            await box.settled()
    assert states == {"k": "sent", "next": "waiting", "other": "sent"}
    assert [got.body["text"] for got in there.got if got.conversation == "a:alice"] == ["k", "next"]
