"""Runs on Claude and Mistral: a whole host, the makers' own clients, the makers' wires, and a key that changes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from charter.kernel.connector import FILTERED
from charter.twins.makers.scene import Scene
from tests.models.makers.others import KINDS, MODEL, Maker, maker_of, two_calls
from tests.running import RunningHost, running_host

TIERS = {"anthropic": "standard", "mistral": "fast", "either": "reasoning"}


@dataclass(slots=True)
class House:
    """A host with an agent on each maker, and one on the first that answers."""

    host: RunningHost
    makers: dict[str, Maker]

    async def ask(self, kind: str, text: str, *scenes: Scene, agent: str = "", **more: Any) -> dict[str, Any]:
        self.plays(kind, *scenes)
        return await self.host.ask("alice", f"desk_{agent or kind}", text, **more)

    def plays(self, kind: str, *scenes: Scene) -> None:
        self.makers[kind].stage.plays(*scenes)
        self.makers[kind].stage.heard.clear()

    async def steps(self, run: dict[str, Any], of: str) -> list[dict[str, Any]]:
        return [step for step in await self.host.timeline("alice", run["id"]) if step["type"] == of]


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("makers")
    for name, tier in TIERS.items():
        _write(folder / "agents" / f"desk_{name}", tier)
    async with AsyncExitStack() as stack:
        makers = {kind: await stack.enter_async_context(maker_of(kind)) for kind in KINDS}
        given = {kind: _keyed(kind, maker) for kind, maker in makers.items()}
        either = (given["anthropic"], given["mistral"].model_copy(update={"priority": 1}))
        models = {"standard": (given["anthropic"],), "fast": (given["mistral"],), "reasoning": either}
        running = running_host(folder / "host", models=models, agents_dirs=str(folder / "agents"))
        host = await stack.enter_async_context(running)
        for kind, maker in makers.items():
            await _set_key(host, kind, maker.twin.key)
        yield House(host, makers)


async def _set_key(host: RunningHost, kind: str, key: str) -> None:
    await host.command("secrets", "set", f"{kind}-key", "--from-stdin", "--json", said=key)


def _keyed(kind: str, maker: Maker) -> Any:
    return maker.deployment.model_copy(update={"api_key": SecretStr(f"keyvault:{kind}-key"), "name": f"the_{kind}"})


def _write(folder: Path, tier: str) -> None:
    folder.mkdir(parents=True)
    charter = {"owner": "desk@contoso.example", "acts_as": "caller", "functions": ["people.*", "service_desk.*"]}
    document = {
        "type": "chat_completion_agent", "name": folder.name, "description": "Answers what it is asked.",
        "instructions": "instructions.md", "model": {"tier": tier}, "charter": charter,
    }  # fmt: skip
    (folder / "agent.yaml").write_text(yaml.safe_dump(document))
    (folder / "instructions.md").write_text("You answer what you are asked.\n")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.promise("makers.more.runs")
async def test_a_streamed_run_calls_two_functions_at_once_and_its_journal_says_who_answered(
    house: House, kind: str
) -> None:
    # The follower is there before the first word.
    house.plays(kind, Scene(("Let me ", "look."), two_calls(kind), seconds=1), Scene(("You report ", "to bob.")))
    asked = {"agent": f"desk_{kind}", "input": "Who is my manager, and what is open?"}
    run = (await house.host.call("alice", "POST", "/v1/runs", asked)).body
    said = [data async for event, data, _ in house.host.events("alice", run["id"]) if event in {"output.delta", "done"}]
    live = "".join(part["text"] for part in said[:-1])
    # What was written down before a follower could be told is told once, in its step.
    assert live.startswith("Let me")
    assert "Let me look.You report to bob.".startswith(live)
    assert (said[-1]["status"], said[-1]["output"]["text"]) == ("completed", "You report to bob.")
    assert [(step["name"], step["status"]) for step in await house.steps(run, "function")] == [
        ("people.get_manager", "done"), ("service_desk.list_tickets", "done"),
    ]  # fmt: skip
    models = await house.steps(run, "model")
    assert [(step["name"], step["output"]["deployment"]) for step in models] == [(MODEL[kind], f"the_{kind}")] * 2
    assert all(seen.body["stream"] for seen in house.makers[kind].stage.heard)


@pytest.mark.promise("makers.more.usage")
async def test_a_runs_usage_is_the_makers(house: House, kind: str) -> None:
    run = await house.ask(kind, "Hello", Scene(("Hello.",), input_tokens=2006, output_tokens=300, cached_tokens=1920))
    assert (run["usage"]["input_tokens"], run["usage"]["output_tokens"]) == (2006, 300)
    (step,) = await house.steps(run, "model")
    assert (step["usage"]["input_tokens"], step["usage"]["cached_tokens"]) == (2006, 1920)


@pytest.mark.promise("makers.more.refusal")
async def test_a_refusal_ends_a_run_as_its_answer(house: House, kind: str) -> None:
    run = await house.ask(kind, "Do harm", Scene(("I will ", "not."), refused="No."))
    assert (run["status"], len(house.makers[kind].stage.heard)) == ("completed", 1)
    ended = {"anthropic": ("I will not.", "refusal"), "mistral": ("I will not.No.", "stop")}
    assert (run["output"]["text"], run["output"]["finish_reason"]) == ended[kind]


@pytest.mark.promise("makers.more.filter")
async def test_what_a_filter_stops_is_said_in_a_sentence_and_not_asked_again(house: House, kind: str) -> None:
    run = await house.ask(kind, "Say something", Scene(filtered="prompt"))
    assert (run["status"], run["output"]["text"]) == ("completed", FILTERED)
    assert (run["output"]["finish_reason"], len(house.makers[kind].stage.heard)) == ("content_filter", 1)


@pytest.mark.promise("makers.more.faults")
async def test_a_run_waits_for_a_busy_maker_as_long_as_it_said(house: House, kind: str) -> None:
    run = await house.ask(kind, "Hello", Scene(status=429, retry_after=0.05), Scene(("Here I am.",)))
    assert run["output"]["text"] == "Here I am."
    (step,) = await house.steps(run, "model")
    assert [attempt["why"] for attempt in step["output"]["attempts"]] == ["busy"]


@pytest.mark.promise("makers.more.cut")
async def test_a_stream_that_is_cut_leaves_no_trace_in_the_answer(house: House, kind: str) -> None:
    cut = Scene(("It is ", "such ", "a "), two_calls(kind), cut_after=2)
    house.plays(kind, cut, Scene(("All is well.",)))
    run = (await house.host.call("alice", "POST", "/v1/runs", {"agent": f"desk_{kind}", "input": "How is it?"})).body
    run = await house.host.settled("alice", run["id"], "completed")
    assert (run["output"]["text"], await house.steps(run, "function")) == ("All is well.", [])


@pytest.mark.promise("models.key")
async def test_a_key_that_is_changed_while_the_host_runs_is_renewed(house: House, kind: str) -> None:
    maker = house.makers[kind]
    await house.ask(kind, "Hello", Scene(("Here.",)))
    maker.twin.key = f"{maker.twin.key}-2"
    await _set_key(house.host, kind, maker.twin.key)
    run = await house.ask(kind, "Hello", Scene(("Here ", "again.")))
    assert (run["status"], run["output"]["text"]) == ("completed", "Here again.")
    (step,) = await house.steps(run, "model")
    assert not step["output"].get("attempts")
    [heard] = maker.stage.heard
    assert heard.headers["Authorization"] == f"Bearer {maker.twin.key}"


@pytest.mark.promise("makers.more.ids")
async def test_a_thread_and_a_run_go_on_with_another_maker_where_the_first_fails(house: House) -> None:
    """The second makes nothing twice, and knows what the first had called."""
    calls = two_calls("anthropic")
    house.plays("mistral", Scene(("It is bob.",)))
    run = await house.ask(
        "anthropic", "Who is my manager?", Scene((), calls), Scene(status=529, retry_after=30), agent="either"
    )
    assert (run["status"], run["output"]["text"]) == ("completed", "It is bob.")
    models = await house.steps(run, "model")
    assert [step["output"]["deployment"] for step in models] == ["the_anthropic", "the_mistral"]
    assert [attempt["deployment"] for attempt in models[1]["output"]["attempts"]] == ["the_anthropic"]
    assert len(await house.steps(run, "function")) == 2
    [heard] = house.makers["mistral"].stage.heard
    assert [message["role"] for message in heard.body["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert calls[0].id not in str(heard.body)
    again = await house.ask("mistral", "Are you sure?", Scene(("Quite.",)), agent="either", thread=run["thread"])
    assert again["output"]["text"] == "Quite."
