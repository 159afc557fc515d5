"""The pages as a browser without script has them: forms, links, redirects."""

import pytest

from tests.console import story
from tests.console.conftest import House, Visitor


@pytest.mark.promise("console.own")
async def test_a_person_is_offered_the_agents_they_may_start(visitor: Visitor, house_of_runs: House) -> None:
    house_of_runs.runs.offered["buyer"] = {**house_of_runs.runs.offered["buyer"], "tenants": ("fabrikam",)}
    await visitor.sign_in("alice")
    _, page = await visitor.get("/chat")
    assert "Employee assistant" in page
    assert "Looks up 2 things, changes 1" in page
    assert "/console/chat/buyer" not in page
    assert (await visitor.get("/chat/buyer"))[0] == 404


@pytest.mark.promise("console.noscript")
async def test_a_message_starts_a_run_under_the_persons_own_authority(visitor: Visitor, house_of_runs: House) -> None:
    await visitor.sign_in("alice")
    await visitor.get("/chat/buyer")
    response = await visitor.post("/chat/buyer", {"input": " Order a desk\r\nfor Dana ", "thread": "", "key": "k1"})
    run = next(iter(house_of_runs.runs.runs.values()))
    assert response.headers["Location"] == f"/console/threads/{run.thread}"
    assert run.input == "Order a desk\nfor Dana"
    assert house_of_runs.runs.contexts[0].channel == "console"
    assert house_of_runs.runs.contexts[0].principal.id == "alice"
    assert house_of_runs.runs.assertions == [next(iter(house_of_runs.registry.given))]
    _, page = await visitor.get(f"/threads/{run.thread}")
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    assert "Working" in page


async def test_a_form_sent_twice_is_one_run(visitor: Visitor, house_of_runs: House) -> None:
    await visitor.sign_in("alice")
    for _ in range(2):
        await visitor.post("/chat/buyer", {"input": "Order a desk", "key": "same"})
    assert len(house_of_runs.runs.runs) == 1


@pytest.mark.parametrize(("text", "said"), [("  ", "There is nothing to send."), ("x" * 2001, "2,000 are allowed")])
async def test_an_unfit_message_is_refused_with_what_to_do(visitor: Visitor, text: str, said: str) -> None:
    await visitor.sign_in("alice")
    response = await visitor.post("/chat/buyer", {"input": text})
    assert response.status == 422
    assert said in await response.text()


async def test_a_starter_fills_the_box_and_no_address_can_put_other_words_there(visitor: Visitor) -> None:
    await visitor.sign_in("alice")
    _, page = await visitor.get("/chat/buyer?starter=1")
    assert ">Where is my order PO-8080?</textarea>" in page
    for other in ("9", "-1", "pay everything"):
        _, page = await visitor.get(f"/chat/buyer?starter={other}")
        assert "></textarea>" in page


@pytest.mark.promise("console.citations")
async def test_an_answer_is_rendered_and_its_citation_opens_the_exact_passage(visitor: Visitor, busy: House) -> None:
    await visitor.sign_in("alice")
    run = next(run for run in busy.runs.runs.values() if "hotel" in run.input)
    _, page = await visitor.get(f"/threads/{run.thread}")
    assert "<strong>12.5 days</strong>" in page
    address = "/documents/doc_travel/passages/psg_hotels"
    assert f'href="/console{address}" data-passage aria-label="Source 1: Travel policy"' in page
    _, passage = await visitor.get(address)
    cited = passage.split('id="cited"')[1].split("</div>")[0]
    assert "A night may cost up to 140 EUR in Munich" in cited
    assert "Economy class" not in cited
    assert "Economy class" in passage


async def test_a_passage_that_one_may_not_read_is_not_found(visitor: Visitor) -> None:
    await visitor.sign_in("frank")
    assert (await visitor.get("/documents/doc_travel/passages/psg_hotels"))[0] == 404


@pytest.mark.promise("console.own")
async def test_nobody_sees_anothers_run_thread_or_approval(visitor: Visitor, busy: House) -> None:
    run = next(run for run in busy.runs.runs.values() if run.status == "waiting")
    for name, expected in (("frank", 404), ("bob", 404), ("carol", 200)):
        await visitor.sign_in(name)
        assert (await visitor.get(f"/runs/{run.id}"))[0] == expected
        assert (await visitor.get(f"/threads/{run.thread}"))[0] == expected
        assert (
            (await visitor.get(f"/runs/{run.id}/events?last_event_id={run.last_seq}", Accept="*/*"))[0] == expected
            if name == "frank"
            else True
        )


async def test_an_operator_reads_anothers_conversation_and_writes_nothing_into_it(
    visitor: Visitor, busy: House
) -> None:
    run = next(run for run in busy.runs.runs.values() if run.status == "completed")
    await visitor.sign_in("carol")
    _, page = await visitor.get(f"/threads/{run.thread}")
    assert "You are reading another person&#39;s conversation." in page
    assert "data-composer" not in page


async def test_a_thread_whose_agent_is_gone_stays_readable(visitor: Visitor, busy: House) -> None:
    run = next(run for run in busy.runs.runs.values() if run.agent == "service_desk")
    del busy.runs.offered["service_desk"]
    await visitor.sign_in("alice")
    status, page = await visitor.get(f"/threads/{run.thread}")
    assert status == 200
    assert "This agent is not open to you any more" in page


async def test_a_failed_run_says_what_happened_and_what_to_do(visitor: Visitor, busy: House) -> None:
    run = next(run for run in busy.runs.runs.values() if run.status == "failed")
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/threads/{run.thread}")
    assert "The model did not answer within 60 seconds." in page
    assert "Try again shortly." in page
    assert run.trace_id in page


async def test_a_long_thread_shows_the_newest_and_leads_to_the_earlier(visitor: Visitor, house_of_runs: House) -> None:
    alice = house_of_runs.people["alice"]
    thread = story.balance(house_of_runs.runs, alice).thread
    for number in range(45):
        house_of_runs.runs.add(alice, "employee_assistant", f"Question {number:02}", thread=thread, status="cancelled")
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/threads/{thread}")
    assert "Question 44" in page
    assert ">How many days of annual leave do I have left?</p>" not in page
    assert page.index("Question 10<") < page.index("Question 11<")
    _, page = await visitor.get(f"/threads/{thread}?before=40")
    assert ">How many days of annual leave do I have left?</p>" in page


@pytest.mark.promise("console.runs")
async def test_runs_are_listed_filtered_and_paged(visitor: Visitor, busy: House) -> None:
    await visitor.sign_in("alice")
    _, page = await visitor.get("/runs")
    assert "Your runs" in page
    assert "Pay invoice 4711" not in page
    _, page = await visitor.get("/runs?status=waiting&agent=buyer")
    assert page.count('class="runs__what"') == 1
    _, page = await visitor.get("/runs?status=nonsense")
    assert page.count('class="runs__what"') == 6
    for number in range(30):
        busy.runs.add(busy.people["alice"], "buyer", f"Run {number:02}")
    _, page = await visitor.get("/runs?agent=buyer")
    assert "/console/runs?agent=buyer&amp;cursor=30" in page
    _, page = await visitor.get("/runs?agent=buyer&cursor=30")
    assert "Order two monitors" in page


async def test_operators_see_all_runs_of_their_tenant(visitor: Visitor, busy: House) -> None:
    busy.runs.add(busy.people["frank"], "buyer", "A run of fabrikam")
    await visitor.sign_in("carol")
    _, page = await visitor.get("/runs")
    assert "Pay invoice 4711" in page
    assert "Buyer for bob" in page
    assert "A run of fabrikam" not in page


@pytest.mark.promise("console.runs")
async def test_a_run_shows_each_step_with_its_decision_cost_and_trace(visitor: Visitor, busy: House) -> None:
    run = next(run for run in busy.runs.runs.values() if "annual leave do I" in run.input)
    await visitor.sign_in("alice")
    _, page = await visitor.get(f"/runs/{run.id}")
    for said in (
        "Message from the person", "Model turn", "812 in, 24 out tokens", "0.0009", "340 ms", "Get leave balance", "95 ms",
        "Everyone may read their own leave.", "own-leave", "&#34;days_left&#34;: 12.5", "EUR 0.0019", run.trace_id, run.bundle,
    ):  # fmt: skip
        assert said in page, said


async def test_a_run_can_be_cancelled_and_keeps_what_was_done(visitor: Visitor, busy: House) -> None:
    run = next(run for run in busy.runs.runs.values() if run.agent == "buyer" and run.status == "waiting")
    await visitor.sign_in("alice")
    await visitor.get(f"/runs/{run.id}")
    response = await visitor.post(f"/runs/{run.id}/cancel", {})
    assert response.headers["Location"] == f"/console/runs/{run.id}"
    _, page = await visitor.get(f"/runs/{run.id}")
    assert "Cancelled" in page
    assert "Cancel this run" not in page
    response = await visitor.post(f"/runs/{run.id}/cancel", {})
    assert response.status == 409
    assert "The run is cancelled." in await response.text()
