"""What script adds: live text, steps, cards, the passage sheet, the level; and the keyboard alone does it all."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser import NARROW, WAIT_MS, Screen, screen
from tests.console import story
from tests.console.conftest import House
from tests.console.inspection import faults
from tests.console.memory import question

pytestmark = pytest.mark.browser


async def _sent(seen: Screen, house: House, agent: str, text: str) -> str:
    """Ask and return the run's id."""
    await seen.ask(agent, text)
    return (await seen.page.locator(".turn").last.get_attribute("id")) or ""


async def _tab_to(page: Page, name: str, *, most: int = 60) -> None:
    """Press Tab until the focus is on the element whose name begins so; every stop on the way must be seen."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        here = await page.evaluate(
            """() => {
              const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
              const labelled = e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent;
              const ringed = (at) => at && (getComputedStyle(at).outlineStyle !== 'none' || getComputedStyle(at).boxShadow !== 'none');
              const seen = box.width > 0 && (ringed(e) || ringed(e.parentElement) || ringed(e.closest('li')));
              return {name: labelled.trim().replace(/\\s+/g, ' '), seen, tag: e.tagName};
            }"""
        )
        assert here["tag"] != "BODY" or not most, "the focus was lost"
        assert here["seen"], f"the focus on {here} is not seen"
        if here["name"].startswith(name):
            return
    raise AssertionError(f"Tab does not reach {name}")


@pytest.mark.promise("console.live")
async def test_an_answer_comes_alive_step_by_step(browser: Browser, house_of_runs: House) -> None:
    runs = house_of_runs.runs
    async with screen(browser, house_of_runs.address) as seen:
        await seen.sign_in("alice")
        run_id = await _sent(seen, house_of_runs, "employee_assistant", "How much leave do I have?")
        turn = seen.page.locator(".turn").last
        await expect(turn.locator("[data-line]")).to_have_text("Working…")
        runs.step(run_id, "function", "people.get_leave_balance", "running", key="call")
        await expect(turn.locator("[data-line]")).to_have_text("Asking people.get_leave_balance…")
        await expect(turn.locator("[data-answer]")).to_have_attribute("aria-busy", "true")
        for word in ("You ", "have ", "**12** ", "<b>days</b>"):
            runs.say(run_id, word)
        await expect(turn.locator("[data-stream]")).to_have_text("You have **12** <b>days</b>")
        runs.finish(run_id, "You have **12** days left.", usage=story.used(2, 900, 30, "0.0011"))
        assert "You have 12 days left." in await seen.answer()
        await expect(turn.locator("strong")).to_have_text("12")
        await expect(turn.locator("[data-line]")).to_be_empty()
        await expect(seen.page.locator("#said")).to_have_text("Answer ready.")
        await expect(seen.page.get_by_role("navigation", name="Recent")).to_contain_text("How much leave do I have?")
        assert seen.page.url.endswith(f"/console/threads/{runs.runs[run_id].thread}")
        assert await seen.page.evaluate("document.activeElement.id") == "input"
        await seen.say("And last year?")
        second = list(runs.runs.values())[-1]
        assert (second.thread, second.input) == (runs.runs[run_id].thread, "And last year?")
        assert await faults(seen.page) == []


@pytest.mark.promise("console.approvals")
async def test_an_order_waits_is_approved_elsewhere_and_goes_on_before_the_persons_eyes(
    browser: Browser, house_of_runs: House
) -> None:
    runs = house_of_runs.runs
    async with (
        screen(browser, house_of_runs.address) as alice,
        screen(browser, house_of_runs.address, size=NARROW) as bob,
    ):
        await alice.sign_in("alice")
        run_id = await _sent(alice, house_of_runs, "buyer", "Order a standing desk for 1,450 EUR")
        runs.step(
            run_id, "function", "procurement.create_order", "waiting", key="call", effect="write", input=story.ORDER
        )
        runs.park(run_id, question(runs.runs[run_id], "procurement.create_order", story.ORDER, ("user:bob",)))
        assert "Waiting: bob must approve" in await alice.answer()

        await bob.sign_in("bob", "/approvals")
        await expect(bob.page.locator("[data-count]")).to_have_text("1")
        decided = await bob.decide("Approve", "Fine by me")
        assert "Approved" in decided
        assert "by bob" in decided
        assert "Fine by me" in decided
        await expect(bob.page.locator("[data-inbox]")).to_be_hidden()
        assert await bob.page.evaluate("document.activeElement.dataset.approval") is not None

        await expect(alice.page.locator(".turn").last.locator("[data-line]")).to_have_text("Working…")
        effects = [{"step_id": "stp_1", "function": "procurement.create_order", "outcome": "done"}]
        runs.finish(run_id, "Order **PO-8080** has been placed.", effects=effects)
        answer = await alice.answer()
        assert "Order PO-8080 has been placed." in answer
        assert "Done: Create order" in answer


async def test_a_person_confirms_in_their_own_conversation(browser: Browser, house_of_runs: House) -> None:
    run = story.confirmation(house_of_runs.runs, house_of_runs.people["alice"])
    async with screen(browser, house_of_runs.address, size=NARROW) as seen:
        await seen.sign_in("alice", f"/threads/{run.thread}")
        await seen.page.get_by_role("button", name="Confirm Request leave").click()
        await expect(seen.page.locator("form.decide")).to_have_count(0)
        assert next(iter(house_of_runs.runs.questions.values())).decided_by == "alice"


@pytest.mark.promise("console.citations")
async def test_a_citation_opens_its_passage_above_the_answer_and_gives_the_focus_back(
    browser: Browser, busy: House
) -> None:
    run = next(run for run in busy.runs.runs.values() if "hotel" in run.input)
    async with screen(browser, busy.address) as seen:
        await seen.sign_in("alice", f"/threads/{run.thread}")
        chip = seen.page.locator(".prose .chip").first
        await chip.focus()
        await seen.page.keyboard.press("Enter")
        cited = seen.page.locator("dialog[open] #cited")
        await expect(cited).to_contain_text("A night may cost up to 140 EUR in Munich")
        await expect(cited).to_be_in_viewport()
        await expect(seen.page.locator("dialog[open] h2#sheet-title")).to_have_text("Travel policy")
        await seen.page.keyboard.press("Escape")
        await expect(seen.page.locator("dialog[open]")).to_have_count(0)
        await expect(chip).to_be_focused()


async def test_a_runs_page_grows_with_its_run(browser: Browser, house_of_runs: House) -> None:
    runs = house_of_runs.runs
    run = runs.add(house_of_runs.people["alice"], "buyer", "Order a desk")
    runs.step(run.id, "message", "user", "done", input=run.input)
    async with screen(browser, house_of_runs.address) as seen:
        await seen.sign_in("alice", f"/runs/{run.id}")
        steps = seen.page.locator(".step")
        await expect(steps).to_have_count(1)
        runs.step(run.id, "function", "procurement.create_order", "running", key="call", input={"item": "desk"})
        await expect(steps).to_have_count(2)
        await steps.nth(1).locator("summary", has_text="Input").click()
        runs.step(run.id, "function", "procurement.create_order", "done", key="call", output={"order_id": "PO-1"})
        await expect(steps.nth(1).locator(".status")).to_have_text("Done")
        await expect(steps.nth(1).locator("details").first).to_have_attribute("open", "")
        runs.finish(run.id, "Order PO-1 has been placed.")
        await expect(seen.page.locator("[data-head]")).to_contain_text("Order PO-1 has been placed.")
        await expect(seen.page.locator("[data-head] .status").first).to_have_text("Completed")


@pytest.mark.promise("console.level")
async def test_the_level_moves_up_by_itself_and_says_so(browser: Browser, house_of_runs: House) -> None:
    house_of_runs.level.update(state="fetching", received=100_000_000, total=1_000_000_000, name="Qwen2.5-Coder-1.5B")
    async with screen(browser, house_of_runs.address) as seen:
        await seen.sign_in("alice")
        badge = seen.page.locator("[data-level]")
        await expect(badge.locator("summary")).to_contain_text("Assistance only")
        await expect(badge.locator("summary")).to_contain_text("10 %")
        await badge.locator("summary").click()
        await expect(badge).to_contain_text("100 of 1,000 MB")
        house_of_runs.level.update(received=900_000_000)
        await expect(badge.locator("progress")).to_have_attribute("value", "90")
        agents = story.AGENTS
        house_of_runs.runs.offered = {
            a["name"]: {**a, "model": {"tier": "standard", "level": "embedded"}} for a in agents
        }
        house_of_runs.level.update(level="embedded", state="serving")
        await expect(badge.locator("[data-label]")).to_have_text("Embedded 1.5B + assistance")
        await expect(seen.page.locator("#said")).to_have_text("Answers now come from: Embedded 1.5B + assistance.")
        await expect(badge.locator("progress")).to_be_hidden()
        await seen.page.keyboard.press("Escape")
        await expect(badge.locator(".level__more")).to_be_hidden()


async def test_a_refused_message_stays_in_the_box_with_what_to_do(browser: Browser, house_of_runs: House) -> None:
    async with screen(browser, house_of_runs.address) as seen:
        await seen.sign_in("alice", "/chat/buyer")
        del house_of_runs.runs.offered["buyer"]
        box = seen.page.get_by_role("textbox")
        await box.fill("Order a desk")
        await box.press("Enter")
        await expect(seen.page.locator("[data-composer] [role=alert]")).to_contain_text("There is no agent buyer.")
        await expect(box).to_have_value("Order a desk")
        house_of_runs.registry.end_all()
        await box.press("Enter")
        await expect(seen.page.get_by_role("link", name="Sign in again")).to_be_visible()
        await expect(box).to_have_value("Order a desk")
        await seen.page.get_by_role("link", name="Sign in again").click()
        await expect(seen.page.locator('input[name="back"]').first).to_have_value("/console/chat/buyer")
        seen.complaints.clear()  # the browser notes each refused request


@pytest.mark.promise("console.keyboard")
async def test_asking_reading_and_deciding_need_the_keyboard_only(browser: Browser, busy: House) -> None:
    async with screen(browser, busy.address) as seen:
        page = seen.page
        await seen.go("/approvals")
        await _tab_to(page, "B Sign in as Bob")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        await _tab_to(page, "Skip to the content")
        await page.keyboard.press("Enter")
        await _tab_to(page, "The exact call")
        await page.keyboard.press("Enter")
        await expect(page.locator(".exact pre").first).to_be_visible()
        await _tab_to(page, "Comment")
        await page.keyboard.type("Read and agreed")
        await _tab_to(page, "Reject")
        await page.keyboard.press("Space")
        await expect(page.locator("[data-approval]").first).to_contain_text("Read and agreed")
        await seen.go("/chat")
        await _tab_to(page, "Employee assistant")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/chat/employee_assistant")
        await page.get_by_role("textbox").focus()
        await page.keyboard.type("First line")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("second line")
        await page.keyboard.press("Enter")
        await expect(page.locator(".asked p")).to_have_text("First line\nsecond line")
        await seen.go("/runs")
        await _tab_to(page, "Status")
        await page.keyboard.press("End")
        await _tab_to(page, "Show")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/runs?status=cancelled**")
        await page.get_by_role("main").focus()
        await _tab_to(page, "Pay invoice 4711")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/runs/run_*")
        await _tab_to(page, "Sign out")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/sign-in")


@pytest.mark.promise("console.noscript")
async def test_without_script_one_asks_waits_and_reads(browser: Browser, house_of_runs: House) -> None:
    runs = house_of_runs.runs
    async with screen(browser, house_of_runs.address, java_script_enabled=False) as seen:
        page = seen.page
        await seen.go("/chat/employee_assistant")
        await page.get_by_role("button", name="Sign in as Alice").click()
        await page.get_by_role("textbox").fill("How much leave do I have?")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("[data-line]")).to_have_text("Working")
        runs.finish(next(iter(runs.runs)), "You have **12** days left.")
        await expect(page.locator(".prose strong")).to_have_text("12", timeout=WAIT_MS)
        run = story.confirmation(runs, house_of_runs.people["alice"])
        await seen.go(f"/threads/{run.thread}")
        await page.get_by_role("button", name="Confirm").click()
        await expect(page.locator(".approval__state")).to_contain_text("Approved")
