"""Every page, wide and narrow, light and dark: the browser has nothing to complain of, and nobody is shut out."""

from typing import Literal

import pytest
from playwright.async_api import Browser

from tests.browser import NARROW, WIDE, screen
from tests.console import story
from tests.console.conftest import House
from tests.console.inspection import faults

pytestmark = pytest.mark.browser


def _pages(house: House) -> list[tuple[str, str]]:
    runs = list(house.runs.runs.values())
    waiting = next(run for run in runs if run.agent == "buyer" and run.status == "waiting")
    threads = [("alice", f"/threads/{run.thread}") for run in runs if run.principal["id"] == "alice"]
    return [
        ("alice", "/chat"),
        ("alice", "/chat/buyer"),
        *dict.fromkeys(threads),
        ("alice", "/documents/doc_travel/passages/psg_hotels"),
        ("alice", f"/runs/{runs[2].id}"),
        ("alice", f"/runs/{waiting.id}"),
        *[("alice", f"/runs/{run.id}") for run in runs[-3:]],
        ("bob", "/approvals"),
        ("bob", "/approvals/decided"),
        ("bob", f"/approvals/{(waiting.waiting or {})['approval_id']}"),
        ("carol", "/runs"),
        ("carol", "/runs?status=queued"),
        ("mona", "/approvals"),
    ]


@pytest.mark.promise("console.readable")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_every_page_fits_is_readable_and_names_its_parts(
    browser: Browser, busy: House, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    busy.level.update(
        state="fetching", received=412_000_000, total=1_117_000_000, name="Qwen2.5-Coder-1.5B", licence="Apache-2.0"
    )
    alice = busy.people["alice"]
    story.payment(busy.runs, alice)
    busy.runs.add(alice, "buyer", "Order two desks", status="queued")
    done = {"step_id": "stp_1", "function": "procurement.create_order", "outcome": "unknown"}
    busy.runs.finish(busy.runs.add(alice, "buyer", "Order a lamp").id, status="cancelled", effects=[done])
    found: dict[str, list[str]] = {}
    async with screen(browser, busy.address, size=size, color_scheme=scheme) as seen:
        await seen.go("/sign-in")
        found["/sign-in"] = await faults(seen.page)
        present = ""
        for name, path in _pages(busy):
            if name != present:
                await seen.go("/sign-in")
                await seen.sign_in(name, "/sign-in")
                present = name
            await seen.go(path)
            for summary in await seen.page.locator("main details > summary").all():
                await summary.click()
            found[f"{name} {path}"] = await faults(seen.page)
    told = [f"{where}: {fault}" for where, what in found.items() for fault in what]
    assert not told, "\n".join(told)


@pytest.mark.promise("console.escaped")
async def test_hostile_text_runs_nowhere(browser: Browser, house_of_runs: House) -> None:
    run = story.hostile(house_of_runs.runs, house_of_runs.people["alice"])
    async with screen(browser, house_of_runs.address) as seen:
        await seen.sign_in("alice")
        for path in (
            "/runs",
            f"/runs/{run.id}",
            "/documents/doc_hostile/passages/psg_hostile",
            f"/threads/{run.thread}",
        ):
            await seen.go(path)
            assert await seen.page.evaluate("window.taken") is None
        assert story.HOSTILE in await seen.open_source(1)
        assert await seen.page.evaluate("window.taken") is None
        assert await seen.page.locator("main img, dialog img").count() == 0


@pytest.mark.promise("console.csp")
async def test_the_browser_refuses_script_that_is_smuggled_into_a_page(browser: Browser, busy: House) -> None:
    async with screen(browser, busy.address) as seen:
        await seen.sign_in("alice")
        for attempt in (
            "const s = document.createElement('script'); s.textContent = 'window.taken = true'; document.body.append(s)",
            "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.taken = true\">')",
            "trustedTypes.createPolicy('other', {createHTML: (html) => html})",
        ):
            refused = await seen.page.evaluate(
                f"() => {{ try {{ {attempt}; return false; }} catch {{ return true; }} }}"
            )
            assert refused, attempt
        assert await seen.page.evaluate("window.taken") is None
        seen.complaints.clear()  # the browser notes each attempt
