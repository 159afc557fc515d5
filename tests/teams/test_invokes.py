"""Invokes: what a client waits for is answered within its request."""

import asyncio
from typing import Any

import pytest

from charter.channels.teams.incoming import Activity
from charter.channels.teams.ingress import Invoke, Invoked
from charter.errors import CharterError, NotAnApprover
from charter.store.database import Database
from tests.teams.door import Door, door, open_door

__all__ = ["door"]

CARD = "adaptiveCard/action"


def _failing(fault: Exception) -> Invoke:
    async def handler(_tenant: str, _activity: Activity) -> Invoked:
        raise fault

    return handler


async def _forever(_tenant: str, _activity: Activity) -> Invoked:
    await asyncio.Event().wait()
    return Invoked(200)


async def _said(tenant: str, activity: Activity) -> Invoked:
    return Invoked(412, {"tenant": tenant, "value": activity.value, "person": activity.sender.oid})


async def _nothing(_tenant: str, _activity: Activity) -> Invoked:
    return Invoked(200)


def _invoke(door: Door, name: str, **more: Any) -> dict[str, Any]:
    return door.activity(type="invoke", name=name, value={"id": "1"}, text=None, **more)


@pytest.mark.promise("teams.invokes")
async def test_an_invoke_is_answered_by_the_handler_of_its_name(database: Database) -> None:
    async with open_door(database, invokes={"signin/tokenExchange": _said, CARD: _nothing}) as door:
        answer = await door.post(_invoke(door, "signin/tokenExchange"), door.good)
        assert (answer.status, answer.body) == (412, {"tenant": door.tenant, "value": {"id": "1"}, "person": "alice"})
        empty = await door.post(_invoke(door, CARD), door.good)
        assert (empty.status, empty.body) == (200, None)
        assert (list(await door.rows()), door.arrived) == ([], [])


@pytest.mark.promise("teams.invokes")
async def test_an_invoke_of_an_unknown_name_is_not_implemented(door: Door) -> None:
    answer = await door.post(_invoke(door, "composeExtension/query"), door.good)
    assert (answer.status, answer.body["code"]) == (501, "unknown_invoke")


async def test_an_invoke_is_somebodys_of_a_tenant_that_is_served(database: Database) -> None:
    async with open_door(database, invokes={CARD: _said}) as door:
        assert (await door.post(_invoke(door, CARD, **{"from": {"id": "28:bot"}}), door.good)).status == 403
        assert (await door.post(_invoke(door, CARD), "Bearer a.b.c")).status == 401
        assert (await door.post(_invoke(door, CARD, serviceUrl="https://evil.example/"), door.good)).status == 401


FAULTS = {
    "a refusal": (NotAnApprover(), 403, "not_an_approver"),
    "a fault of ours": (RuntimeError("a secret word"), 500, "internal"),
    "a broken thing": (CharterError("Broken."), 500, "internal"),
}


@pytest.mark.promise("teams.invokes")
@pytest.mark.parametrize("case", FAULTS)
async def test_a_handlers_fault_is_told_as_the_client_wants_to_hear_it(case: str, database: Database) -> None:
    fault, status, code = FAULTS[case]
    async with open_door(database, invokes={CARD: _failing(fault), "message/submitAction": _failing(fault)}) as door:
        card = await door.post(_invoke(door, CARD), door.good)
        assert (card.status, card.body["statusCode"]) == (200, status)
        assert (card.body["type"], card.body["value"]["code"]) == ("application/vnd.microsoft.error", code)
        other = await door.post(_invoke(door, "message/submitAction"), door.good)
        assert (other.status, other.body["code"]) == (status, code)
        assert "secret" not in str(card.body) + str(other.body)


@pytest.mark.promise("teams.invokes")
async def test_a_handler_that_never_ends_is_ended(database: Database) -> None:
    async with open_door(
        database, invokes={CARD: _forever, "task/fetch": _forever}, seconds={"invoke_seconds": 0.1}
    ) as door:
        card = await door.post(_invoke(door, CARD), door.good)
        assert (card.status, card.body["statusCode"]) == (200, 503)
        other = await door.post(_invoke(door, "task/fetch"), door.good)
        assert (other.status, other.headers["Retry-After"]) == (503, "2")
