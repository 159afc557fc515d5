"""The Bot Connector twin, as the unchanged Teams SDK sees it: its tokens, its REST API, its streams."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import jwt
import pytest

from tests.twins.bots import Stage, bot_token, staged
from tests.twins.running import RunningTwin

from microsoft_teams.api import Account, MessageActivityInput, TypingActivityInput  # isort: skip
from microsoft_teams.api.clients.conversation.params import CreateConversationParams  # isort: skip
from microsoft_teams.api.models import ConversationReference  # isort: skip
from microsoft_teams.apps.auth.token_validator import InboundActivityTokenValidator  # isort: skip
from microsoft_teams.apps.http_stream import HttpStream  # isort: skip
from microsoft_teams.apps.plugins.streamer import StreamCancelledError  # isort: skip

Json = dict[str, Any]

CARD = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [{"type": "TextBlock", "text": "Order 7"}, {"type": "Input.Text", "id": "comment", "maxLength": 20}],
    "actions": [
        {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"approval": "a"}},
        {"type": "Action.Submit", "title": "Again", "data": {"charter": "again"}},
    ],
}


@pytest.fixture
async def stage(tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin) -> AsyncIterator[Stage]:
    async with staged(tmp_path / "bot", http, twin) as running:
        yield running


def attached(card: Json, kind: str = "application/vnd.microsoft.card.adaptive") -> Json:
    return {"contentType": kind, "content": card}


def message(**fields: Any) -> MessageActivityInput:
    return MessageActivityInput.model_validate({"type": "message", **fields})


async def validated(validator: InboundActivityTokenValidator, token: str, service_url: str) -> Json:
    """The SDK fetches keys without letting anything else run, the twin neither."""
    return await asyncio.to_thread(lambda: asyncio.run(validator.validate_token(token, service_url)))


async def refusal(call: Any) -> tuple[int, str, str]:
    """Return status, code and words of a refusal."""
    with pytest.raises(httpx.HTTPStatusError) as told:
        await call
    error = told.value.response.json().get("error", {})
    return told.value.response.status_code, error.get("code", ""), error.get("message", "")


@pytest.mark.promise("twins.bot.channel")
async def test_what_the_channel_posts_is_believed_by_the_sdk_and_forgeries_are_not(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    said = await stage.teams.say("alice", chat, "hello")
    assert [answer.status for answer in said.answers] == [200]
    validator = InboundActivityTokenValidator("charter-host", stage.cloud())
    claims = await validated(validator, stage.ear.tokens[-1], stage.teams.service_url)
    assert (claims["iss"], claims["aud"]) == ("https://api.botframework.com", "charter-host")
    keys = (await (await stage.teams.http.get(f"{stage.teams.url}/v1/.well-known/keys")).json())["keys"]
    assert [key["endorsements"] for key in keys] == [["msteams"]]
    for token in (
        {"key": "foreign"}, {"key": "secret"}, {"key": "nobody"}, {"claims": {"aud": "another"}},
        {"claims": {"iss": "https://evil.example"}}, {"claims": {"exp": -1_000}}, {"claims": {"serviceurl": "https://evil.example/"}},
        {"raw": "garbage"},
    ):  # fmt: skip
        await stage.teams.post({"type": "message", "text": "x"}, person="alice", conversation=chat, token=token)
        with pytest.raises(jwt.PyJWTError):
            await validated(validator, stage.ear.tokens[-1], stage.teams.service_url)
    await stage.teams.rotate(withdraw=True)
    await stage.teams.say("alice", chat, "hello")
    fresh = InboundActivityTokenValidator("charter-host", stage.cloud())
    assert await validated(fresh, stage.ear.tokens[-1], stage.teams.service_url)
    with pytest.raises(jwt.PyJWTError):
        await validated(fresh, stage.ear.tokens[0], stage.teams.service_url)


@pytest.mark.promise("twins.bot.channel")
async def test_an_activity_says_what_one_of_teams_says(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    await stage.teams.say("alice", chat, "hello", locale="de-DE")
    update, install, said = stage.ear.got
    assert (update["type"], len(update["membersAdded"]), install["type"]) == (
        "conversationUpdate",
        2,
        "installationUpdate",
    )
    assert said["conversation"] == {"id": chat, "conversationType": "personal", "tenantId": "contoso"}
    assert (said["from"]["aadObjectId"], said["from"]["name"], said["recipient"]["id"]) == (
        "alice",
        "Alice",
        "28:charter-host",
    )
    assert (said["channelId"], said["serviceUrl"], said["locale"]) == ("msteams", stage.teams.service_url, "de-DE")
    assert said["channelData"] == {"tenant": {"id": "contoso"}}
    assert await stage.teams.personal("alice") == chat
    assert len(stage.ear.got) == 3


@pytest.mark.promise("twins.bot.channel")
async def test_in_a_group_or_channel_a_bot_hears_only_what_mentions_it(stage: Stage) -> None:
    group = await stage.teams.group("alice", "bob", "frank")
    channel = await stage.teams.channel("alice", "bob", team="Buying")
    for place in (group, channel):
        assert not (await stage.teams.say("alice", place, "to bob")).answers
        assert (await stage.teams.say("alice", place, "please", mention=True)).answers
    grouped, threaded = stage.ear.of("message")
    assert grouped["text"] == "<at>Charter</at> please"
    assert grouped["conversation"]["isGroup"] is True
    assert threaded["conversation"]["id"] == f"{channel};messageid={threaded['id']}"
    assert threaded["channelData"]["team"]["name"] == "Buying"
    members = await stage.api.conversations.get_members(group)
    assert [(one.aad_object_id, one.tenant_id, one.user_role) for one in members] == [
        ("alice", "contoso", "user"), ("bob", "contoso", "user"), ("frank", "fabrikam", "guest"),
    ]  # fmt: skip
    page = await stage.api.conversations.get_paged_members(group, 2)
    rest = await stage.api.conversations.get_paged_members(group, 2, page.continuation_token)
    assert [one.aad_object_id for one in [*page.members, *rest.members]] == ["alice", "bob", "frank"]
    assert rest.continuation_token is None
    one = await stage.api.conversations.get_member_by_id(group, "bob")
    assert one.name == "Bob"


@pytest.mark.promise("twins.bot.rest")
async def test_the_bot_says_edits_and_takes_back_and_each_sees_the_newest(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    sent = await stage.api.conversations.create_activity(chat, message(text="one"))
    await stage.api.conversations.update_activity(chat, sent.id, message(text="two"))
    await stage.api.conversations.create_activity(chat, TypingActivityInput())
    seen = await stage.teams.seen("alice", chat)
    assert (seen.last.text, [state["text"] for state in seen.last.history], seen.typing) == ("two", ["one", "two"], 1)
    await stage.api.conversations.delete_activity(chat, sent.id)
    assert not (await stage.teams.seen("alice", chat)).bots
    again = await refusal(stage.api.conversations.update_activity(chat, sent.id, message(text="three")))
    assert again[:2] == (404, "ActivityNotFoundInConversation")
    nowhere = await refusal(stage.api.conversations.create_activity("a:1nobody", message(text="x")))
    assert nowhere[:2] == (404, "ConversationNotFound")
    said = await stage.teams.say("alice", chat, "mine")
    theirs = await refusal(stage.api.conversations.update_activity(chat, said.activity, message(text="yours")))
    assert theirs[0] == 403


@pytest.mark.promise("twins.bot.rest")
async def test_a_personal_chat_is_opened_with_whoever_has_the_app_and_is_one(stage: Stage) -> None:
    def params(oid: str, tenant: str | None = "contoso") -> CreateConversationParams:
        return CreateConversationParams(members=[Account(id=oid)], tenant_id=tenant)

    chat = await stage.teams.personal("alice")
    account = (await stage.teams.seen("alice", chat)).account
    for name in ("alice", account):
        opened = await stage.api.conversations.create(params(name))
        assert (opened.id, opened.service_url) == (chat, stage.teams.service_url)
    assert (await refusal(stage.api.conversations.create(params("bob"))))[:2] == (403, "BotNotInConversationRoster")
    assert (await refusal(stage.api.conversations.create(params("alice", "fabrikam"))))[0] == 403
    assert (await refusal(stage.api.conversations.create(params("alice", None))))[0] == 400
    assert (await refusal(stage.api.conversations.create(params("nobody"))))[:2] == (400, "BadSyntax")
    await stage.teams.install(chat, installed=False)
    assert (await refusal(stage.api.conversations.create(params("alice"))))[0] == 403
    assert (await refusal(stage.api.conversations.create_activity(chat, message(text="x"))))[0] == 403
    assert stage.ear.got[-1]["action"] == "remove"


@pytest.mark.promise("twins.bot.rest")
async def test_what_is_targeted_is_seen_by_its_recipient_alone(stage: Stage) -> None:
    group = await stage.teams.group("alice", "bob")
    account = (await stage.teams.seen("bob", group)).account
    private = message(text="for bob", recipient={"id": account})
    sent = await stage.api.conversations.create_targeted_activity(group, private)
    assert [one.text for one in (await stage.teams.seen("bob", group)).bots] == ["for bob"]
    assert not (await stage.teams.seen("alice", group)).messages
    assert (await refusal(stage.api.conversations.create_targeted_activity(group, message(text="x"))))[0] == 400
    assert (await refusal(stage.api.conversations.update_targeted_activity(group, sent.id, private)))[0] == 400
    assert (await refusal(stage.api.conversations.update_activity(group, sent.id, message(text="x"))))[0] == 404
    await stage.api.conversations.update_targeted_activity(group, sent.id, message(text="still for bob"))
    assert (await stage.teams.seen("bob", group)).last.text == "still for bob"
    outsider = message(text="x", recipient={"id": "carol"})
    assert (await refusal(stage.api.conversations.create_targeted_activity(group, outsider)))[0] == 400


@pytest.mark.promise("twins.bot.door")
async def test_only_the_bots_own_token_for_the_bot_framework_opens(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    good = await bot_token(stage.entra)
    person = (await stage.entra.sign_in("alice", "https://api.botframework.com/user_impersonation"))["access_token"]
    status, other = await stage.entra.grant(
        "contoso", client_id="erp", client_secret=stage.entra.secret("erp"), grant_type="client_credentials",
        scope="https://api.botframework.com/.default",
    )  # fmt: skip
    assert status == 200
    for token, refused in (
        ("", 401), ("garbage", 401), (await bot_token(stage.entra, "https://graph.microsoft.com/.default"), 401),
        (good[:-4] + "AAAA", 401), (other["access_token"], 403), (person, 403),
    ):  # fmt: skip
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        place = f"{stage.teams.service_url}v3/conversations/{chat}/activities"
        async with stage.teams.http.post(place, json={"type": "message", "text": "x"}, headers=headers) as answer:
            assert answer.status == refused, token
    assert not (await stage.teams.seen("alice", chat)).bots
    assert [entry["status"] for entry in await stage.teams.record(operation="send")] == [401, 401, 401, 401, 403, 403]


@pytest.mark.promise("twins.bot.rest")
@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (400, {"attachments": [attached({**CARD, "version": "1.6"})]}),
        (400, {"attachments": [attached({**CARD, "body": [{"type": "Carousel"}]})]}),
        (400, {"attachments": [attached({**CARD, "body": [CARD["body"][1], CARD["body"][1]]})]}),
        (413, {"attachments": [attached({**CARD, "body": [{"type": "TextBlock", "text": "x" * 29_000}]})]}),
        (413, {"text": "x" * 52_000}),
        (400, {}),
        (400, {"text": "x", "entities": [{"type": "https://schema.org/Message"}] * 2}),
        (400, {"text": "<at>Zoe</at>", "entities": [{"type": "mention", "text": "<at>Zoe</at>", "mentioned": {"id": "29:zoe"}}]}),
        (400, {"text": "hello", "entities": [{"type": "mention", "text": "<at>Charter</at>", "mentioned": {"id": "28:charter-host"}}]}),
    ],
)  # fmt: skip
async def test_what_teams_would_not_take_is_refused(status: int, fields: Json, stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    place = f"{stage.teams.service_url}v3/conversations/{chat}/activities"
    headers = {"Authorization": f"Bearer {await bot_token(stage.entra)}"}
    async with stage.teams.http.post(place, json={"type": "message", **fields}, headers=headers) as answer:
        assert answer.status == status, await answer.text()
    good = {"type": "message", "text": "x", "attachments": [attached(CARD)]}
    async with stage.teams.http.post(place, json=good, headers=headers) as answer:
        assert answer.status == 201, await answer.text()


@pytest.mark.promise("twins.bot.rest")
@pytest.mark.parametrize(
    "wrong",
    [
        {"position": 21},
        {"position": 0},
        {"position": "1"},
        {"name": "x" * 81},
        {"abstract": "x" * 161},
        {"abstract": ""},
    ],
)
async def test_sources_are_numbered_named_and_short(wrong: Json, stage: Stage) -> None:
    def cited(position: Any = 1, name: str = "Handbook", abstract: str = "It says so.") -> MessageActivityInput:
        shown = {"@type": "DigitalDocument", "name": name, "abstract": abstract}
        claim = {"@type": "Claim", "position": position, "appearance": shown}
        root = {"type": "https://schema.org/Message", "@type": "Message", "@id": "", "citation": [claim]}
        return message(text="So it is [1].").add_entity(root)

    chat = await stage.teams.personal("alice")
    await stage.api.conversations.create_activity(chat, cited())
    assert (await refusal(stage.api.conversations.create_activity(chat, cited(**wrong))))[0] == 400


@pytest.mark.promise("twins.bot.stream")
async def test_the_sdks_stream_grows_before_the_person_and_ends_as_one_message(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    stream = HttpStream(stage.api, reference(stage, chat))
    stream.update("Searching the handbook")
    await stage.teams.until("alice", chat, lambda view: view.bots and view.last.growing)
    stream.emit("You have ")
    await stage.teams.until("alice", chat, lambda view: view.last.text == "You have ")
    stream.emit(message(text="30 days.").add_ai_generated())
    closed = await stream.close()
    assert closed is not None
    last = (await stage.teams.seen("alice", chat)).last
    assert (last.text, last.growing) == ("You have 30 days.", False)
    assert [state["type"] for state in last.history][-1] == "message"
    late = await refusal(stage.api.conversations.create_activity(chat, chunk("You have more", 9, last.id)))
    assert late[:2] == (403, "ContentStreamNotAllowed")
    assert "completed streamed message" in late[2]
    await stage.api.conversations.update_activity(chat, last.id, message(text="Edited."))
    assert (await stage.teams.seen("alice", chat)).last.text == "Edited."


@pytest.mark.promise("twins.bot.stream")
async def test_stop_ends_a_stream_for_the_sdk(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    stream = HttpStream(stage.api, reference(stage, chat))
    stream.emit("One ")
    await stage.teams.until("alice", chat, lambda view: view.bots and view.last.growing)
    assert await stage.teams.stop("alice", chat)

    async def go_on() -> None:
        while True:
            stream.emit("more ")
            await asyncio.sleep(0.05)

    with pytest.raises(StreamCancelledError):
        await asyncio.wait_for(go_on(), 20)
    assert await stream.close() is None
    assert not await stage.teams.stop("alice", chat)


@pytest.mark.promise("twins.bot.stream")
async def test_a_stream_follows_teams_rules(stage: Stage) -> None:
    chat, group = await stage.teams.personal("alice"), await stage.teams.group("alice", "bob")
    say = stage.api.conversations.create_activity
    assert (await refusal(say(group, chunk("One", 1))))[2] == "Content stream is not allowed in this conversation."
    for broken in (
        chunk("", 1),
        chunk("One", 2),
        chunk("One", 1, kind="other"),
        chunk("x" * 1_001, 1, kind="informative"),
    ):
        assert (await refusal(say(chat, broken)))[0] == 400
    first = (await say(chat, chunk("One", 1))).id
    assert "another one" in (await refusal(say(chat, chunk("Two", 1))))[2]
    assert "previously streamed" in (await refusal(say(chat, chunk("Two", 2, first))))[2]
    assert (await refusal(say(chat, chunk("Thinking", 2, first, kind="informative"))))[0] == 400
    await say(chat, chunk("One two", 2, first))
    await say(chat, chunk("One two three", 2, first))
    assert (await stage.teams.seen("alice", chat)).last.text == "One two"
    await stage.teams.limits(stream_seconds=0)
    assert "exceeded streaming time" in (await refusal(say(chat, chunk("One two three", 3, first))))[2]
    await stage.teams.limits(stream_seconds=120)
    assert (await say(chat, chunk("New", 1))).id != first


@pytest.mark.promise("twins.bot.faults")
async def test_faults_befall_what_they_are_asked_for_and_pacing_holds_back(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    say = stage.api.conversations.create_activity
    await stage.teams.fault("send", 429, retry_after=3, times=1)
    with pytest.raises(httpx.HTTPStatusError) as told:
        await say(chat, message(text="one"))
    assert (told.value.response.status_code, told.value.response.headers["Retry-After"]) == (429, "3")
    await stage.teams.fault("send", 502, after=True)
    assert (await refusal(say(chat, message(text="two"))))[0] == 502
    await say(chat, message(text="three"))
    assert [one.text for one in (await stage.teams.seen("alice", chat)).bots] == ["two", "three"]
    await stage.teams.limits(pacing=True)
    began = time.monotonic()
    told_of = await asyncio.gather(*(say(chat, message(text="x")) for _ in range(40)), return_exceptions=True)
    seconds = time.monotonic() - began
    refused = [one for one in told_of if isinstance(one, httpx.HTTPStatusError)]
    assert 7 <= 40 - len(refused) <= 8 * math.ceil(seconds / 2)
    assert all(one.response.status_code == 429 and int(one.response.headers["Retry-After"]) >= 1 for one in refused)


@pytest.mark.promise("twins.bot.kept")
async def test_conversations_messages_and_keys_outlive_the_twin(
    tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin
) -> None:
    async with staged(tmp_path, http, twin) as before:
        chat = await before.teams.group("alice", "bob")
        keys = await before.teams.rotate()
        said = await before.api.conversations.create_activity(chat, message(text="waiting"))
    async with staged(tmp_path, http, twin) as after:
        await after.api.conversations.update_activity(chat, said.id, message(text="done"))
        await after.api.conversations.create_activity(chat, message(text="still here"))
        seen = await after.teams.seen("bob", chat)
        assert [(one.text, len(one.history)) for one in seen.bots] == [("done", 2), ("still here", 1)]
        assert await (await http.get(f"{after.teams.url}/v1/.well-known/keys")).json() == keys


def reference(stage: Stage, chat: str) -> ConversationReference:
    return ConversationReference.model_validate(
        {
            "bot": {"id": "28:charter-host"},
            "conversation": {"id": chat, "conversationType": "personal"},
            "channelId": "msteams",
            "serviceUrl": stage.teams.service_url,
        }
    )


def chunk(text: str, sequence: int, stream: str | None = None, kind: str = "streaming") -> TypingActivityInput:
    info = {"type": "streaminfo", "streamType": kind, "streamSequence": sequence, "streamId": stream}
    return TypingActivityInput.model_construct(type="typing", text=text, id=stream, entities=[info])
