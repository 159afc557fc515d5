"""What people press on an approval's card counts only where the database says that it does."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.teams.client import Refused, Teams
from tests.teams.conftest import Delegated, anew
from tests.teams.seeing import answer, words
from tests.teams.views import Answer, Message

SENTENCE = "application/vnd.microsoft.error"
CARD = "application/vnd.microsoft.card.adaptive"
LOGIN = "application/vnd.microsoft.activity.loginRequest"


@dataclass(slots=True)
class Question:
    """An order of alice's that bob is asked about, in both their chats."""

    delegated: Delegated
    item: str
    alices: str
    bobs: str
    card: Message

    @property
    def teams(self) -> Teams:
        return self.delegated.teams

    @property
    def data(self) -> dict[str, str]:
        """Return what its buttons carry."""
        return next(data for data in _data(self.card.card) if "approval" in data)

    async def press(
        self, person: str, chat: str, verb: str = "approve", *, on: str | None = None, **data: Any
    ) -> Answer:
        """Press a button that is on no screen of this person: the invoke as their client would send it, ``on`` a message."""
        action = {"type": "Action.Execute", "verb": verb, "data": {**self.data, **data}}
        sent = {
            "type": "invoke", "name": "adaptiveCard/action", "replyToId": self.card.id if on is None else on,
            "value": {"action": action, "trigger": "manual"},
        }  # fmt: skip
        return await self.teams.post(sent, person=person, conversation=chat)

    async def status(self) -> str:
        approval = await self.delegated.host.call("alice", "GET", f"/v1/approvals/{self.data['approval']}")
        return approval.body["status"]

    async def orders(self) -> int:
        orders = (await self.delegated.host.sandbox("procurement", "/_sandbox/orders"))["orders"]
        return sum(order["item"] == self.item for order in orders)

    async def seen(self, *wanted: str) -> Message:
        """Return bob's card, once these words stand in it."""
        found = await self.teams.until("bob", self.bobs, words(*wanted, self.item))
        assert found.id == self.card.id, "it is not the same card"
        return found


def _data(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, list):
        return [data for each in part for data in _data(each)]
    if not isinstance(part, dict):
        return []
    own = [part["data"]] if part.get("type") == "Action.Execute" else []
    return own + [data for name, each in part.items() if name != "data" for data in _data(each)]


def code(answer: Answer) -> tuple[int, int, str]:
    """Return the status, the status within, and the code of a refusal, which has a sentence."""
    assert answer.body["type"] == SENTENCE
    assert len(answer.body["value"]["message"].split()) > 3
    return answer.status, answer.body["statusCode"], answer.body["value"]["code"]


async def asked(delegated: Delegated) -> Question:
    teams, item = delegated.teams, f"standing desk {random.randrange(10**9)}"
    alices, bobs = await anew(teams, "alice", "buyer"), await teams.personal("bob")
    await teams.say("alice", alices, f"order a {item} for 1,450 EUR")
    card = await teams.until("bob", bobs, words("Your approval is asked", item))
    return Question(delegated, item, alices, bobs, card)


@pytest.mark.promise("teams.clicks")
async def test_only_the_right_persons_click_counts(delegated: Delegated) -> None:
    question = await asked(delegated)
    teams = question.teams
    doras = await anew(teams, "dora")
    refused = [code(await question.press(person, await anew(teams, person))) for person in ("dora", "carol", "frank")]
    assert refused == [(200, 403, "not_an_approver"), (200, 403, "not_an_approver"), (200, 404, "not_found")]
    assert code(await question.press("alice", question.alices)) == (200, 403, "self_approval")
    with pytest.raises(Refused):
        await teams.click("dora", doras, question.card.id, "Approve")
    assert (await question.status(), await question.orders()) == ("pending", 0)
    assert "Approve" in (await question.seen("Your approval is asked")).buttons


@pytest.mark.promise("teams.clicks")
async def test_what_a_button_carries_is_believed_in_nothing(delegated: Delegated) -> None:
    question, other = await asked(delegated), await asked(delegated)
    bobs = await anew(delegated.teams, "bob")
    assert code(await question.press("bob", bobs, digest=other.data["digest"]))[1:] == (409, "digest_mismatch")
    assert code(await question.press("bob", bobs, digest=""))[1:] == (409, "digest_mismatch")
    assert code(await question.press("bob", bobs, approval="apr_1"))[1:] == (404, "not_found")
    assert code(await question.press("bob", bobs, approval=7))[1:] == (404, "not_found")
    for verb in ("approve_all", "", "APPROVE"):
        assert code(await question.press("bob", bobs, verb))[1] == 422
    assert code(await question.press("bob", bobs, "cancel", run="run_1"))[1:] == (404, "not_found")
    assert (await question.status(), await other.status(), await question.orders()) == ("pending", "pending", 0)
    await other.press("bob", bobs, "reject")
    await question.press("bob", bobs, "reject", comment="x" * 2000)


@pytest.mark.promise("teams.clicks")
async def test_nobody_decides_by_a_button_on_a_card_that_did_not_ask_them(delegated: Delegated) -> None:
    question, other, teams = await asked(delegated), await asked(delegated), delegated.teams
    await anew(teams, "bob")
    group = await teams.group("alice", "bob")
    lure = await teams.say("alice", group, "Press here to see the pictures!")
    told = await teams.say("bob", question.bobs, "/help")
    own = await teams.until("bob", question.bobs, answer(told, "/help"))
    for chat, message in ((group, lure.activity), (group, question.card.id), (question.bobs, own.id),
                          (question.bobs, other.card.id), (question.bobs, told.activity), (question.bobs, "")):  # fmt: skip
        pressed = await question.press("bob", chat, on=message)
        assert code(pressed)[1:] == (409, "digest_mismatch"), message
    assert (await question.status(), await question.orders()) == ("pending", 0)
    for each in (question, other):
        assert (await each.press("bob", each.bobs, "reject")).body["statusCode"] == 200


@pytest.mark.promise("teams.clicks")
async def test_who_presses_twice_or_too_late_sees_what_was_decided(delegated: Delegated) -> None:
    question = await asked(delegated)
    pressed = await question.teams.click("bob", question.bobs, question.card.id, "Reject", {"comment": "Too dear"})
    assert pressed.effect == "card"
    await question.seen("Rejected", "Too dear", "Bob")
    for verb in ("reject", "approve", "approve"):
        again = await question.press("bob", question.bobs, verb, comment="Another word")
        assert (again.body["statusCode"], again.body["type"]) == (200, CARD)
        assert "Too dear" in str(again.body["value"])
        assert "Another word" not in str(again.body["value"])
    assert (await question.status(), await question.orders()) == ("rejected", 0)
    await question.teams.until("alice", question.alices, words("not ordered", "Too dear"))


@pytest.mark.promise("teams.clicks")
async def test_what_was_asked_for_a_run_that_is_cancelled_cannot_be_approved(delegated: Delegated) -> None:
    question = await asked(delegated)
    task = await question.teams.until("alice", question.alices, words("Waiting", question.item))
    assert (await question.teams.click("alice", question.alices, task.id, "Cancel")).effect == "card"
    late = await question.press("bob", question.bobs)
    assert "No longer asked" in str(late.body["value"])
    assert "Approve" not in (await question.seen("No longer asked")).buttons
    assert (await question.status(), await question.orders()) == ("cancelled", 0)


@pytest.mark.promise("teams.approval.everywhere")
async def test_what_is_decided_in_the_console_meanwhile_stands_in_the_card(delegated: Delegated) -> None:
    question = await asked(delegated)
    decided = await delegated.host.decide(
        "bob", {"id": question.data["approval"], **question.data}, "approve", comment="Seen elsewhere"
    )
    assert decided.status == 200
    assert "Approve" not in (await question.seen("Approved", "Seen elsewhere")).buttons
    await question.teams.until("alice", question.alices, words("is placed", question.item))
    assert await question.orders() == 1


@pytest.mark.promise("teams.approval.everywhere")
async def test_what_is_asked_for_over_rest_is_decided_in_teams(delegated: Delegated) -> None:
    item = f"whiteboard {random.randrange(10**9)}"
    run = await delegated.host.ask("alice", "buyer", f"Order a {item} for 1,300 EUR")
    teams, bobs = delegated.teams, await delegated.teams.personal("bob")
    card = await teams.until("bob", bobs, words("Your approval is asked", item))
    assert (await teams.click("bob", bobs, card.id, "Approve")).effect == "card"
    done = await delegated.host.settled("alice", run["id"], "completed")
    assert "is placed" in done["output"]["text"]


@asynccontextmanager
async def signed_out(teams: Teams, person: str, chat: str) -> AsyncIterator[None]:
    """Sign somebody out, and leave their clients alone with it."""
    said = await teams.say(person, chat, "/signout")
    await teams.until(person, chat, answer(said, "signed out"))
    yield


@pytest.mark.promise("teams.clicks")
async def test_who_is_signed_out_signs_in_by_the_click_and_decides(delegated: Delegated) -> None:
    question = await asked(delegated)
    async with signed_out(question.teams, "bob", question.bobs):
        pressed = await question.teams.click("bob", question.bobs, question.card.id, "Approve")
    assert [each.body["type"] for each in pressed.answers] == [LOGIN, CARD]
    assert pressed.answers[0].body["statusCode"] == 401
    assert pressed.effect == "card"
    await question.teams.until("alice", question.alices, words("is placed", question.item))
    assert await question.orders() == 1


@pytest.mark.promise("teams.clicks")
async def test_who_cannot_sign_in_decides_nothing(delegated: Delegated) -> None:
    question = await asked(delegated)
    await question.teams.consent("bob", given=False)
    try:
        async with signed_out(question.teams, "bob", question.bobs):
            pressed = await question.teams.click("bob", question.bobs, question.card.id, "Approve")
        assert pressed.answers[-1].body["statusCode"] == 412
        assert pressed.effect == "error"
        assert (await question.status(), await question.orders()) == ("pending", 0)
    finally:
        await question.teams.consent("bob", given=True)
    assert (await question.teams.click("bob", question.bobs, question.card.id, "Reject")).effect == "card"


async def buyers(delegated: Delegated, teams: Teams, tenant: str) -> dict[str, str]:
    """Make a tenant with three who may pay invoices and know the bot; return their chats."""
    host = delegated.host
    people = {
        f"{name}-{tenant}": {"name": name.capitalize(), "title": "buyer", "roles": ["employee", "buyer"]}
        for name in ("ada", "ben", "cleo")
    }
    made = {"name": tenant, "people": people, "workloads": {}}
    async with host.http.post(f"{host.entra}/_twin/tenants", json=made) as response:
        assert response.status == 201, await response.text()
    await host.people.read()
    body = {"id": tenant, "name": "Adatum", "directory": tenant, "settings": {}}
    assert (await host.call("carol", "POST", "/v1/admin/tenants", body)).status == 201
    chats: dict[str, str] = {}
    for person in people:
        told = await teams.pull("chats", kind="personal", tenant=tenant, members=[person])
        chats[person] = await anew(teams, person, "buyer", chat=told["conversation"])
    return chats


@pytest.mark.promise("teams.approval.everywhere")
async def test_who_is_asked_by_their_role_sees_what_another_of_them_decided(delegated: Delegated) -> None:
    teams, tenant = delegated.teams, f"adatum-{random.randrange(10**6)}"
    chats = await buyers(delegated, teams, tenant)
    (ada, hers), (ben, his), (cleo, other) = chats.items()
    invoice = f"INV-{random.randrange(10**6)}"
    await teams.say(ada, hers, f"pay invoice {invoice} over 900 EUR")
    card = await teams.until(ben, his, words("Your approval is asked", invoice))
    beside = await teams.until(cleo, other, words("Your approval is asked", invoice))
    assert (await teams.click(ben, his, card.id, "Reject", {"comment": "Twice billed"})).effect == "card"
    replaced = await teams.until(cleo, other, words("Rejected", invoice, "Ben", "Twice billed"))
    assert replaced.id == beside.id
    assert "Approve" not in replaced.buttons
    assert words("Your approval is asked", invoice)(await teams.seen(ada, hers)) is None
    await teams.until(ada, hers, words("Not paid"))
