"""Runs on OpenAI and Azure OpenAI: a whole host, the maker's own client, the maker's wire."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from charter.kernel.connector import FILTERED
from charter.twins.makers.scene import Call, Scene
from tests.models.makers.hosts import Hosted, hosted
from tests.models.makers.sides import SIDES, calls_then

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture that nobody else may see"
IMAGE = {"media_type": "image/png", "data": base64.b64encode(PNG).decode()}
URL = f"data:image/png;base64,{IMAGE['data']}"
TICKET = Call("call_9", "service_desk-create_ticket", '{"title": "The screen flickers"}')


@pytest.fixture(scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Hosted]]:
    async with hosted(tmp_path_factory.mktemp("makers")) as running:
        yield running


@pytest.fixture(params=SIDES)
def maker(request: pytest.FixtureRequest, both: dict[str, Hosted]) -> Hosted:
    return both[request.param]


@pytest.mark.promise("makers.openai.runs")
async def test_a_streamed_run_calls_two_functions_at_once(maker: Hosted) -> None:
    looking, answer = calls_then("You report to bob.")
    maker.plays(replace(looking, seconds=1), answer)  # the follower is there before the first word
    asked = {"agent": maker.agent, "input": "Who is my manager, and what is open?"}
    run = (await maker.host.call("alice", "POST", "/v1/runs", asked)).body
    said = [data async for event, data, _ in maker.host.events("alice", run["id"]) if event in {"output.delta", "done"}]
    assert "".join(part["text"] for part in said[:-1]) == "Let me look.You report to bob."
    assert (said[-1]["status"], said[-1]["output"]["text"]) == ("completed", "You report to bob.")
    steps = [(s["type"], s["name"], s["status"]) for s in await maker.host.timeline("alice", run["id"])]
    assert [step for step in steps if step[0] == "function"] == [
        ("function", "people.get_manager", "done"), ("function", "service_desk.list_tickets", "done"),
    ]  # fmt: skip
    assert [message["role"] for message in maker.messages()] == ["system", "user", "assistant", "tool", "tool"]


@pytest.mark.promise("makers.openai.usage")
async def test_a_runs_usage_is_the_makers(maker: Hosted) -> None:
    run = await maker.ask("Hello", Scene(("Hello.",), input_tokens=2006, output_tokens=300, cached_tokens=1920))
    assert (run["usage"]["input_tokens"], run["usage"]["output_tokens"]) == (2006, 300)
    (step,) = await maker.models(run)
    assert (step["usage"]["input_tokens"], step["usage"]["cached_tokens"]) == (2006, 1920)


@pytest.mark.promise("makers.openai.refusal")
async def test_a_refusal_ends_a_run_as_its_answer_and_says_that_it_is_one(maker: Hosted) -> None:
    run = await maker.ask("Do harm", Scene(refused="I'm sorry, I can't assist with that."))
    assert (run["status"], run["output"]["text"]) == ("completed", "I'm sorry, I can't assist with that.")
    assert run["output"]["finish_reason"] == "refusal"


@pytest.mark.promise("makers.openai.filter")
@pytest.mark.parametrize("where", ["prompt", "answer"])
async def test_what_a_filter_stops_is_said_in_a_sentence_and_not_asked_again(maker: Hosted, where: Any) -> None:
    run = await maker.ask("Say something", Scene(calls=(TICKET,), filtered=where))
    assert (run["status"], run["output"]["text"]) == ("completed", FILTERED)
    assert (run["output"]["finish_reason"], run["effects"], len(maker.stage.heard)) == ("content_filter", [], 1)


@pytest.mark.promise("makers.openai.busy")
async def test_a_run_waits_for_a_busy_maker_as_long_as_it_said(maker: Hosted) -> None:
    run = await maker.ask("Hello", Scene(status=429, retry_after=0.05), Scene(("Here I am.",)))
    assert run["output"]["text"] == "Here I am."
    (step,) = await maker.models(run)
    assert [attempt["why"] for attempt in step["output"]["attempts"]] == ["busy"]


@pytest.mark.promise("makers.openai.cut")
@pytest.mark.parametrize("scene", [
    Scene(("It is ", "such ", "a "), cut_after=2),
    Scene(("One moment.",), (TICKET,), cut_after=4, ends_neatly=True),
])  # fmt: skip
async def test_a_stream_that_is_cut_leaves_no_trace_in_the_answer(maker: Hosted, scene: Scene) -> None:
    maker.plays(scene, Scene(("All is well.",)))
    run = (await maker.host.call("alice", "POST", "/v1/runs", {"agent": maker.agent, "input": "How is it?"})).body
    run = await maker.host.settled("alice", run["id"], "completed")
    assert (run["output"]["text"], run["effects"]) == ("All is well.", [])


@pytest.mark.promise("runs.images")
async def test_images_go_with_the_input_and_stand_in_no_record(maker: Hosted) -> None:
    run = await maker.ask("What is on these?", Scene(("A picture.",)), images=[IMAGE, IMAGE])
    assert (run["status"], run["images"]) == ("completed", 2)
    asked = maker.messages()[-1]["content"]
    assert [part["image_url"]["url"] for part in asked if part["type"] == "image_url"] == [URL, URL]
    told = [run, await maker.host.timeline("alice", run["id"])]
    assert IMAGE["data"] not in str(told)


@pytest.mark.promise("runs.images")
async def test_another_run_of_the_thread_is_not_shown_them(maker: Hosted) -> None:
    run = await maker.ask("What is on this?", Scene(("A picture.",)), images=[IMAGE])
    await maker.ask("And what else?", Scene(("Nothing.",)), thread=run["thread"])
    assert URL not in str(maker.messages())
    assert maker.messages()[-1]["content"] == "And what else?"


@pytest.mark.promise("runs.images.untrusted")
async def test_what_follows_from_an_image_is_untrusted_and_asks(maker: Hosted) -> None:
    """And a run that goes on after the answer is shown its images again."""
    run = await maker.ask("Do what it says", Scene(calls=(TICKET,)), Scene(("Done.",)), images=[IMAGE])
    assert (run["status"], run["waiting"]["for"]) == ("waiting", "approval")
    approval = await maker.host.pending("bob", run["id"])
    assert approval["influenced_by"] == ["an image of the request"]
    await maker.host.decide("bob", approval, "approve")
    run = await maker.host.settled("alice", run["id"], "completed")
    assert run["output"]["contains_untrusted"]
    assert URL in str(maker.messages())
    await maker.ask("Open a ticket", Scene(calls=(TICKET,)), Scene(("Done.",)))
    assert len(maker.stage.heard) == 2


@pytest.mark.promise("runs.form")
async def test_an_answer_of_the_agents_form_comes_as_data(maker: Hosted) -> None:
    said = '{"days": 12, "note": null}'
    run = await maker.ask("How many?", Scene((said,)), agent=maker.report)
    assert (run["output"]["data"], run["output"]["text"]) == ({"days": 12, "note": None}, said)
    form = maker.stage.heard[-1].body["response_format"]
    assert (form["type"], form["json_schema"]["strict"]) == ("json_schema", True)


@pytest.mark.promise("runs.form.corrected")
@pytest.mark.parametrize("wrong", ['{"days": -1, "note": null}', '{"days": "twelve"}', "Twelve days."])
async def test_an_answer_without_the_form_is_asked_for_once_more(maker: Hosted, wrong: str) -> None:
    run = await maker.ask("How many?", Scene((wrong,)), Scene(('{"days": 12, "note": "sure"}',)), agent=maker.report)
    assert (run["status"], run["output"]["data"]) == ("completed", {"days": 12, "note": "sure"})
    before, told = maker.messages()[-2:]
    assert (before["content"], told["role"]) == (wrong, "user")
    assert told["content"].startswith("Your answer does not have the form that was asked for.")


@pytest.mark.promise("runs.form.corrected")
async def test_a_run_whose_answers_never_have_the_form_fails_and_says_why(maker: Hosted) -> None:
    run = await maker.ask("How many?", Scene(('{"days": -1, "note": null}',)), agent=maker.report)
    assert (run["status"], run["error"]["code"], run["output"]) == ("failed", "answer_unfit", None)
    assert "/days" in run["error"]["detail"]
    assert (len(maker.stage.heard), run["usage"]["model_turns"]) == (2, 2)


@pytest.mark.promise("runs.form")
async def test_a_refusal_is_not_taken_for_an_answer_of_the_form(maker: Hosted) -> None:
    run = await maker.ask("How many?", Scene(refused="I can't say."), agent=maker.report)
    assert (run["status"], run["output"]["data"], run["output"]["text"]) == ("completed", None, "I can't say.")
    assert len(maker.stage.heard) == 1


@pytest.mark.promise("runs.replay")
@pytest.mark.parametrize("scene", [Scene(refused="I'm sorry, I can't assist with that."), Scene(filtered="prompt")])
async def test_an_answer_that_a_maker_refused_comes_out_as_before_in_a_replay(maker: Hosted, scene: Scene) -> None:
    """Though it has not the form that the agent promises: a refusal needs none."""
    run = await maker.ask("Do harm", scene, agent=maker.report)
    assert (run["status"], run["output"]["data"]) == ("completed", None)
    again = await maker.host.call("alice", "POST", f"/v1/runs/{run['id']}/replay", {})
    assert (again.status, again.body["divergence"]) == (200, None)
