"""What ships in ``agents/``, held against its own ``evals.yaml``: a real host, the real sandboxes, assistance only."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from charter import settings
from charter.catalog import loader
from charter.catalog.evals import EvalCase, read_evals
from charter.catalog.mistake import Mistake
from charter.catalog.spec import AgentSpec
from charter.context import Context
from charter.governance.labels import TRUSTED
from charter.governance.policy import Policies
from tests.running import RunningHost, running_host

CATALOG = loader.load(settings.read())
POLICIES = Policies(CATALOG)


def cases() -> list[tuple[AgentSpec, EvalCase]]:
    mistakes: list[Mistake] = []
    found = [
        (agent, case)
        for agent in CATALOG.agents.values()
        for case in read_evals(agent.folder, {name: CATALOG.function(name) for name in agent.functions}, mistakes)
    ]
    assert mistakes == []
    return found


CASES = cases()


@pytest.fixture(scope="module")
async def assisted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    embedded = {"standard": settings.Deployment(kind="embedded")}
    async with running_host(tmp_path_factory.mktemp("agents"), models=embedded, knowledge=True) as running:
        await running.library_read()
        yield running


@pytest.mark.promise("agents.evals")
def test_every_shipped_agent_has_cases_of_what_it_does_and_never_does() -> None:
    for agent in CATALOG.agents.values():
        own = [case for other, case in CASES if other is agent]
        assert len(own) >= 5, agent.name
        assert any(case.calls for case in own), agent.name
        assert any(case.never for case in own), agent.name


@pytest.mark.promise("agents.evals")
@pytest.mark.parametrize(("agent", "case"), CASES, ids=[f"{agent.name}: {case.says}" for agent, case in CASES])
async def test_an_agent_does_what_its_evals_say(
    assisted: RunningHost, people: dict[str, Context], agent: AgentSpec, case: EvalCase
) -> None:
    run = await assisted.ask(case.as_, agent.name, case.says)
    steps = await _calls(assisted, case, run)
    assert not {step["name"] for step in steps} & set(case.never)
    if case.calls is not None:
        assert [step["name"] for step in steps] == [call.function for call in case.calls]
    for step, call in zip(steps, case.calls or (), strict=False):
        assert step["input"].items() >= call.arguments.items()
        assert _outcome(people[case.as_], agent, step) == call.outcome
    if case.asks:
        assert steps == []
        assert any(_question(name, case.asks) in run["output"]["text"] for name in agent.functions)
    if run["status"] == "waiting" and case.answer:
        approval = await assisted.pending(case.as_, run["id"])
        await assisted.decide(case.as_, approval, "approve")
        run = await assisted.settled(case.as_, run["id"], "completed")
    for word in case.answer:
        assert word in run["output"]["text"]


async def _calls(host: RunningHost, case: EvalCase, run: dict[str, Any]) -> list[dict[str, Any]]:
    return [s for s in await host.timeline(case.as_, run["id"]) if s["type"] in {"function", "retrieval"}]


def _outcome(ctx: Context, agent: AgentSpec, step: dict[str, Any]) -> str:
    """What the rules say of the call itself: a small model's writes are confirmed by the person in any case."""
    function = CATALOG.function(step["name"])
    return POLICIES.decide(ctx, agent, function, step["input"], label=TRUSTED, level="yours").outcome


def _question(function: str, argument: str) -> str:
    hint = CATALOG.function(function).arguments.get(argument)
    return hint.ask if hint and hint.ask else "no such question"
