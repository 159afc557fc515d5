"""The people of the Bot Connector twin: what their clients sign in, press, show and keep from others."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import jwt
import pytest

from tests.teams.client import Refused, Teams
from tests.teams.seeing import words
from tests.twins.bots import App, Stage, sdk_bot, staged
from tests.twins.running import RunningTwin
from tests.twins.test_bot_connector import CARD, attached, message, refusal

from microsoft_teams.api import TokenExchangeRequest  # isort: skip
from microsoft_teams.api.clients.bot.params import GetBotSignInResourceParams  # isort: skip
from microsoft_teams.api.clients.bot.sign_in_client import BotSignInClient  # isort: skip
from microsoft_teams.api.clients.user import UserTokenClient  # isort: skip
from microsoft_teams.api.clients.user.params import (  # isort: skip
    ExchangeUserTokenParams,
    GetUserTokenParams,
    GetUserTokenStatusParams,
    SignOutUserParams,
)

Json = dict[str, Any]
ANSWER = "application/vnd.microsoft."


@pytest.fixture
async def stage(tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin) -> AsyncIterator[Stage]:
    async with staged(tmp_path / "bot", http, twin) as running:
        yield running


def users(stage: Stage) -> UserTokenClient:
    return UserTokenClient(stage.http, stage.oauth)


async def sign_in_card(stage: Stage, chat: str, person: str = "alice") -> Json:
    """Return a sign-in card as the SDK makes one, for the person's last activity."""
    said = next(each for each in reversed(stage.ear.got) if each["from"]["aadObjectId"] == person)
    state = {
        "connectionName": "charter",
        "conversation": {
            "user": said["from"], "bot": said["recipient"], "conversation": said["conversation"],
            "channelId": "msteams", "serviceUrl": said["serviceUrl"],
        },
        "msAppId": "charter-host",
    }  # fmt: skip
    params = GetBotSignInResourceParams(state=base64.b64encode(json.dumps(state).encode()).decode())
    found = await BotSignInClient(stage.http, stage.oauth).get_resource(params)
    assert found.token_exchange_resource is not None
    card = {
        "text": "Please sign in",
        "connectionName": "charter",
        "tokenExchangeResource": found.token_exchange_resource.model_dump(by_alias=True, exclude_none=True),
        "buttons": [{"type": "signin", "title": "Sign in", "value": found.sign_in_link}],
    }
    return attached(card, f"{ANSWER}card.oauth")


async def account(stage: Stage, chat: str, person: str) -> str:
    return (await stage.teams.seen(person, chat)).account


async def token(stage: Stage, user: str, code: str | None = None) -> str:
    params = GetUserTokenParams(user_id=user, connection_name="charter", channel_id="msteams", code=code)
    return (await users(stage).get(params)).token


async def posts(stage: Stage, name: str, count: int) -> list[Json]:
    """Wait for so many invokes of a name to be answered."""
    async with asyncio.timeout(20):
        while True:
            told = await stage.teams.record(kind="posted", name=name)
            if len(got := [each for each in told if "status" in each]) >= count:
                return got
            await asyncio.sleep(0.05)


@pytest.mark.promise("twins.bot.sign-in")
async def test_each_open_client_signs_in_in_silence_and_the_exchange_gives_the_persons_token(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    user = await account(stage, chat, "alice")
    assert (await refusal(token(stage, user)))[:2] == (404, "NotFound")
    await stage.api.conversations.create_activity(chat, message(attachments=[await sign_in_card(stage, chat)]))
    first, second = (each["activity"] for each in await posts(stage, "signin/tokenExchange", 2))
    assert first["id"] != second["id"]
    assert first["value"] == second["value"]
    params = ExchangeUserTokenParams(
        user_id=user, connection_name="charter", channel_id="msteams",
        exchange_request=TokenExchangeRequest(token=first["value"]["token"]),
    )  # fmt: skip
    given = (await users(stage).exchange(params)).token
    claims = jwt.decode(given, options={"verify_signature": False})
    assert (claims["oid"], claims["aud"], claims["scp"], claims["azp"]) == (
        "alice", "api://charter", "access_as_user", "charter-host",
    )  # fmt: skip
    assert await token(stage, user) == given
    status = await users(stage).get_status(GetUserTokenStatusParams(user_id=user, channel_id="msteams"))
    assert [one.has_token for one in status] == [True]
    await users(stage).sign_out(SignOutUserParams(user_id=user, connection_name="charter", channel_id="msteams"))
    assert (await refusal(token(stage, user)))[0] == 404
    for wrong in (
        "garbage",
        given[:-6] + "AAAAAA",
        (await stage.entra.sign_in("alice", "api://x/access_as_user"))["access_token"],
    ):
        params.exchange_request = TokenExchangeRequest(token=wrong)
        assert (await refusal(users(stage).exchange(params)))[0] == 400
    await stage.teams.consent("alice", given=False)
    params.exchange_request = TokenExchangeRequest(token=first["value"]["token"])
    assert "consent" in (await refusal(users(stage).exchange(params)))[2]


@pytest.mark.promise("twins.bot.sign-in")
async def test_who_lacks_consent_signs_in_on_a_page_and_brings_back_a_code_that_is_theirs_and_good_once(
    stage: Stage,
) -> None:
    chat = await stage.teams.personal("alice")
    user = await account(stage, chat, "alice")
    await stage.teams.consent("alice", given=False, where="client")
    await stage.api.conversations.create_activity(chat, message(attachments=[await sign_in_card(stage, chat)]))
    (failure,) = await posts(stage, "signin/failure", 1)
    assert failure["activity"]["value"]["code"] == "interactionrequired"
    last = (await stage.teams.seen("alice", chat)).last
    assert last.sign_in is not None
    pressed = await stage.teams.click("alice", chat, last.id, "Sign in") if last.buttons else None
    assert pressed is None
    await stage.teams.sign_in("alice", chat)
    (verify,) = await posts(stage, "signin/verifyState", 1)
    code = verify["activity"]["value"]["state"]
    assert len(code) == 6
    assert (await refusal(token(stage, "29:another", code)))[0] == 404
    given = await token(stage, user, code)
    assert jwt.decode(given, options={"verify_signature": False})["oid"] == "alice"
    assert (await refusal(token(stage, user, code)))[0] == 404
    assert await token(stage, user) == given
    assert not await stage.teams.record(name="signin/tokenExchange")


@pytest.mark.promise("twins.bot.sign-in")
async def test_somebody_can_sign_in_as_another_and_the_bot_must_notice(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    await stage.teams.clients("alice", 0)
    await stage.api.conversations.create_activity(chat, message(attachments=[await sign_in_card(stage, chat)]))
    await stage.teams.sign_in("alice", chat, account="frank")
    (verify,) = await posts(stage, "signin/verifyState", 1)
    assert verify["activity"]["from"]["aadObjectId"] == "alice"
    given = await token(stage, await account(stage, chat, "alice"), verify["activity"]["value"]["state"])
    claims = jwt.decode(given, options={"verify_signature": False})
    assert (claims["oid"], claims["tid"]) == ("frank", "fabrikam")


@pytest.mark.promise("twins.bot.people")
async def test_a_button_sends_what_it_says_with_the_inputs_and_the_answer_is_shown(stage: Stage) -> None:
    group = await stage.teams.group("alice", "bob")
    sent = await stage.api.conversations.create_activity(group, message(attachments=[attached(CARD)]))
    done = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Approved by Bob"}]}
    stage.ear.answer = lambda activity: (200, {"statusCode": 200, "type": f"{ANSWER}card.adaptive", "value": done})
    pressed = await stage.teams.click("bob", group, sent.id, "Approve", {"comment": "fine"})
    assert pressed.effect == "card"
    (invoke,) = stage.ear.of("invoke", "adaptiveCard/action")
    assert invoke["value"] == {
        "action": {
            "type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"approval": "a", "comment": "fine"}
        },
        "trigger": "manual",
    }  # fmt: skip
    assert (invoke["from"]["aadObjectId"], invoke["replyToId"]) == ("bob", sent.id)
    assert (await stage.teams.seen("alice", group)).last.words.strip() == "Approved by Bob"
    with pytest.raises(Refused, match="no button"):
        await stage.teams.click("alice", group, sent.id, "Approve")


@pytest.mark.promise("twins.bot.people")
async def test_a_refusal_is_told_to_who_pressed_and_a_submit_arrives_as_a_message(stage: Stage) -> None:
    group = await stage.teams.group("alice", "bob")
    sent = await stage.api.conversations.create_activity(group, message(attachments=[attached(CARD)]))
    told = {"code": "Forbidden", "message": "Only bob may approve this."}
    stage.ear.answer = lambda activity: (200, {"statusCode": 403, "type": f"{ANSWER}error", "value": told})
    assert (await stage.teams.click("alice", group, sent.id, "Approve")).effect == "error"
    mine, theirs = await stage.teams.seen("alice", group), await stage.teams.seen("bob", group)
    assert [(notice["kind"], notice["content"]) for notice in mine.notices] == [("error", told)]
    assert not theirs.notices
    assert mine.last.buttons == ["Approve", "Again"]
    stage.ear.answer = lambda activity: (200, None)
    assert (await stage.teams.click("alice", group, sent.id, "Again", {"comment": "x"})).effect == "sent"
    submitted = stage.ear.of("message")[-1]
    assert "text" not in submitted
    assert (submitted["value"], submitted["replyToId"]) == ({"charter": "again", "comment": "x"}, sent.id)
    with pytest.raises(Refused, match="at most 20"):
        await stage.teams.click("alice", group, sent.id, "Again", {"comment": "x" * 21})
    with pytest.raises(Refused, match="no input"):
        await stage.teams.click("alice", group, sent.id, "Again", {"other": "x"})


@pytest.mark.promise("twins.bot.people")
async def test_an_action_that_wants_a_sign_in_is_sent_once_more_with_the_persons_token(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    sent = await stage.api.conversations.create_activity(chat, message(attachments=[attached(CARD)]))
    card = (await sign_in_card(stage, chat))["content"]

    def answer(activity: Json) -> tuple[int, Any]:
        if "authentication" not in activity.get("value", {}):
            return 200, {"statusCode": 401, "type": f"{ANSWER}activity.loginRequest", "value": card}
        return 200, {"statusCode": 200, "type": f"{ANSWER}activity.message", "value": "Thank you"}

    stage.ear.answer = answer
    pressed = await stage.teams.click("alice", chat, sent.id, "Approve")
    assert (pressed.effect, len(pressed.answers)) == ("message", 2)
    given = stage.ear.of("invoke")[-1]["value"]["authentication"]
    assert given["id"] == card["tokenExchangeResource"]["id"]
    assert jwt.decode(given["token"], options={"verify_signature": False})["oid"] == "alice"
    await stage.teams.consent("alice", given=False, where="client")
    assert (await stage.teams.click("alice", chat, sent.id, "Approve")).effect == "sign-in"


@pytest.mark.promise("twins.bot.people")
async def test_what_is_private_can_be_neither_seen_nor_pressed_by_others(stage: Stage) -> None:
    group = await stage.teams.group("alice", "bob")
    private = message(attachments=[attached(CARD)], recipient={"id": await account(stage, group, "bob")})
    sent = await stage.api.conversations.create_targeted_activity(group, private)
    with pytest.raises(Refused, match="sees no message"):
        await stage.teams.click("alice", group, sent.id, "Approve")
    with pytest.raises(Refused, match="not in that conversation"):
        await stage.teams.seen("carol", group)
    assert (await stage.teams.click("bob", group, sent.id, "Again")).effect == "sent"


@pytest.mark.promise("twins.bot.people")
async def test_a_judgement_is_sent_where_it_is_asked_for(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    asks = message(text="An answer", channelData={"feedbackLoop": {"type": "default"}})
    sent = await stage.api.conversations.create_activity(chat, asks)
    plain = await stage.api.conversations.create_activity(chat, message(text="A notice"))
    await stage.teams.feedback("alice", chat, sent.id, "dislike", "too long")
    (judged,) = stage.ear.of("invoke", "message/submitAction")
    assert judged["replyToId"] == sent.id
    assert judged["value"]["actionValue"]["reaction"] == "dislike"
    assert json.loads(judged["value"]["actionValue"]["feedback"]) == {"feedbackText": "too long"}
    with pytest.raises(Refused, match="no feedback"):
        await stage.teams.feedback("alice", chat, plain.id, "like")


@pytest.mark.promise("twins.bot.people")
async def test_one_message_comes_as_often_as_it_is_told_to_and_a_late_bot_is_not_waited_for(stage: Stage) -> None:
    chat = await stage.teams.personal("alice")
    said = await stage.teams.say("alice", chat, "hello", times=5)
    assert len(said.answers) == 5
    assert {each["id"] for each in stage.ear.of("message")} == {said.activity}
    await stage.teams.limits(answer_seconds=0.2)
    stage.ear.seconds = 5
    late = await stage.teams.say("alice", chat, "are you there?")
    assert late.answers[0].status == 0
    await stage.teams.limits(answer_seconds=15)
    stage.ear.seconds = 0
    group = await stage.teams.group("alice", "bob")
    await stage.teams.members(group, add=["carol"], remove=["bob"])
    updates = [each for each in stage.ear.of("conversationUpdate") if each["conversation"]["id"] == group]
    assert [each.get("membersRemoved", [{}])[0].get("aadObjectId") for each in updates[-2:]] == [None, "bob"]


@pytest.mark.promise("twins.bot.sdk")
async def test_an_unchanged_app_of_the_sdk_answers_and_signs_people_in(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    signed_in: list[str] = []

    def build(bot: App) -> None:
        flow = bot.add_oauth_flow("charter")

        @bot.on_message
        async def answer(ctx: Any) -> None:
            if ctx.activity.text == "who am I":
                given = await flow.sign_in(ctx)
                if given:
                    signed_in.append(given)
                return
            ctx.stream.emit(f"You said {ctx.activity.text}")

        @flow.on_signin
        async def done(event: Any) -> None:
            signed_in.append(event.token_response.token)

    async with sdk_bot(tmp_path, http, build) as teams:
        chat = await teams.personal("bob")
        await teams.say("bob", chat, "hello")
        await teams.until("bob", chat, words("You said hello"))
        await teams.say("bob", chat, "who am I")
        card = await teams.until("bob", chat, lambda view: view.last if view.last.signed_in else None)
        assert card.sign_in is not None
        assert [jwt.decode(one, options={"verify_signature": False})["oid"] for one in signed_in] == ["bob"]
        exchanges = [each["status"] for each in await teams.record(name="signin/tokenExchange")]
        assert exchanges == [200, 200]
        assert len(await teams.record(operation="exchange")) == 1
        await refused_consent(teams)


async def refused_consent(teams: Teams) -> None:
    """Without consent the app answers 412, and the client leaves the button; its link leads on."""
    chat = await teams.personal("alice")
    await teams.consent("alice", given=False)
    await teams.say("alice", chat, "who am I")
    await teams.until("alice", chat, lambda view: [one for one in view.bots if one.sign_in])
    async with asyncio.timeout(20):
        while len(mine := await exchanges_of(teams, "alice")) < 2:  # her two clients try by themselves first
            await asyncio.sleep(0.05)
    assert mine == [412, 412]
    answer = await teams.sign_in("alice", chat)
    assert answer.status == 200


async def exchanges_of(teams: Teams, person: str) -> list[int]:
    told = await teams.record(name="signin/tokenExchange")
    own = [each for each in told if each["activity"]["from"]["aadObjectId"] == person]
    return [each["status"] for each in own if each.get("status")]


async def test_a_lever_that_does_not_exist_is_said_in_a_sentence(stage: Stage) -> None:
    with pytest.raises(Refused, match="Operations are"):
        await stage.teams.fault("other", 500)
    with pytest.raises(Refused, match="no zoe"):
        await stage.teams.personal("zoe")
    with pytest.raises(httpx.HTTPStatusError):
        await stage.api.conversations.get_members("a:1nobody")
