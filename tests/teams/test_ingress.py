"""What the door of activities takes, keeps and refuses."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from charter.channels.teams import conversations, people
from charter.channels.teams.addresses import Addresses
from charter.channels.teams.incoming import Account, parse
from charter.store import embedded, migrate
from charter.store.database import Database
from tests.teams.door import Door, door, open_door
from tests.teams.issuer import SERVICE

__all__ = ["door"]

GROUP = {"id": "19:team", "conversationType": "groupChat"}


@pytest.mark.promise("teams.ingress")
async def test_a_message_is_written_down_before_it_is_answered(door: Door) -> None:
    activity = door.activity(text="Order a desk.")
    answer = await door.post(activity, door.good)
    assert (answer.status, answer.body) == (200, None)
    [row] = await door.rows()
    assert (row["conversation"], row["activity"], row["person"], row["state"]) == (
        "a:alice",
        activity["id"],
        "alice",
        "new",
    )
    assert row["body"] == activity
    assert door.arrived == [(door.tenant, parse(activity))]


@pytest.mark.promise("teams.ingress")
async def test_the_same_activity_five_times_at_once_is_one(door: Door) -> None:
    activity = door.activity()
    answers = await asyncio.gather(*(door.post(activity, door.good) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert (len(await door.rows()), len(door.arrived)) == (1, 1)


async def test_an_activitys_id_is_one_within_its_conversation(door: Door) -> None:
    elsewhere = {**GROUP, "tenantId": door.tenant}
    assert (await door.say(id="1")).status == 200
    assert (await door.say(id="1", conversation=elsewhere, value={})).status == 200
    assert len(await door.rows()) == 2


@pytest.mark.promise("teams.ingress")
async def test_a_tenant_that_keeps_too_many_waiting_is_told_when_to_come_again(database: Database) -> None:
    async with open_door(database, inbox_limit=3) as door:
        told = [door.activity() for _ in range(3)]
        for activity in told:
            assert (await door.post(activity, door.good)).status == 200
        answer = await door.say()
        assert (answer.status, answer.body["code"]) == (429, "queue_full")
        assert int(answer.headers["Retry-After"]) > 0
        # What was taken before is no new burden, and neither is what is done; a moment later, since it is asked about anew then.
        async with database.tenant_session(door.tenant) as session:
            await session.execute("update teams_inbox set state = 'done' where activity = $1", told[0]["id"])
        async with asyncio.timeout(30):
            while (await door.say()).status != 200:
                await asyncio.sleep(0.05)
        assert (await door.post(told[0], door.good)).status == 200
        assert len(door.arrived) == 4


@pytest.mark.promise("teams.shares")
async def test_one_person_fills_no_more_of_the_inbox_than_their_part(database: Database) -> None:
    bob = {"id": "29:bob", "aadObjectId": "bob", "name": "Bob"}
    async with open_door(database, inbox_limit=50) as door:
        told = [await door.say() for _ in range(22)]
        assert [answer.status for answer in told] == [200] * 20 + [429] * 2
        assert {answer.headers["Retry-After"] for answer in told[20:]} == {"5"}
        assert (await door.say(**{"from": bob})).status == 200
        # Those of nobody, such as the app's coming and going, have no part.
        gone = {"type": "installationUpdate", "action": "add", "from": {"id": "28:teams"}}
        assert [(await door.say(**gone)).status for _ in range(29)] == [200] * 29
        assert (await door.say(**{"from": bob})).status == 429


MALFORMED: dict[str, tuple[bytes | dict[str, Any], int]] = {
    "no JSON": (b"{", 422),
    "nothing": (b"", 422),
    "a list": (b"[]", 422),
    "an empty object": (b"{}", 422),
    "half a character": (b'{"type": "\\ud800"}', 422),
    "no conversation": ({"conversation": None}, 422),
    "nobody": ({"from": None}, 422),
    "no id": ({"id": None}, 422),
    "an id without end": ({"id": "x" * 600}, 422),
    "a person without end": ({"from": {"id": "29:alice", "aadObjectId": "x" * 600}}, 422),
    "a NUL": ({"text": "a\0b"}, 422),
    "a NUL in a name": ({"from": {"id": "29:alice", "aadObjectId": "alice", "name": "a\0b"}}, 422),
    "a service that is no text": ({"serviceUrl": [SERVICE]}, 422),
    "too much": ({"text": "x" * 250_000}, 413),
}


@pytest.mark.promise("teams.ingress")
@pytest.mark.parametrize("case", MALFORMED)
async def test_what_is_no_activity_is_refused_in_a_sentence(case: str, door: Door) -> None:
    given, status = MALFORMED[case]
    answer = await door.post(door.activity(**given) if isinstance(given, dict) else given, door.good)
    assert (answer.status, answer.body["status"]) == (status, status)
    assert list(await door.rows()) == []
    assert list(await door.rows("teams_people")) == []


async def test_what_is_nested_deeper_than_it_could_be_kept_is_refused(door: Door) -> None:
    raw = orjson.dumps(door.activity(value="DEEP")).replace(b'"DEEP"', b"[" * 600 + b"]" * 600)
    assert (await door.post(raw, door.good)).status == 422


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_only_json_is_read(media: str, door: Door) -> None:
    answer = await door.post(door.activity(), door.good, media=media)
    assert (answer.status, answer.body["code"]) == (415, "unsupported_media_type")
    assert (await door.post(door.activity(), door.good, media="application/json; charset=utf-8")).status == 200


FOREIGN = (
    "https://evil.example/", "https://smba.trafficmanager.net.evil.example/", "https://smba.trafficmanager.net@evil.example/",
    "https://smba.trafficmanager.net:443/", "http://smba.trafficmanager.net/", "https://smba.trafficmanager.net/emea/../amer/",
    "https://smba.trafficmanager.net/emea/?a=b", "https://smba.trafficmanager.net/#a", "https://smba.trafficmanager.net\\@evil.example/",
    "https://smba.trafficmanager.net/%2e%2e/", "https://smba.trafficmanager.net/\n", " https://smba.trafficmanager.net/",
    "http://localhost:3978/", "http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "file:///etc/passwd", "smba.trafficmanager.net",
)  # fmt: skip


@pytest.mark.promise("teams.ingress")
@pytest.mark.parametrize("url", FOREIGN)
async def test_a_service_that_nobody_allowed_is_refused_whatever_its_token_says(url: str, door: Door) -> None:
    answer = await door.post(door.activity(serviceUrl=url), f"Bearer {door.issuer.signed(serviceurl=url)}")
    assert (answer.status, answer.body["code"]) == (403, "forbidden")
    assert list(await door.rows("teams_conversations")) == []


def test_a_beginning_ends_at_the_end_of_a_part() -> None:
    addresses = Addresses(("https://smba.example/emea", "https://bots.example:8443/"))
    allowed = (
        "https://smba.example/emea",
        "https://smba.example/emea/",
        "https://smba.example/emea/a-b",
        "https://bots.example:8443/",
    )
    refused = (
        "https://smba.example/emeax",
        "https://smba.example/",
        "https://bots.example:84/",
        "https://bots.example/",
    )
    assert [url for url in allowed if not addresses.allowed(url)] == []
    assert [url for url in refused if addresses.allowed(url)] == []
    assert not Addresses(("", "/")).allowed("https://smba.example/")
    assert Addresses((), loopback=True).allowed("http://[::1]:3978/_connector")
    assert not Addresses((), loopback=True).allowed("http://127.0.0.1.evil.example/")


@pytest.mark.promise("teams.ingress")
async def test_only_people_of_tenants_that_are_served_are_heard(door: Door) -> None:
    for tid in ("northwind", ""):
        place = {"id": "a:alice", "conversationType": "personal", "tenantId": tid}
        refused = await door.say(conversation=place, channelData={})
        assert (refused.status, refused.body["code"]) == (403, "forbidden")
    nobody = await door.say(**{"from": {"id": "28:another-bot"}})
    assert (nobody.status, nobody.body["code"]) == (403, "forbidden")
    async with door.database.crossing() as session:
        await session.execute("update tenants set suspended = true where id = $1", door.tenant)
    await door.tenants.read()
    suspended = await door.say()
    assert (suspended.status, suspended.body["code"]) == (403, "tenant_suspended")
    assert (list(await door.rows()), door.arrived) == ([], [])


@pytest.mark.promise("teams.ingress")
@pytest.mark.parametrize(
    "kind",
    [
        "messageReaction",
        "messageUpdate",
        "messageDelete",
        "typing",
        "conversationUpdate",
        "endOfConversation",
        "holiday",
    ],
)
async def test_what_needs_no_answer_is_taken_note_of_and_not_kept(kind: str, door: Door) -> None:
    assert (await door.say(type=kind, id=None)).status == 200
    assert (list(await door.rows()), door.arrived) == ([], [])


async def test_an_activity_of_an_unknown_type_is_logged_without_its_content(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    await door.say(type="holiday", text="a secret word")
    await door.say(text="a secret word", value={"x": "y\0a secret word"})
    heard = capsys.readouterr()
    assert "holiday" in heard.out + heard.err
    assert "secret" not in heard.out + heard.err


@pytest.mark.promise("teams.ingress")
async def test_what_people_say_to_each_other_is_not_kept(door: Door) -> None:
    place = {**GROUP, "tenantId": door.tenant}
    assert (await door.say(conversation=place, text="Between us.")).status == 200
    assert list(await door.rows()) == []
    mention = {"type": "mention", "text": "<at>Charter</at>", "mentioned": {"id": "28:charter"}}
    assert (await door.say(conversation=place, text="<at>Charter</at> hello", entities=[mention])).status == 200
    assert (await door.say(conversation=place, text=None, value={"charter": "again"})).status == 200
    assert len(await door.rows()) == 2


@pytest.mark.promise("teams.places")
async def test_people_and_conversations_are_known_from_what_they_said_last(door: Door) -> None:
    await door.say()
    moved = f"{SERVICE}second"
    token = f"Bearer {door.issuer.signed(serviceurl=moved)}"
    activity = door.activity(serviceUrl=moved, locale="de-DE", **{"from": {"id": "29:new", "aadObjectId": "alice"}})
    assert (await door.post(activity, token)).status == 200
    async with door.database.tenant_session(door.tenant) as session:
        place = await conversations.place(session, door.tenant, "a:alice", "17")
        assert place
        assert (
            place == parse(activity | {"conversation": activity["conversation"] | {"id": "a:alice;messageid=17"}}).place
        )
        assert await conversations.personal(session, door.tenant, "alice") == parse(activity).place
        assert await people.account(session, door.tenant, "alice") == Account("29:new", "alice", "Alice")
        assert await people.account(session, door.tenant, "bob") is None
        assert await conversations.personal(session, door.tenant, "bob") is None
    [row] = await door.rows("teams_people")
    assert (row["locale"], row["roles"]) == ("de-DE", [])


@pytest.mark.promise("teams.places")
async def test_a_personal_chat_stays_its_persons(door: Door) -> None:
    await door.say()
    renamed = {"id": "28:charter", "name": "Charter of contoso"}  # so that there is something to be written anew
    await door.say(recipient=renamed, **{"from": {"id": "29:bob", "aadObjectId": "bob"}})
    async with door.database.tenant_session(door.tenant) as session:
        assert await conversations.personal(session, door.tenant, "bob") is None
        assert await conversations.personal(session, door.tenant, "alice")


async def test_a_chat_with_many_is_nobodys_personal_one(door: Door) -> None:
    await door.say(conversation={**GROUP, "tenantId": door.tenant}, value={})
    async with door.database.tenant_session(door.tenant) as session:
        assert await conversations.personal(session, door.tenant, "alice") is None
        place = await conversations.place(session, door.tenant, "19:team")
    assert place
    assert place.scope == "group"


REMOVALS = {
    "the app": {"type": "installationUpdate", "action": "remove"},
    "the bot among members": {"type": "conversationUpdate", "membersRemoved": ["x", {"id": "29:eve"}, {"id": "28:charter"}]},
}  # fmt: skip


@pytest.mark.promise("teams.places")
@pytest.mark.parametrize("removal", REMOVALS)
async def test_where_the_bot_was_removed_nobody_is_reached_until_it_is_back(removal: str, door: Door) -> None:
    async def reached() -> bool:
        async with door.database.tenant_session(door.tenant) as session:
            return await conversations.place(session, door.tenant, "a:alice") is not None

    await door.say(type="installationUpdate", action="add", text=None)
    assert await reached()
    await door.say(**REMOVALS[removal])
    assert not await reached()
    await door.say(type="conversationUpdate", membersAdded=[{"id": "28:charter"}])
    assert await reached()
    await door.say(type="installationUpdate", action="remove-upgrade")
    assert await reached()
    assert len(door.arrived) == 4


async def test_an_installation_without_a_person_is_kept_too(door: Door) -> None:
    assert (await door.say(type="installationUpdate", action="add", **{"from": {"id": "29:somebody"}})).status == 200
    assert len(await door.rows()) == 1
    assert list(await door.rows("teams_people")) == []


@pytest.mark.promise("teams.ingress")
async def test_what_is_kept_is_answered_with_200_even_if_nobody_could_be_told(database: Database) -> None:
    async with open_door(database, fails=True) as door:
        assert (await door.say()).status == 200
        assert len(await door.rows()) == 1


@pytest.mark.promise("teams.ingress")
async def test_a_database_that_is_too_slow_is_told_as_such(database_url: str) -> None:
    narrow = Database(database_url, size=1)
    await narrow.open()
    async with open_door(narrow, seconds={"keep_seconds": 2.5}) as door:
        async with narrow.tenant_session(door.tenant):
            answer = await door.say()
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert (await door.say()).status == 200
        assert len(door.arrived) == 1
    await narrow.close()


@pytest.mark.promise("teams.ingress")
async def test_without_its_database_the_host_asks_the_channel_to_come_again(tmp_path: Path) -> None:
    server = await embedded.start(tmp_path / "postgres")
    try:
        await migrate.migrate(server.url)
        database = Database(server.url)
        await database.open()
        async with open_door(database) as door:
            assert (await door.say()).status == 200
            await server.stop()
            for _ in range(2):
                answer = await door.say()
                assert (answer.status, answer.body["code"]) == (503, "unavailable")
                assert int(answer.headers["Retry-After"]) > 0
            assert len(door.arrived) == 1
        await database.close()
    finally:
        await server.stop()
