"""A call is cut off, and its system can neither repeat it safely nor be asked: people answer in the console."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from charter import settings
from tests.browser import NARROW, WAIT_MS, Screen, browser, screen
from tests.console.inspection import faults
from tests.running import HOUSE, WAIT_SECONDS, RunningHost, running_host

__all__ = ["browser"]

pytestmark = pytest.mark.browser

_DRILLS = HOUSE / "tests" / "drills"
_SCRIPT = HOUSE / "tests" / "data" / "drill.yaml"


@pytest.fixture(scope="module")
async def counting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    """A host with the counting house of the drills, and with one place for runs of a tenant."""
    chosen: dict[str, Any] = {
        "agents_dirs": str(_DRILLS / "agents"),
        "plugins_dirs": str(_DRILLS / "plugins"),
        "models": {"standard": settings.Deployment(kind="scripted", model="scripted", script=_SCRIPT)},
        "runs": settings.Runs(tenant_concurrent=1),
    }
    async with running_host(Path(tmp_path_factory.mktemp("counting")), **chosen) as host:
        yield host


async def _cut(host: RunningHost, when: str, times: int = 1) -> None:
    """Let the next stamps be cut off before they are done, or after it."""
    order = {"method": "POST", "path": "/stamps", "cut": when, "times": times}
    await host.sandbox("counter", "/_sandbox/faults", "POST", order)


async def _stamps(host: RunningHost, mark: str) -> int:
    """Count what was really done, in the counting house itself."""
    rows = (await host.sandbox("counter", "/_sandbox/ledger"))["rows"]
    return sum(row["mark"] == mark for row in rows)


async def _card(seen: Screen) -> tuple[str, dict[str, str]]:
    """Return where the card on the page sends an answer, and what it sends with each."""
    form = seen.page.locator("form.decide")
    fields = {name: await form.locator(f'[name="{name}"]').get_attribute("value") or "" for name in ("csrf", "since")}
    return f"{seen.address}{await form.get_attribute('action')}", fields


async def _late(seen: Screen, card: tuple[str, dict[str, str]], answer: str) -> str:
    """Answer from a card that somebody still has open; return the page that refuses it."""
    told = await seen.page.request.post(card[0], form={**card[1], "answer": answer})
    assert told.status == 409
    return await told.text()


@pytest.mark.promise("journey.doubt")
async def test_who_asked_finds_the_stamp_and_it_is_not_done_a_second_time(
    browser: Browser, counting: RunningHost
) -> None:
    async with screen(browser, counting.address) as alice:
        await alice.sign_in("alice")
        await _cut(counting, "after")
        await alice.ask("driller", "stamp found")
        waiting = await alice.answer()
        assert "Nobody knows whether this happened" in waiting
        assert "found" in waiting
        assert await faults(alice.page) == []
        assert await _stamps(counting, "found") == 1
        card = await _card(alice)
        await alice.page.get_by_label("What you found").fill("It is the stamp E-1")
        await alice.page.get_by_role("button", name="It happened").click()
        await expect(alice.page.locator(".effect")).to_contain_text("Done, as alice says: Stamp", timeout=WAIT_MS)
        await expect(alice.page.locator("[data-answer] .prose")).to_be_visible(timeout=WAIT_MS)
        await alice.page.get_by_role("link", name="Look into this run").click()
        await expect(alice.page.locator("[data-timeline]")).to_contain_text("alice says: it happened")
        await expect(alice.page.locator("[data-timeline]")).to_contain_text("It is the stamp E-1")
        assert await faults(alice.page) == []
        assert "alice has said already: it happened." in await _late(alice, card, "retry")
    assert await _stamps(counting, "found") == 1


@pytest.mark.promise("journey.doubt")
async def test_an_operator_lets_it_be_tried_again_and_who_answers_otherwise_is_told(
    browser: Browser, counting: RunningHost
) -> None:
    async with (
        screen(browser, counting.address, size=NARROW) as carol,
        screen(browser, counting.address) as alice,
    ):
        await alice.sign_in("alice")
        await _cut(counting, "before", times=2)
        await alice.ask("driller", "stamp missing")
        assert "Nobody knows whether this happened" in await alice.answer()
        run_id = await alice.page.locator(".turn").last.get_attribute("id") or ""
        await carol.sign_in("carol", "/runs?status=waiting")
        row = carol.page.locator(".runs li", has_text="stamp missing")
        await expect(row).to_contain_text("Needs an answer")
        await row.get_by_role("link").click()
        await carol.page.wait_for_url("**/runs/run_*")
        await carol.page.wait_for_load_state()
        assert await faults(carol.page) == []
        card = await _card(alice)
        again = carol.page.get_by_role("button", name="It did not happen: try again")
        await again.click()
        await expect(carol.page.locator("[data-head]")).to_contain_text("Said before", timeout=WAIT_MS)
        assert "does not wait for this answer any more" in await _late(alice, card, "retry")
        assert await faults(carol.page) == []
        await again.click()
        await expect(carol.page.locator("[data-head] .status").first).to_have_text("Completed", timeout=WAIT_MS * 2)
        await expect(carol.page.locator("[data-timeline]")).to_contain_text("carol says: it did not happen, try again")
        await expect(alice.page.locator(".effect")).to_contain_text("Done: Stamp", timeout=WAIT_MS)
        assert "The run is completed." in await _late(alice, card, "give_up")
    assert await _stamps(counting, "missing") == 1
    assert (await counting.run("alice", run_id))["status"] == "completed"


@pytest.mark.promise("console.queued")
@pytest.mark.promise("console.cancel")
async def test_a_run_without_a_place_says_so_and_can_be_cancelled(browser: Browser, counting: RunningHost) -> None:
    await counting.sandbox("counter", "/_sandbox/pace", "PATCH", {"seconds": 15})
    body = {"agent": "driller", "input": "stamp slow"}
    async with screen(browser, counting.address) as alice:
        await alice.sign_in("alice")
        first = (await counting.call("alice", "POST", "/v1/runs", body)).body
        await alice.ask("driller", "stamp never")
        await expect(alice.page.locator("[data-line]")).to_have_text("Waiting for a place; it begins by itself…")
        await alice.page.get_by_role("link", name="Look into this run").click()
        await expect(alice.page.locator("[data-head]")).to_contain_text("Waiting for a place; it begins by itself.")
        await alice.page.get_by_role("button", name="Cancel this run").click()
        await expect(alice.page.locator("[data-head]")).to_contain_text("Cancelled. Nothing had been changed.")
        await alice.go(f"/runs/{first['id']}")
        await expect(alice.page.locator("[data-head] .status").first).to_have_text("Running")
        await alice.page.get_by_role("button", name="Cancel this run").click()
        await expect(alice.page.locator("[data-head]")).to_contain_text("A call that was under way was not interrupted")
        async with asyncio.timeout(WAIT_SECONDS):
            while (await counting.run("alice", first["id"]))["effects"][0]["outcome"] != "done":
                await asyncio.sleep(0.2)
        await alice.page.reload()
        await expect(alice.page.locator("[data-head]")).to_contain_text("What had been done before stays done.")
    await counting.sandbox("counter", "/_sandbox/pace", "PATCH", {"seconds": 0})
    assert (await _stamps(counting, "slow"), await _stamps(counting, "never")) == (1, 0)
