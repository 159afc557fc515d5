"""Teams as an employee and their manager see it, in Microsoft's own client against a host as ``make run`` starts it.

``make teams-playground`` runs it and keeps its pictures; without the client from npm it is skipped.
"""

import os
import random
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests import playground
from tests.browser import browser
from tests.journeys.playground import Window, window
from tests.running import running_host

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TOOL = playground.find()
PICTURES = os.environ.get("CHARTER_TEST_PICTURES")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return Path(PICTURES) if PICTURES else tmp_path / "pictures"


@pytest.mark.promise("teams.playground")
@pytest.mark.skipif(TOOL is None, reason=playground.MISSING)
async def test_employees_delegate_in_a_real_client(browser: Browser, tmp_path: Path, pictures: Path) -> None:
    assert TOOL is not None
    folder, item = tmp_path / "host", f"standing desk {random.randrange(10**6)}"
    async with running_host(folder, knowledge=True, teams=None) as host:
        await host.library_read()
        async with (
            window(browser, TOOL, pictures, host.address, "bob", ("alice",)) as bob,
            window(browser, TOOL, pictures, host.address, "alice", ("bob",)) as alice,
        ):
            await _greeted(alice)
            await bob.sees(re.compile("Hello Bob"))
            await _answered(alice)
            await _ordered(alice, bob, item)
            await _mistaken(alice)
            orders = (await host.sandbox("procurement", "/_sandbox/orders"))["orders"]
            assert [order["placed_by"] for order in orders if order["item"] == item] == ["alice"]


async def _greeted(alice: Window) -> None:
    await alice.sees(re.compile("Hello Alice"))
    await alice.shot("1-welcome")
    await alice.press("How many days of annual leave do I have left?")
    await alice.sees(re.compile(r"You have \d+ days of annual leave left"))
    await alice.shot("2-starter")


async def _answered(alice: Window) -> None:
    await alice.say("What does the policy say about how much a hotel night may cost?")
    await alice.sees(re.compile("The policy says"))
    await alice.sees(re.compile("AI generated", re.IGNORECASE))
    await alice.shot("3-cited")


async def _ordered(alice: Window, bob: Window, item: str) -> None:
    await alice.say("/new")
    await alice.say(f"Order a {item} for 1,450 EUR")
    await alice.sees(re.compile("Waiting|Waits for"))
    await bob.sees(re.compile("Your approval is asked"))
    await bob.sees(re.compile("1,450.00"))
    await alice.shot("4-waiting")
    await bob.shot("5-approval")
    await bob.press("Approve")
    await bob.sees("Approved")
    await expect(bob.page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    await bob.shot("6-approved")
    await alice.sees(re.compile(rf"Order PO-\d+ is placed: {item}"))
    await alice.shot("7-done")


async def _mistaken(alice: Window) -> None:
    await alice.say("overloaded")
    await alice.sees("That did not work")
    await alice.sees("Reference")
    await alice.shot("8-error")
