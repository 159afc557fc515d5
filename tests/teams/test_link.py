"""What the host says to the Bot Connector and its token service, over real HTTP."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from charter.channels.teams.connector import open_connector
from charter.channels.teams.ports import Undelivered
from charter.errors import Unavailable
from charter.settings.teams import Teams
from tests.teams.line import line

if TYPE_CHECKING:
    from charter.channels.teams.connector.link import Link

TOKEN = "the host's own token"


@asynccontextmanager
async def linked(settings: Teams, asked: list[str] | None = None) -> AsyncIterator["Link"]:
    async def token_of() -> str:
        if asked is not None:
            asked.append(TOKEN)
        return TOKEN

    link = await open_connector(settings, "bot", token_of)
    try:
        yield link
    finally:
        await link.close()


async def refused(call: Any) -> Undelivered:
    with pytest.raises(Undelivered) as told:
        await call
    return told.value


@pytest.mark.promise("teams.link")
async def test_a_message_leaves_as_it_was_made_and_its_id_comes_back() -> None:
    card = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "a", "isSubtle": True}]}
    label = {
        "type": "https://schema.org/Message",
        "@type": "Message",
        "@context": "https://schema.org",
        "@id": "",
        "additionalType": ["AIGeneratedContent"],
        "usageInfo": {"type": "https://schema.org/Message", "@type": "CreativeWork", "@id": "", "name": "Confidential"},
    }
    activity = {
        "type": "message",
        "text": "Done [1]",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
        "entities": [label],
        "channelData": {"feedbackLoop": {"type": "custom"}},
    }
    async with line() as there, linked(there.settings()) as link:
        thread = there.place("19:a@thread.tacv2", "channel", "17")
        identifier = await link.send(thread, activity, reply_to="18")
        await link.edit(thread, identifier, {"type": "message", "text": "Changed"})
        await link.typing(thread)
        sent, edited, typed = there.got
    assert identifier == "m1"
    assert sent.conversation == "19:a@thread.tacv2;messageid=17"
    assert sent.token == f"Bearer {TOKEN}"
    assert {key: sent.body[key] for key in activity} == activity
    assert sent.body["replyToId"] == "18"
    assert sent.body["from"] == {"id": "28:bot", "name": "Charter"}
    assert (edited.target, edited.body["text"]) == ("m1", "Changed")
    assert typed.body["type"] == "typing"


async def test_what_is_private_names_who_alone_sees_it() -> None:
    async with line() as there, linked(there.settings()) as link:
        group = there.place("19:b", "group")
        identifier = await link.send(group, {"type": "message", "text": "yours"}, private_to="29:alice")
        await link.edit(group, identifier, {"type": "message", "text": "yours, too"}, private=True)
        await link.send(there.place(), {"type": "message", "text": "hello"}, private_to="29:alice")
        private, changed, personal = there.got
    assert private.query == changed.query == {"isTargetedActivity": "true"}
    assert private.body["recipient"] == {"id": "29:alice", "isTargeted": True}
    assert "recipient" not in changed.body
    assert personal.query == {}


async def test_a_personal_chat_is_opened_by_the_object_id() -> None:
    async with line() as there, linked(there.settings()) as link:
        place = await link.create(there.url, "tid-contoso", "alice")
        opened = there.got[0].body
    assert place.conversation == "a:alice"
    assert (place.scope, place.bot.id) == ("personal", "28:bot")
    assert opened == {
        "members": [{"id": "alice"}],
        "tenantId": "tid-contoso",
        "channelData": {"tenant": {"id": "tid-contoso"}},
    }


async def test_all_pages_of_members_are_read_and_guests_are_told_apart() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.members = [
            {"id": "29:a", "aadObjectId": "alice", "name": "Alice", "tenantId": "t", "userRole": "user"},
            {"id": "29:b", "objectId": "bob", "tenantId": "t", "userRole": "guest"},
            {"id": "29:c", "aadObjectId": "carol", "userPrincipalName": "carol_fabrikam#EXT#@contoso"},
        ]
        found = await link.members(there.place("19:b", "group"))
    assert [each.account.oid for each in found] == ["alice", "bob", "carol"]
    assert [each.guest for each in found] == [False, True, True]
    assert found[0].tid == "t"


@pytest.mark.promise("teams.fates")
@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (429, "busy"), (412, "busy"), (502, "busy"), (504, "busy"), (500, "busy"), (503, "busy"), (408, "busy"), (401, "busy"),
        (403, "gone"), (404, "gone"), (400, "refused"), (413, "refused"), (415, "refused"),
    ],
)  # fmt: skip
async def test_each_refusal_says_whether_another_try_helps(status: int, fate: str) -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("send", status, body={"error": {"code": "Forbidden", "message": "no: the secret word"}})
        told = await refused(link.send(there.place(), {"type": "message", "text": "the secret word"}))
    assert (told.fate, told.answered) == (fate, status)
    assert "Forbidden" in told.detail
    assert "secret word" not in told.detail


async def test_how_long_to_wait_is_read_in_seconds_and_as_a_moment() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("send", 429, headers={"Retry-After": "7"})
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
        there.fail("send", 503, headers={"Retry-After": later})
        there.fail("send", 503, headers={"Retry-After": "soon"})
        waits = [
            (await refused(link.send(there.place(), {"type": "message", "text": "a"}))).retry_after for _ in range(3)
        ]
    assert waits[0] == 7
    assert 50 < (waits[1] or 0) <= 60
    assert waits[2] is None


async def test_a_server_that_is_not_there_is_busy() -> None:
    async with line() as there:
        settings, place = there.settings(), there.place()
    async with linked(settings) as link:
        assert (await refused(link.send(place, {"type": "message", "text": "a"}))).fate == "busy"


@pytest.mark.promise("teams.bounded")
async def test_a_call_that_is_not_answered_ends_in_ten_seconds() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("send", 200, delay=30)
        began = time.monotonic()
        async with asyncio.timeout(25):
            told = await refused(link.send(there.place(), {"type": "message", "text": "a"}))
        assert 9 < time.monotonic() - began < 20
    assert told.fate == "busy"


@pytest.mark.promise("teams.addresses")
async def test_a_foreign_address_gets_neither_a_token_nor_a_word() -> None:
    asked: list[str] = []
    async with line() as own, line() as foreign, linked(own.settings(), asked) as link:
        told = await refused(link.send(foreign.place(), {"type": "message", "text": "a"}))
        await refused(link.create(foreign.url, "tid", "alice"))
        await refused(link.members(foreign.place()))
        stream = link.stream(foreign.place(), "")
        stream.add("a")
        assert await stream.close({"type": "message", "text": "a"}) is None
        assert (told.fate, foreign.got, asked) == ("refused", [], [])


@pytest.mark.promise("teams.addresses")
@pytest.mark.parametrize(
    "address",
    [
        "https://smba.trafficmanager.net.adatum.example/",
        "https://smba.trafficmanager.net@adatum.example/",
        "http://smba.trafficmanager.net/",
        "https://smba.trafficmanager.net:8443/",
        "https://adatum.example\\@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net/../..//adatum.example/",
        "https://smba.trafficmanager.net/%2e%2e/x",
        "//smba.trafficmanager.net/",
        "http://127.0.0.1:9/",
        "",
    ],
)
async def test_what_only_looks_like_the_connector_is_foreign(address: str) -> None:
    asked: list[str] = []
    async with line() as there, linked(Teams(), asked) as link:
        place = there.place()
        where = type(place)(address, place.conversation, place.scope, place.bot)
        assert (await refused(link.send(where, {"type": "message", "text": "a"}))).fate == "refused"
    assert asked == []


@pytest.mark.promise("teams.addresses")
async def test_the_playground_of_this_machine_hears_words_but_gets_no_token() -> None:
    asked: list[str] = []
    async with line() as there, linked(Teams(anonymous=True), asked) as link:
        await link.send(there.place(), {"type": "message", "text": "a"})
        assert (there.got[0].token, asked) == ("", [])


@pytest.mark.promise("teams.addresses")
async def test_a_redirection_is_not_followed() -> None:
    async with line() as there, line() as foreign, linked(there.settings()) as link:
        there.fail("send", 307, headers={"Location": f"{foreign.url}v3/conversations/a/activities"})
        assert (await refused(link.send(there.place(), {"type": "message", "text": "a"}))).answered == 307
        assert foreign.got == []


@pytest.mark.parametrize("identifier", ["", "..", "a/../../token", "a?b", "a#b", "a%2fb", "a b"])
async def test_an_id_that_leads_elsewhere_is_refused(identifier: str) -> None:
    async with line() as there, linked(there.settings()) as link:
        assert (await refused(link.send(there.place(identifier), {"type": "message", "text": "a"}))).fate == "refused"
        assert (await refused(link.edit(there.place(), identifier, {"type": "message", "text": "a"}))).fate == "refused"
        assert there.got == []


async def test_what_is_no_message_is_refused_without_its_words() -> None:
    async with line() as there, linked(there.settings()) as link:
        told = await refused(link.send(there.place(), {"type": "message", "text": {"secret": "word"}}))
    assert told.fate == "refused"
    assert "text" in told.detail
    assert "word" not in told.detail


async def test_a_taken_message_whose_answer_nobody_can_read_counts_as_sent() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("send", 201)
        there.fail("edit", 200)
        assert await link.send(there.place(), {"type": "message", "text": "a"}) == ""
        await link.edit(there.place(), "m1", {"type": "message", "text": "b"})


@pytest.mark.promise("teams.tokens.people")
async def test_peoples_tokens_are_got_by_account_code_or_exchange() -> None:
    async with line() as there, linked(there.settings(connection="sso")) as link:
        there.tokens = {"29:alice": "hers", "123456": "by code", "client's": "exchanged"}
        assert await link.token("29:alice", "msteams") == "hers"
        assert await link.token("29:bob", "msteams") is None
        assert await link.token("29:bob", "msteams", "123456") == "by code"
        assert await link.exchange("29:bob", "msteams", "client's") == "exchanged"
        assert await link.exchange("29:bob", "msteams", "nobody's") is None
        await link.sign_out("29:alice", "msteams")
        asked = there.of("GetToken")[0]
    assert asked.query == {"userId": "29:alice", "connectionName": "sso", "channelId": "msteams"}
    assert asked.token == f"Bearer {TOKEN}"


async def test_a_person_without_consent_has_no_token() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("exchange", 412)
        assert await link.exchange("29:alice", "msteams", "client's") is None


async def test_where_to_sign_in_comes_with_what_a_client_needs_for_silence() -> None:
    activity = {"id": "1", "from": {"id": "29:alice"}, "conversation": {"id": "a:alice"}, "channelId": "msteams"}
    async with line() as there, linked(there.settings()) as link:
        found = await link.link(activity)
    assert (found.link, found.exchange, found.post) == ("https://sign.in/", {"id": "1", "uri": "api://charter"}, None)


@pytest.mark.parametrize("status", [500, 401, 403, 429])
async def test_a_token_service_in_trouble_says_nothing_of_anybody(status: int) -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("GetToken", status, body={"token": "secret"})
        with pytest.raises(Unavailable) as told:
            await link.token("29:alice", "msteams")
    assert "secret" not in str(told.value)


async def test_an_answer_that_is_none_tells_no_token() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("GetToken", 200, body={"token": "secret", "channelId": 1})
        with pytest.raises(Unavailable) as told:
            await link.token("29:alice", "msteams")
    assert "secret" not in repr(told.value.__cause__) + str(told.value)


@pytest.mark.promise("teams.quiet")
async def test_a_file_of_settings_in_the_folder_is_not_read(tmp_path: Any, house: Any) -> None:
    """In a process of its own: the SDK reads such a file when it is imported."""
    (tmp_path / ".env").write_text("CLIENT_SECRET=planted\n")
    program = (
        "import asyncio, os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from charter.channels.teams.connector import open_connector\n"
        "from charter.settings.teams import Teams\n"
        "assert 'microsoft_teams' not in sys.modules\n"
        "asyncio.run(open_connector(Teams(), 'bot', None))\n"
        "print('CLIENT_SECRET' in os.environ, 'microsoft_teams.apps' in sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(house), cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, complaints = await asyncio.wait_for(process.communicate(), 60)
    assert told.split() == [b"False", b"True"], complaints
    assert b"Warning" not in complaints
