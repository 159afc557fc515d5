"""What people think of an answer: said under it, read on the run's page."""

import pytest
from playwright.async_api import Browser

from charter.runs.run import Run
from tests.browser import screen
from tests.console.conftest import House, Visitor
from tests.console.inspection import faults


def _balance(house: House) -> Run:
    return next(run for run in house.runs.runs.values() if "annual leave do I have" in run.input)


@pytest.mark.promise("feedback.console")
async def test_the_person_says_what_they_think_without_script(visitor: Visitor, busy: House) -> None:
    run = _balance(busy)
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/threads/{run.thread}")
    assert page.count('value="like" aria-pressed="false"') == 2
    sent = await visitor.post(f"/runs/{run.id}/feedback", {"reaction": "dislike"})
    assert (sent.status, sent.headers["Location"]) == (303, f"/console/threads/{run.thread}#{run.id}")
    sent = await visitor.post(f"/runs/{run.id}/feedback", {"reaction": "dislike", "reason": "Old <b>", "at": "run"})
    assert sent.headers["Location"] == f"/console/runs/{run.id}"
    _, page = await visitor.get(f"/runs/{run.id}")
    assert 'value="dislike" aria-pressed="true"' in page
    assert 'value="Old &lt;b&gt;"' in page


async def test_pressing_the_same_again_keeps_the_reason_and_the_other_drops_it(visitor: Visitor, busy: House) -> None:
    run = _balance(busy)
    await visitor.sign_in("alice")
    for form, reason in (
        ({"reaction": "dislike", "reason": "Old"}, "Old"),
        ({"reaction": "dislike"}, "Old"),
        ({"reaction": "like"}, ""),
    ):
        await visitor.post(f"/runs/{run.id}/feedback", form)
        assert busy.runs.thought[run.id].reason == reason


@pytest.mark.promise("feedback.console")
async def test_an_operator_reads_it_and_says_nothing_for_the_person(visitor: Visitor, busy: House) -> None:
    run = _balance(busy)
    await busy.runs.feedback(busy.people["alice"], run.id, "dislike", "Not what I asked")
    await visitor.sign_in("carol")
    for path in (f"/runs/{run.id}", f"/threads/{run.thread}"):
        _, page = await visitor.get(path)
        assert "alice found this answer not helpful" in page
        assert "Not what I asked" in page
        assert 'name="reaction"' not in page
    assert (await visitor.post(f"/runs/{run.id}/feedback", {"reaction": "like"})).status == 403
    await visitor.sign_in("bob")
    assert (await visitor.get(f"/runs/{run.id}"))[0] == 404
    assert (await visitor.post(f"/runs/{run.id}/feedback", {"reaction": "like"})).status == 404
    assert busy.runs.thought[run.id].reaction == "dislike"


@pytest.mark.parametrize("form", [{}, {"reaction": "love"}, {"reaction": "like", "reason": "x" * 2001}])
async def test_what_does_not_fit_is_refused(visitor: Visitor, busy: House, form: dict[str, str]) -> None:
    await visitor.sign_in("alice")
    assert (await visitor.post(f"/runs/{_balance(busy).id}/feedback", form)).status == 422
    assert not busy.runs.thought


async def test_nothing_is_asked_about_an_answer_that_is_not_there(visitor: Visitor, busy: House) -> None:
    waiting = next(run for run in busy.runs.runs.values() if run.status == "waiting")
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/threads/{waiting.thread}")
    assert 'name="reaction"' not in page


@pytest.mark.browser
@pytest.mark.promise("feedback.console")
async def test_it_is_said_by_keyboard_without_leaving_the_page(browser: Browser, busy: House) -> None:
    run = _balance(busy)
    async with screen(browser, busy.address) as seen:
        await seen.sign_in("alice")
        await seen.go(f"/threads/{run.thread}")
        turn = seen.page.locator(f"#{run.id}")
        await turn.get_by_role("button", name="Not helpful").focus()
        await seen.page.keyboard.press("Enter")
        reason = turn.get_by_label("Why?")
        await reason.wait_for()
        assert await turn.get_by_role("button", name="Not helpful", pressed=True).count() == 1
        await reason.focus()
        await seen.page.keyboard.type("It counts last year")
        await seen.page.keyboard.press("Enter")
        await turn.get_by_role("button", name="Change the reason").wait_for()
        said = busy.runs.thought[run.id]
        assert (said.reaction, said.reason) == ("dislike", "It counts last year")
        assert seen.page.url.endswith(f"/threads/{run.thread}")
        assert await faults(seen.page) == []
