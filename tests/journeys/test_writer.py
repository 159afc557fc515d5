"""The writer on a running host: whatever its model says, only what approved documents say is answered."""

from collections.abc import AsyncIterator

import pytest

from charter import settings
from charter.models.chat import UNSUPPORTED
from tests.running import HOUSE, RunningHost, running_host

MODEL = settings.Deployment(kind="scripted", model="inventor", script=HOUSE / "tests" / "data" / "writer.yaml")


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    folder = tmp_path_factory.mktemp("writer")
    async with running_host(folder, models={"standard": (MODEL,)}, knowledge=True) as host:
        await host.library_read()
        yield host


@pytest.mark.promise("writer.grounded")
async def test_an_invented_sentence_is_asked_for_once_more_and_never_shown(office: RunningHost) -> None:
    run = await office.ask("alice", "content_writer", "Write a notice about remote pay")
    asked = [step for step in await office.timeline("alice", run["id"]) if step["type"] == "model"]

    assert run["status"] == "completed"
    assert "25 EUR a month for electricity and internet [1]" in run["output"]["text"]
    assert "99" not in run["output"]["text"]
    assert [citation["n"] for citation in run["output"]["citations"]] == [1]
    assert "99 EUR" in asked[1]["output"]["unfit"]
    assert len(asked) == 3


@pytest.mark.promise("writer.grounded")
async def test_what_is_invented_again_is_left_out_and_that_is_said(office: RunningHost) -> None:
    run = await office.ask("alice", "content_writer", "Write a notice about the remote allowance")

    assert run["status"] == "completed"
    assert run["output"]["text"] == UNSUPPORTED
    assert "gold" not in run["output"]["text"]


@pytest.mark.promise("writer.nothing")
@pytest.mark.parametrize("brief", ["Write an article about rockets", "Write what you know from memory"])
async def test_a_brief_without_a_source_is_answered_so(office: RunningHost, brief: str) -> None:
    run = await office.ask("alice", "content_writer", brief)

    assert run["status"] == "completed"
    assert run["output"]["text"] == UNSUPPORTED
    assert run["output"]["citations"] == []


@pytest.mark.promise("writer.grounded")
async def test_nothing_is_streamed_before_it_is_checked(office: RunningHost) -> None:
    sent = {"agent": "content_writer", "input": "Write a notice about remote pay"}
    run = (await office.call("alice", "POST", "/v1/runs", sent)).body
    live = ""
    async for event, data, _ in office.events("alice", run["id"]):
        live += data["text"] if event == "output.delta" else ""
        if event == "done":
            break

    assert "25 EUR" in (await office.call("alice", "GET", f"/v1/runs/{run['id']}")).body["output"]["text"]
    assert "99 EUR" not in live
