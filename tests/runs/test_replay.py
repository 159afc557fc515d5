"""A run that is over is gone through once more: nothing is called, and what comes out otherwise is told."""

from pathlib import Path
from typing import Any

import pytest

from tests.running import RunningHost, running_host
from tests.runs.test_editions import Folders, approved, told

SAME = [
    ("employee_assistant", "days of annual leave"),
    ("employee_assistant", "say it first: days of sick leave"),
    ("buyer", "Order a webcam for 59 EUR"),
    ("buyer", "Order a mouse for 40 EUR and say who my manager is"),
    ("employee_assistant", "something the script has no answer to"),
]


async def _replayed(host: RunningHost, run: dict[str, Any], who: str = "alice", bundle: str = "own") -> Any:
    answer = await host.call(who, "POST", f"/v1/runs/{run['id']}/replay", {"bundle": bundle})
    assert answer.status == 200, answer.body
    return answer.body


async def _orders(host: RunningHost) -> Any:
    return await host.sandbox("procurement", "/_sandbox/orders")


@pytest.mark.promise("runs.replay")
@pytest.mark.parametrize(("agent", "text"), SAME)
async def test_a_run_comes_out_as_before_and_nothing_is_called(host: RunningHost, agent: str, text: str) -> None:
    run = await host.ask("alice", agent, text)
    steps = [step for step in await host.timeline("alice", run["id"]) if step["type"] not in {"approval", "message"}]
    before = await _orders(host)

    found = await _replayed(host, run)

    assert found["divergence"] is None
    assert found["steps"] == len(steps) > 0
    assert found["bundle"] == run["bundle"]
    assert await _orders(host) == before


@pytest.mark.promise("runs.replay")
@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_decided_approval_counts_in_the_replay_as_it_did(host: RunningHost, decision: str) -> None:
    run = await host.ask("alice", "buyer", "Order a standing desk for 1,450 EUR")
    early = await host.call("alice", "POST", f"/v1/runs/{run['id']}/replay", {})
    await host.decide("bob", await host.pending("bob", run["id"]), decision, comment="So be it.")
    run = await host.settled("alice", run["id"], "completed")

    assert early.status == 409
    assert (await _replayed(host, run))["divergence"] is None


@pytest.mark.promise("runs.replay")
async def test_what_a_changed_policy_would_decide_otherwise_is_told(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "company")
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        run = await approved(host, await host.ask("alice", "keeper", "Put 20 into it"))
        assert (await _replayed(host, run, bundle="current"))["divergence"] is None
        folders.everything_changes()
        await told(host, reloads=1, mistakes=0)

        own, current = await _replayed(host, run), await _replayed(host, run, bundle="current")
        said = await host.command("runs", "replay", run["id"], "--as", "alice", "--json")

    assert own["divergence"] is None
    assert current["divergence"]["what"] == "the decision about jar.put"
    assert current["divergence"]["was"]["outcome"] == "allow"
    assert current["divergence"]["now"] == {"outcome": "deny", "policies": ["jar-closed"]}
    assert said == own


async def test_another_persons_run_is_not_replayed(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "days of annual leave")

    for who in ("frank", "dora"):
        assert (await host.call(who, "POST", f"/v1/runs/{run['id']}/replay", {})).status == 404
    assert (await _replayed(host, run, "carol"))["divergence"] is None
