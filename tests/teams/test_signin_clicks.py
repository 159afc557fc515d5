"""A button of a card is pressed by who their token says; who has none signs in there, and the press goes on."""

from typing import Any

import pytest

from tests.identity.conftest import room
from tests.teams.signing import Signing, sign
from tests.teams.views import Json, Pressed
from tests.twins.running import http, signing_keys, twin

__all__ = ["http", "room", "sign", "signing_keys", "twin"]

_ANSWER = "application/vnd.microsoft."
CARD: Json = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [{"type": "TextBlock", "text": "Shall it be done?"}],
    "actions": [{"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {}}],
}


async def pressed(sign: Signing, person: str) -> Pressed:
    """Press the button of a card in somebody's own chat."""
    activity = await sign.activity(person)
    attachment = {"contentType": f"{_ANSWER}card.adaptive", "content": CARD}
    card = await sign.first.link.send(activity.place, {"type": "message", "attachments": [attachment]})
    return await sign.teams.click(person, activity.place.conversation, card, "Approve")


async def clicked(sign: Signing, value: Json) -> Any:
    action: Json = {"action": {"type": "Action.Execute", "verb": "approve", "data": {}}}
    return (await sign.invoke("alice", "adaptiveCard/action", {**action, **value})).body


def callers(sign: Signing) -> list[str]:
    return [caller.ctx.principal.id for process in sign.processes for caller in process.pressed]


@pytest.mark.promise("teams.signin.click")
async def test_who_has_no_token_signs_in_by_the_press_itself_and_it_goes_on(sign: Signing) -> None:
    done = await pressed(sign, "bob")
    first, second = done.answers
    assert (first.body["statusCode"], first.body["type"]) == (401, f"{_ANSWER}activity.loginRequest")
    assert set(first.body["value"]) >= {"text", "connectionName", "tokenExchangeResource", "buttons"}
    assert (second.body["statusCode"], second.body["value"], done.effect) == (200, "bob", "message")
    assert callers(sign) == ["bob"]
    assert len((await pressed(sign, "bob")).answers) == 1
    [row] = [row for row in await sign.rows("teams_people") if row["id"] == "bob"]
    assert row["roles"] == ["buyer", "employee", "manager"]


@pytest.mark.promise("teams.signin.click")
async def test_a_press_without_consent_is_refused_as_the_protocol_says(sign: Signing) -> None:
    await sign.teams.consent("alice", given=False)
    done = await pressed(sign, "alice")
    assert done.body["statusCode"] == 412
    assert done.body["type"] == f"{_ANSWER}error.preconditionFailed"
    await sign.teams.consent("alice", given=True)
    for wrong in (
        {"id": "x", "connectionName": "other", "token": await sign.room.twin.token("alice")},
        {"id": "x", "connectionName": "charter"},
        "text",
    ):
        assert (await clicked(sign, {"authentication": wrong}))["statusCode"] == 412
    for state in ("000000", "no code"):
        told = await clicked(sign, {"state": state})
        assert (told["statusCode"], told["type"]) == (401, f"{_ANSWER}error.incorrectAuthCode")
    assert callers(sign) == []


@pytest.mark.promise("teams.signin.click")
async def test_a_press_with_anothers_token_is_nobodys(sign: Signing) -> None:
    for person, code in (("bob", "wrong_account"), ("frank", "guest")):
        token = await sign.room.twin.token(person)
        told = await clicked(sign, {"authentication": {"id": "x", "connectionName": "charter", "token": token}})
        assert (told["statusCode"], told["value"]["code"]) == (403, code)
    assert callers(sign) == []


@pytest.mark.promise("teams.signin.click")
async def test_each_press_asks_whether_the_person_is_still_signed_in(sign: Signing) -> None:
    await sign.given("bob")
    for _ in sign.processes:
        assert (await pressed(sign, "bob")).body["value"] == "bob"
    account = (await sign.activity("bob")).sender.id
    await sign.first.link.sign_out(account, "msteams")
    await sign.teams.consent("bob", given=False, where="client")
    assert (await pressed(sign, "bob")).effect == "sign-in"
    assert callers(sign) == ["bob", "bob"]
