"""A decision in the console is bound to the exact call that the card shows."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from charter.governance.approval import Approval
from tests.console import story
from tests.console.conftest import House, Visitor


def _asked(house: House, function: str = "procurement.create_order") -> Approval:
    return next(a for a in house.runs.questions.values() if a.function == function and a.status == "pending")


@pytest.mark.promise("console.approvals")
async def test_a_card_says_the_exact_call_in_plain_words(visitor: Visitor, busy: House) -> None:
    await visitor.sign_in("bob")
    _, page = await visitor.get("/approvals")
    for said in (
        "Your approval is asked", "Create order", "Standing desk, oak, 160 × 80 cm", "EUR 1,450.00", "Saturday, 12 December 2026",
        "Alice", "Orders above 1,000 EUR need the manager.", "order-large", "a supplier&#39;s remark", "2 d 23 h left",
        "procurement.create_order", "&#34;minor&#34;: 145000", "sha256:c4c4",
    ):  # fmt: skip
        assert said in page, said
    assert '<span data-count>1</span><span class="vh"> waiting for you</span>' in page


@pytest.mark.promise("console.approvals")
@pytest.mark.parametrize(("decision", "word"), [("approve", "Approved"), ("reject", "Rejected")])
async def test_an_approver_decides_on_the_shown_digest(visitor: Visitor, busy: House, decision: str, word: str) -> None:
    asked = _asked(busy)
    await visitor.sign_in("bob")
    _, page = await visitor.get("/approvals")
    digest = re.findall(r'name="digest" value="([^"]+)"', page)[0]
    response = await visitor.post(
        f"/approvals/{asked.id}/decision", {"decision": decision, "digest": digest, "comment": "Fine\r\nby me"}
    )
    assert response.headers["Location"] == f"/console/approvals/{asked.id}"
    decided = busy.runs.questions[asked.id]
    assert (decided.status, decided.decided_by, decided.comment) == (word.lower(), "bob", "Fine\nby me")
    for path in (f"/approvals/{asked.id}", "/approvals/decided"):
        _, page = await visitor.get(path)
        assert word in page
        assert "by <strong>bob</strong>" in page
    _, page = await visitor.get("/approvals")
    assert "Nothing waits for you." in page


async def test_a_script_gets_the_decided_card(visitor: Visitor, busy: House) -> None:
    asked = _asked(busy)
    await visitor.sign_in("bob")
    response = await visitor.post(
        f"/approvals/{asked.id}/decision", {"decision": "approve", "digest": asked.digest}, **{"X-Charter-Console": "1"}
    )
    told = await response.json()
    assert told["said"] == "Create order: Approved."
    assert "by <strong>bob</strong>" in told["html"]
    assert "<form" not in told["html"]


@pytest.mark.promise("console.approvals")
async def test_a_decision_on_another_call_is_refused(visitor: Visitor, busy: House) -> None:
    asked = _asked(busy)
    await visitor.sign_in("bob")
    response = await visitor.post(f"/approvals/{asked.id}/decision", {"decision": "approve", "digest": "sha256:other"})
    assert response.status == 409
    assert "Read the approval again" in await response.text()
    assert busy.runs.questions[asked.id].status == "pending"


@pytest.mark.parametrize("fields", [{"decision": "maybe", "digest": "d"}, {"decision": "approve"}, {"digest": "d"}])
async def test_half_a_decision_is_none(visitor: Visitor, busy: House, fields: dict[str, str]) -> None:
    asked = _asked(busy)
    await visitor.sign_in("bob")
    response = await visitor.post(f"/approvals/{asked.id}/decision", fields)
    assert response.status == 422
    assert busy.runs.questions[asked.id].status == "pending"


async def test_who_asked_sees_whom_they_wait_for_and_gets_no_buttons(visitor: Visitor, busy: House) -> None:
    asked = _asked(busy)
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/approvals/{asked.id}")
    assert "Waiting: bob must approve" in page
    assert "data-decide" not in page
    response = await visitor.post(f"/approvals/{asked.id}/decision", {"decision": "approve", "digest": asked.digest})
    assert response.status == 403
    assert "Nobody approves their own request." in await response.text()


async def test_what_the_person_themself_must_confirm_stands_in_their_conversation(
    visitor: Visitor, busy: House
) -> None:
    asked = _asked(busy, "people.request_leave")
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/threads/{busy.runs.runs[asked.run_id].thread}")
    assert "Please confirm" in page
    assert "Tuesday, 1 December 2026" in page
    assert "Do not do it" in page
    await visitor.post(f"/approvals/{asked.id}/decision", {"decision": "approve", "digest": asked.digest})
    assert busy.runs.questions[asked.id].decided_by == "alice"


async def test_an_operator_sees_what_waits_for_others_but_decides_nothing(visitor: Visitor, busy: House) -> None:
    await visitor.sign_in("carol")
    _, page = await visitor.get("/approvals")
    assert "Waiting for others" in page
    assert "data-decide" not in page


async def test_an_expired_question_offers_no_buttons(visitor: Visitor, house_of_runs: House) -> None:
    story.order(house_of_runs.runs, house_of_runs.people["alice"], expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await visitor.sign_in("bob")
    _, page = await visitor.get("/approvals")
    assert "data-decide" not in page
    _, page = await visitor.get("/approvals/decided")
    assert "Expired" in page


async def test_arguments_stand_in_the_order_of_the_call(visitor: Visitor, house_of_runs: House) -> None:
    arguments = {"end_date": "2026-12-18", "leave_type": "annual", "start_date": "2026-12-14"}
    summary = "people.request_leave: leave type annual, start date 2026-12-14, end date 2026-12-18"
    story.order(house_of_runs.runs, house_of_runs.people["alice"], arguments=arguments, summary=summary)
    await visitor.sign_in("bob")
    _, page = await visitor.get("/approvals")
    places = [page.index(name) for name in ("<dt>Leave type", "<dt>Start date", "<dt>End date")]
    assert places == sorted(places)


async def test_a_decided_question_is_told_in_the_timeline(visitor: Visitor, busy: House) -> None:
    asked = _asked(busy)
    await busy.runs.decide(busy.people["bob"], asked.id, "reject", asked.digest, "Too dear.")
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/runs/{asked.run_id}")
    assert "Rejected by bob: Too dear." in page


async def test_characters_that_hide_text_are_made_visible(visitor: Visitor, house_of_runs: House) -> None:
    arguments = {"supplier": "Nordic\u202eskseD", "note": "a\u200bb"}
    story.order(house_of_runs.runs, house_of_runs.people["alice"], arguments=arguments)
    await visitor.sign_in("bob")
    _, page = await visitor.get("/approvals")
    assert "Nordic⟨U+202E⟩skseD" in page
    assert "a⟨U+200B⟩b" in page
    assert "\u202e" not in page
