"""An effect of which nobody knows whether it happened: the card asks a person, and tells what their word brings."""

import re
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, expect

from charter.runs.run import Run
from tests.browser import NARROW, screen
from tests.console import story
from tests.console.conftest import House, Visitor
from tests.console.inspection import faults


@dataclass(frozen=True, slots=True)
class Doubt:
    """A payment of alice's that waits for somebody's word."""

    run: Run
    step: str

    @property
    def door(self) -> str:
        return f"/runs/{self.run.id}/steps/{self.step}/answer"

    @property
    def since(self) -> str:
        return str((self.run.waiting or {})["since"])

    def says(self, answer: str, note: str = "") -> dict[str, str]:
        return {"answer": answer, "since": self.since, "note": note}


@pytest.fixture
def doubt(house_of_runs: House) -> Doubt:
    run = story.payment(house_of_runs.runs, house_of_runs.people["alice"])
    return Doubt(run, str((run.waiting or {})["step_id"]))


@pytest.mark.promise("console.doubt")
@pytest.mark.parametrize("name", ["alice", "carol"])
async def test_the_card_tells_what_was_called_why_nobody_knows_and_what_each_answer_brings(
    visitor: Visitor, doubt: Doubt, name: str
) -> None:
    await visitor.sign_in(name)
    for path in (f"/threads/{doubt.run.thread}", f"/runs/{doubt.run.id}"):
        _, page = await visitor.get(path)
        for said in (
            "Nobody knows whether this happened", "Pay invoice <small>in Procurement", "EUR 1,450.00", "4711",
            "Saturday, 12 December 2026", "Unclear since", "Why nobody knows", "procurement.pay_invoice",
            "&#34;minor&#34;: 145000", "It cannot be undone.", "Nothing is called again.", "it is done twice",
            "It stays unclear and is not called again.", f'value="{doubt.since}"',
        ):  # fmt: skip
            assert said in page, (path, said)
        assert re.findall(r'name="answer" value="(\w+)"', page) == ["happened", "retry", "give_up"]
    assert "Needs an answer" in (await visitor.get("/runs"))[1]


@pytest.mark.promise("console.doubt")
@pytest.mark.promise("console.noscript")
@pytest.mark.parametrize(
    ("answer", "note", "told", "timeline"),
    [
        ("happened", "Payment 88-1", "Done, as alice says", "alice says: it happened"),
        ("happened", "", "Done, as alice says", "alice says: it happened"),
        ("retry", "", "Did not happen, as alice says; it is tried again", "alice says: it did not happen, try again"),
        ("give_up", "", "Unclear whether it happened; given up by alice", "alice says: given up, nobody knows"),
    ],
)
async def test_a_plain_form_answers_and_the_pages_tell_who_said_what(
    visitor: Visitor, house_of_runs: House, doubt: Doubt, answer: str, note: str, told: str, timeline: str
) -> None:
    await visitor.sign_in("alice")
    response = await visitor.post(doubt.door, doubt.says(answer, note))
    assert (response.status, response.headers["Location"]) == (303, f"/console/runs/{doubt.run.id}")
    output = house_of_runs.runs.steps[doubt.run.id][doubt.step].output
    if note:
        assert output == {"note": note}
    _, page = await visitor.get(f"/runs/{doubt.run.id}")
    assert "What became of: Pay invoice" in page
    for said in (told, timeline, note):
        assert said in page
    _, page = await visitor.get(f"/threads/{doubt.run.thread}")
    assert told in page
    assert "data-decide" not in page


async def test_a_script_gets_the_answered_card(visitor: Visitor, doubt: Doubt) -> None:
    await visitor.sign_in("carol")
    response = await visitor.post(doubt.door, doubt.says("happened", "Payment 88-1"), **{"X-Charter-Console": "1"})
    card = await response.json()
    assert card["said"] == "Pay invoice: it happened."
    for said in ("It happened", "<strong>carol</strong>", "Payment 88-1"):
        assert said in card["html"]
    assert "<form" not in card["html"]


@pytest.mark.promise("console.doubt")
async def test_the_first_answer_counts_and_the_second_hears_of_it(visitor: Visitor, doubt: Doubt) -> None:
    await visitor.sign_in("alice")
    await visitor.post(doubt.door, doubt.says("happened"))
    assert (await visitor.post(doubt.door, doubt.says("happened"))).status == 303
    await visitor.sign_in("carol")
    response = await visitor.post(doubt.door, doubt.says("retry"))
    assert response.status == 409
    assert "alice has said already" in await response.text()


@pytest.mark.promise("console.doubt")
async def test_an_answer_to_an_earlier_doubt_does_not_count_for_a_later_one(
    visitor: Visitor, house_of_runs: House, doubt: Doubt
) -> None:
    await visitor.sign_in("alice")
    await visitor.post(doubt.door, doubt.says("retry"))
    house_of_runs.runs.doubt(doubt.run.id, house_of_runs.runs.steps[doubt.run.id][doubt.step])
    again = house_of_runs.runs.runs[doubt.run.id]
    assert (await visitor.post(doubt.door, doubt.says("retry") | {"since": "2026-01-01T00:00:00.000Z"})).status == 409
    assert house_of_runs.runs.runs[doubt.run.id] == again
    _, page = await visitor.get(f"/threads/{doubt.run.thread}")
    assert "Said before" in page
    assert "alice: It did not happen; it is tried again" in page
    assert "data-decide" in page


async def test_a_run_that_has_ended_takes_no_answer(visitor: Visitor, house_of_runs: House, doubt: Doubt) -> None:
    await visitor.sign_in("alice")
    await house_of_runs.runs.cancel(house_of_runs.people["alice"], doubt.run.id)
    response = await visitor.post(doubt.door, doubt.says("happened"))
    assert response.status == 409
    assert "The run is cancelled." in await response.text()


@pytest.mark.promise("console.own")
@pytest.mark.parametrize("name", ["bob", "frank", "mona"])
async def test_nobody_answers_for_anothers_run(visitor: Visitor, house_of_runs: House, doubt: Doubt, name: str) -> None:
    await visitor.sign_in(name)
    response = await visitor.post(doubt.door, doubt.says("give_up"))
    assert response.status == 404
    assert house_of_runs.runs.runs[doubt.run.id].status == "waiting"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"answer": "perhaps"}, "An answer is one of the three"),
        ({"since": ""}, "An answer is one of the three"),
        ({"answer": "retry", "note": "Payment 88-1"}, "did not say that it happened. Nothing was done."),
        ({"note": "x" * 2001}, "The text is too long."),
    ],
)
async def test_an_unclear_answer_is_none(
    visitor: Visitor, house_of_runs: House, doubt: Doubt, fields: dict[str, str], said: str
) -> None:
    await visitor.sign_in("alice")
    response = await visitor.post(doubt.door, doubt.says("happened") | fields)
    assert response.status == 422
    assert said in await response.text()
    assert house_of_runs.runs.runs[doubt.run.id].status == "waiting"


@pytest.mark.promise("console.queued")
async def test_a_queued_run_says_that_it_waits_for_a_place(visitor: Visitor, house_of_runs: House) -> None:
    run = house_of_runs.runs.add(house_of_runs.people["alice"], "buyer", "Order a desk", status="queued")
    await visitor.sign_in("alice")
    for path in (f"/threads/{run.thread}", f"/runs/{run.id}"):
        _, page = await visitor.get(path)
        assert "Waiting for a place; it begins by itself" in page
        assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page


@pytest.mark.promise("console.cancel")
@pytest.mark.parametrize("status", ["queued", "running", "waiting"])
async def test_what_has_not_ended_can_be_cancelled_and_the_page_tells_what_that_means(
    visitor: Visitor, house_of_runs: House, status: str
) -> None:
    run = house_of_runs.runs.add(house_of_runs.people["alice"], "buyer", "Order a desk", status=status)
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/runs/{run.id}")
    assert 'aria-describedby="cancel-means"' in page
    assert "A change that is under way is not interrupted, and what is done stays done." in page
    assert (await visitor.post(f"/runs/{run.id}/cancel", {})).status == 303
    _, page = await visitor.get(f"/runs/{run.id}")
    assert "Cancelled. Nothing had been changed." in page
    assert "Cancel this run" not in page


@pytest.mark.promise("console.cancel")
@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("done", "Cancelled. What had been done before stays done."),
        ("failed", "Cancelled. Nothing had been changed."),
        ("unknown", "A call that was under way was not interrupted"),
    ],
)
async def test_a_cancelled_run_tells_what_had_been_done(
    visitor: Visitor, house_of_runs: House, outcome: str, said: str
) -> None:
    run = house_of_runs.runs.add(house_of_runs.people["alice"], "buyer", "Pay invoice 4711")
    effects = [{"step_id": "stp_1", "function": "procurement.pay_invoice", "outcome": outcome}]
    house_of_runs.runs.finish(run.id, status="cancelled", effects=effects)
    await visitor.sign_in("alice")
    for path in (f"/threads/{run.thread}", f"/runs/{run.id}"):
        _, page = await visitor.get(path)
        assert said in page
        assert "Pay invoice <small>" in page


@pytest.mark.browser
@pytest.mark.promise("console.doubt")
async def test_a_doubt_comes_up_and_is_answered_before_the_persons_eyes(browser: Browser, house_of_runs: House) -> None:
    runs = house_of_runs.runs
    async with screen(browser, house_of_runs.address, size=NARROW) as seen:
        page = seen.page
        await seen.sign_in("alice")
        await seen.ask("buyer", "Pay invoice 4711")
        run_id = (await page.locator(".turn").last.get_attribute("id")) or ""
        arguments = {"invoice": "4711"}
        step = runs.step(
            run_id, "function", "procurement.pay_invoice", "running", key="c", effect="irreversible", input=arguments
        )
        runs.doubt(run_id, step)
        assert "Nobody knows whether this happened" in await seen.answer()
        await expect(page.locator("#said")).to_contain_text("Pay invoice")
        assert await faults(page) == []
        await page.get_by_label("What you found").fill("Payment 88-1")
        await page.get_by_role("button", name="It did not happen: try again").click()
        await expect(page.get_by_role("alert")).to_contain_text("did not say that it happened. Nothing was done.")
        seen.complaints.clear()  # the browser notes the refusal
        await page.get_by_role("button", name="It happened Pay invoice").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("form.decide")).to_have_count(0)
        await expect(page.locator(".effect")).to_contain_text("Done, as alice says: Pay invoice")
        await expect(page.locator("[data-line]")).to_have_text("Waiting for a place; it begins by itself…")
        runs.change(run_id, status="running")
        await expect(page.locator("[data-line]")).to_have_text("Working…")
        runs.finish(run_id, "Paid.", effects=runs.runs[run_id].effects)
        await expect(page.locator(".prose")).to_have_text("Paid.")
        await expect(page.locator("[data-line]")).to_be_empty()
