"""What a model is shown stays bounded, however long a thread or a run becomes, and what it must see is there."""

import asyncio
import random
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from charter import settings
from charter.models import tokens
from charter.models.chat import Message, ToolCall
from charter.runs import conversation
from charter.runs.journal import now
from charter.runs.run import Step
from charter.runs.shown import Shown
from tests.running import WAIT_SECONDS, running_host
from tests.runs.recording import calls, recording, says

EXCHANGES = 220
LIMITS = settings.Runs(history_tokens=1500, work_tokens=4000)


def _tokens(messages: list[dict[str, Any]]) -> int:
    return sum(tokens.estimate(orjson.dumps(message).decode()) for message in messages)


@pytest.mark.promise("runs.history")
async def test_a_thread_of_hundreds_of_exchanges_costs_no_more_tokens_than_a_short_one(tmp_path: Path) -> None:
    def answer(body: Mapping[str, Any]) -> Any:
        asked = body["messages"][-1]["content"]
        return says(f"The answer to it, in some words that say little more than this: {asked[::-1]}")

    async with (
        recording(answer) as model,
        running_host(tmp_path, models={"standard": model.deployment}, runs=LIMITS) as host,
    ):
        first = await host.ask("alice", "employee_assistant", "Question number 0, at length.")
        for number in range(1, EXCHANGES):
            last = f"Question number {number}, at length."
            await host.ask("alice", "employee_assistant", last, thread=first["thread"])

    sizes = [_tokens(talk) for talk in model.talks]
    assert max(sizes) < 1.3 * LIMITS.history_tokens
    assert max(sizes[-50:]) - min(sizes[-50:]) < LIMITS.history_tokens / 4
    talk = model.talks[-1]
    assert talk[-1] == {"role": "user", "content": last}
    assert talk[-3]["content"] == f"Question number {EXCHANGES - 2}, at length."  # the newest are whole
    digest = talk[0]
    assert digest["role"] == "assistant"
    assert digest["content"].startswith("Earlier in this conversation, shortened:\n- 20")
    assert "asked: Question number" in digest["content"]
    assert "Question number 0," not in digest["content"]  # the oldest go first


@pytest.mark.promise("runs.labels-survive")
async def test_an_untrusted_answer_still_counts_when_it_is_only_mentioned_or_not_at_all(tmp_path: Path) -> None:
    others_are_done = asyncio.Event()

    async def answer(body: Mapping[str, Any]) -> Any:
        last = body["messages"][-1]
        if last["role"] == "user" and "PO-7781" in last["content"]:
            await asyncio.wait_for(others_are_done.wait(), WAIT_SECONDS)
            return calls("procurement-get_order", {"order_id": "PO-7781"})
        return says("Noted. " + "More words than anybody needs. " * 20)

    limits = settings.Runs(history_tokens=400)
    async with (
        recording(answer) as model,
        running_host(tmp_path, models={"standard": model.deployment}, runs=limits) as host,
    ):
        body = {"agent": "buyer", "input": "Where is my order PO-7781?"}
        slow = (await host.call("bob", "POST", "/v1/runs", body)).body
        # These begin before that one ends: they know nothing of it, and nothing of it is in their labels.
        others = [await host.ask("bob", "buyer", "And what else?", thread=slow["thread"]) for _ in range(4)]
        others_are_done.set()
        first = await host.settled("bob", slow["id"], "completed")
        last = await host.ask("bob", "buyer", "Is that all?", thread=slow["thread"])

    assert [run["output"]["contains_untrusted"] for run in others] == [False] * 4
    assert first["output"]["contains_untrusted"]
    assert all("PO-7781" not in message["content"] for message in model.talks[-1] if message["role"] == "user")
    assert last["output"]["contains_untrusted"]


@pytest.mark.promise("runs.view")
async def test_a_run_that_is_opened_again_shows_its_model_what_it_showed_before(tmp_path: Path) -> None:
    def answer(body: Mapping[str, Any]) -> Any:
        results = sum(1 for message in body["messages"] if message["role"] == "tool")
        return (
            calls("procurement-search_catalogue", {"query": "desk"}, 1),
            calls("procurement-create_order", {"item": "desk", "total": {"minor": 145000, "currency": "EUR"}}, 2),
            says("Ordered."),
        )[results]

    async with (
        recording(answer) as model,
        running_host(tmp_path, models={"standard": model.deployment}) as host,
    ):
        run = await host.ask("alice", "buyer", "Order a desk")
        assert run["status"] == "waiting", run
        await host.decide("bob", await host.pending("bob", run["id"]), "approve")
        await host.settled("alice", run["id"], "completed")

    before, after = model.talks[1], model.talks[2]
    assert after[: len(before)] == before
    assert [message["role"] for message in after[len(before) :]] == ["assistant", "tool"]


# The view itself: a pure function of the steps.


def _step(number: int, kind: str, output: Any) -> Step:
    return Step(
        id=f"stp_{number}", seq=number, type=kind, name="n", status="done", effect=None, input=None, output=output,
        label={}, decision=None, usage=None, started_at=now(), ended_at=now(), trace_id=None, span_id=None,
    )  # fmt: skip


def _steps(turns: int, seed: int) -> list[Step]:
    """Return the steps of a run whose results are of very different sizes, with one to three calls in a turn."""
    chance = random.Random(seed)
    steps: list[Step] = []
    for _ in range(turns):
        count = chance.choice([1, 1, 1, 3])
        first = len(steps) + 1
        asked = [
            {"id": f"call_{first + n}", "name": "a.b", "arguments": '{"x": 1}', "step_id": f"stp_{first + n}"}
            for n in range(count)
        ]
        steps.append(_step(first - 1, "model", {"text": "", "calls": asked}))
        for n in range(count):
            size = chance.choice([1, 20, 400, 9_000])
            steps.append(_step(first + n, "function", {"z": "é" * size, "a": n}))
    return steps


def _shown(steps: list[Step], budget: int = 3000) -> Shown:
    shown = Shown([Message("system", "Be good.")], Message("user", "The input, whole."), budget)
    conversation.recall(shown, steps)
    return shown


@pytest.mark.promise("runs.work-bounded")
@pytest.mark.parametrize("seed", range(5))
def test_each_view_of_a_long_run_is_bounded_keeps_its_input_and_tears_no_pair_apart(seed: int) -> None:
    steps = _steps(150, seed)
    for end in [n for n, step in enumerate(steps) if step.type == "model"][1:]:
        messages = _shown(steps[:end]).messages()

        assert messages[1] == Message("user", "The input, whole.")
        assert sum(tokens.of(message) for message in messages) <= 3000 + 50
        asked: list[str] = []
        for message in messages[2:]:
            if message.role == "tool":
                assert message.call_id == asked.pop(0)
            else:
                assert asked == []
                asked = [call.id for call in message.calls]
        assert asked == []


@pytest.mark.promise("runs.work-bounded")
def test_the_view_is_the_same_whether_the_run_was_opened_again_or_never_closed() -> None:
    steps = _steps(120, seed=7)
    live = Shown([Message("system", "Be good.")], Message("user", "The input, whole."), 3000)
    for n, step in enumerate(steps):
        if step.type == "model":
            assert live.messages() == _shown(steps[:n]).messages()
            live.append(Message("assistant", "", tuple(call for call, _ in conversation.calls_of(step))))
        else:
            live.append(conversation.result(ToolCall(f"call_{n}", "a.b", ""), step.output))


@pytest.mark.promise("runs.work-bounded")
def test_the_beginning_of_what_is_shown_seldom_changes() -> None:
    steps = [step for n in range(300) for step in _small(n)]
    views = [_shown(steps[:end]).messages() for end in range(0, len(steps), 2)]

    changed = sum(1 for one, two in pairwise(views) if two[: len(one)] != one)
    assert changed <= 12
    assert max(len(view) for view in views) < 150
    assert "Earlier in this run, " in views[-1][2].text


def _small(number: int) -> list[Step]:
    call = {"id": f"call_{number}", "name": "a.b", "arguments": "{}", "step_id": f"stp_{2 * number + 1}"}
    return [
        _step(2 * number, "model", {"text": "", "calls": [call]}),
        _step(2 * number + 1, "function", {"days": number}),
    ]


def test_a_result_of_a_megabyte_is_shown_by_its_beginning_and_says_so() -> None:
    steps = _small(0)
    steps[1] = _step(1, "function", {"rows": ["row"] * 150_000})
    result = _shown(steps, 12_000).messages()[-1]

    assert tokens.of(result) < 6000
    assert result.text.startswith('{"rows":["row","row"')
    assert result.text.endswith("... [shortened: 900,010 characters in all]")
