"""The main journey as people see it: in the console, against the real host, its twins and its sandboxes."""

import random

import pytest
from playwright.async_api import Browser, expect

from tests.browser import NARROW, WAIT_MS, browser, screen
from tests.console.inspection import faults
from tests.running import RunningHost

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.mark.promise("journey.console")
async def test_an_order_is_asked_for_approved_and_placed_in_the_console(browser: Browser, host: RunningHost) -> None:
    item = f"standing desk {random.randrange(10**6)}"
    async with screen(browser, host.address) as alice, screen(browser, host.address, size=NARROW) as bob:
        await alice.sign_in("alice")
        await alice.ask("buyer", f"Order a {item} for 1,450 EUR")
        waiting = await alice.answer()
        assert "bob must approve" in waiting
        assert item in waiting
        assert "1,450.00" in waiting
        assert await faults(alice.page) == []

        run_id = await alice.page.locator(".turn").last.get_attribute("id")
        approval = await host.pending("bob", run_id or "")
        await bob.sign_in("bob", f"/approvals/{approval['id']}")
        assert await faults(bob.page) == []
        assert "by bob" in await bob.decide("Approve", "Fine by me")

        await expect(alice.page.locator(".turn").last.locator(".effect")).to_contain_text("Done", timeout=WAIT_MS * 2)
        assert item in await alice.answer()
        await alice.page.get_by_role("link", name="Receipt").click()
        await expect(alice.page.locator(".step:target")).to_contain_text("procurement.create_order")
        assert await faults(alice.page) == []
    orders = (await host.sandbox("procurement", "/_sandbox/orders"))["orders"]
    assert [order["placed_by"] for order in orders if order["item"] == item] == ["alice"]


@pytest.mark.promise("journey.cited")
async def test_an_answer_from_a_document_opens_at_its_very_passage(browser: Browser, host: RunningHost) -> None:
    await host.library_read()
    async with screen(browser, host.address) as alice:
        await alice.sign_in("alice")
        await alice.ask("employee_assistant", "What does the policy say about how much a hotel night may cost?")
        assert "The limit for a hotel night" in await alice.answer()
        assert "The limit for a hotel night, including breakfast and taxes" in await alice.open_source(1)
        await expect(alice.page.locator("dialog[open]")).to_contain_text("TravelDesk")
        assert await faults(alice.page) == []


@pytest.mark.promise("console.sign-out")
async def test_who_signs_out_is_gone_in_every_window_that_held_the_same_cookie(
    browser: Browser, host: RunningHost
) -> None:
    async with screen(browser, host.address) as alice, screen(browser, host.address) as copy:
        await alice.sign_in("alice")
        await copy.page.context.add_cookies(await alice.page.context.cookies())  # pyright: ignore[reportArgumentType]
        await copy.go("/runs")
        await expect(copy.page.get_by_role("navigation", name="Main")).to_be_visible()
        await alice.sign_out()
        await expect(alice.page.get_by_role("heading", name="Who is at the desk?")).to_be_visible()
        assert await faults(alice.page) == []
        await copy.go("/runs")
        await expect(copy.page.get_by_text("Your sign-in has ended.")).to_be_visible()


async def test_an_operator_looks_into_a_run_and_another_tenant_finds_nothing(
    browser: Browser, host: RunningHost
) -> None:
    run = await host.ask("alice", "employee_assistant", "How many days of annual leave do I have left?")
    async with screen(browser, host.address) as carol:
        await carol.sign_in("carol", f"/runs/{run['id']}")
        step = carol.page.locator(".step", has=carol.page.locator("code", has_text="people.get_leave_balance")).last
        await expect(step).to_contain_text("Allowed")
        assert await faults(carol.page) == []
    async with screen(browser, host.address) as frank:
        await frank.sign_in("frank", f"/runs/{run['id']}")
        await expect(frank.page.get_by_role("alert")).to_contain_text("There is no run")
        frank.complaints.clear()  # the browser notes the 404
