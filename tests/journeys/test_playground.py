"""Teams as an employee and their manager see it, in Microsoft's own client against a host as ``make run`` starts it.

``make teams-playground`` runs it and keeps its pictures; without the client from npm it is skipped.
"""

import os
import random
import socket
from contextlib import AsyncExitStack
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
REQUIRED = bool(os.environ.get("CHARTER_TEST_PLAYGROUND_REQUIRED"))
PICTURES = os.environ.get("CHARTER_TEST_PICTURES")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return Path(PICTURES) if PICTURES else tmp_path / "pictures"


@pytest.mark.promise("teams.playground")
@pytest.mark.skipif(TOOL is None and not REQUIRED, reason=playground.MISSING)
async def test_employees_delegate_in_a_real_client(browser: Browser, tmp_path: Path, pictures: Path) -> None:
    assert TOOL is not None, playground.MISSING
    folder, port, item = tmp_path / "host", _ports(), f"standing desk {random.randrange(10**6)}"
    address = f"http://localhost:{port}"
    async with AsyncExitStack() as windows:
        async with running_host(folder, knowledge=True, teams=None, port=port) as host:
            await host.library_read()
            bob = await windows.enter_async_context(window(browser, TOOL, pictures, address, "bob"))
            alice = await windows.enter_async_context(window(browser, TOOL, pictures, address, "alice"))
            await _greeted(alice)
            await _answered(alice)
            await _waiting(alice, bob, item)
        async with running_host(folder, teams=None, port=port) as host:
            await _ordered(alice, bob, item)
            await _mistaken(alice)
            orders = (await host.sandbox("procurement", "/_sandbox/orders"))["orders"]
            assert [order["placed_by"] for order in orders if order["item"] == item] == ["alice"]


def _ports() -> int:
    """Return a port with room behind it for the twins and sandboxes: a host that starts anew is found where it was."""
    for _ in range(100):
        first = random.randrange(20_000, 31_000)
        if all(_free(first + n) for n in range(16)):
            return first
    raise AssertionError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def _greeted(alice: Window) -> None:
    await alice.sees("I am Charter")
    await alice.shot("1-welcome")
    await alice.press("How many days of annual leave do I have left?")
    await alice.sees(r"You have \d+ days of annual leave left")
    await alice.shot("2-starter")


async def _answered(alice: Window) -> None:
    await alice.say("What does the policy say about how much a hotel night may cost?")
    await alice.sees("The policy says")
    await alice.sees("AI.generated")
    await alice.shot("3-cited")


async def _waiting(alice: Window, bob: Window, item: str) -> None:
    await alice.say("/new buyer")
    await alice.sees("We begin anew, with Buyer")
    await alice.say(f"Order a {item} for 1,450 EUR")
    await alice.sees(r"Waiting\s+Order a " + item)
    await bob.sees(r"Your approval is asked[\s\S]*" + item + r"[\s\S]*1,450\.00")
    await alice.shot("4-waiting")
    await bob.shot("5-approval")


async def _ordered(alice: Window, bob: Window, item: str) -> None:
    """Hours later, so to say: the host that asked is gone, and another one goes on."""
    await bob.press("Approve")
    await bob.sees("Approved[\\s\\S]*" + item)
    await expect(bob.page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    await bob.shot("6-approved")
    await alice.sees(rf"Order PO-\d+ is placed: {item}")
    await alice.sees(r"Done\s+Order a " + item)
    await alice.shot("7-done")


async def _mistaken(alice: Window) -> None:
    await alice.say("/new employee assistant")
    await alice.sees("with Employee assistant")
    await alice.say("overloaded")
    await alice.sees("That did not work")
    await alice.sees("Reference")
    await alice.shot("8-error")
