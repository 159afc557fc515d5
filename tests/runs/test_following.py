"""Followers of a run in another process: live text while it is made, and every identified event once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest

from charter import settings
from charter.local import keys
from tests.running import WAIT_SECONDS, RunningHost, reached, running_host, started
from tests.runs.recording import RecordingModel, calls, recording, says

WORDS = [f"word{n}" for n in range(60)]


@asynccontextmanager
async def _two(folder: Path, model: RecordingModel) -> AsyncIterator[tuple[RunningHost, RunningHost, Any]]:
    """Start a host, and a second one that shares its database and its systems; give the second one's process too."""
    chosen: dict[str, Any] = {
        "models": {"standard": model.deployment},
        "runs": settings.Runs(lease_seconds=6),
    }
    async with running_host(folder / "one", **chosen) as one:
        told = orjson.loads((folder / "one" / "host.json").read_bytes())
        held = folder / "one" / "keys"
        process = await started(
            folder / "two",
            database=settings.Database(url=told["database"]),
            identity=settings.Identity(
                authority=told["entra"],
                graph=f"{told['entra']}/graph",
                client_secret=settings.SecretStr(keys.client_secret(held)),
            ),
            plugin_urls=told["plugins"],
            session_key=settings.SecretStr(keys.fernet_key(held, "session").decode()),
            **chosen,
        )
        try:
            async with aiohttp.ClientSession() as http:
                yield one, await reached(folder / "two", http), process
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), WAIT_SECONDS)


@asynccontextmanager
async def _notices(folder: Path, channel: str) -> AsyncIterator["asyncio.Queue[str]"]:
    """Keep every notification that the first host's database passes on in that channel."""
    connection: Any = await asyncpg.connect(orjson.loads((folder / "one" / "host.json").read_bytes())["database"])
    heard: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener(channel, lambda *notice: heard.put_nowait(str(notice[3])))
    try:
        yield heard
    finally:
        await connection.close()


@pytest.mark.promise("runs.live-elsewhere")
async def test_live_text_is_heard_at_another_process_and_sent_only_while_somebody_follows_there(tmp_path: Path) -> None:
    followed = asyncio.Event()

    async def answer(body: Mapping[str, Any]) -> Any:
        last = body["messages"][-1]
        if last["role"] == "tool":
            return says(" ".join(WORDS), pause=0.05)
        await asyncio.wait_for(followed.wait(), WAIT_SECONDS)
        return says(" ".join(WORDS)) if "quietly" in last["content"] else calls("people-get_manager", {})

    async with (
        recording(answer) as model,
        _two(tmp_path, model) as (one, two, _),
        _notices(tmp_path, "charter_text") as notices,
        _notices(tmp_path, "charter_follow") as announced,
    ):
        quiet = [event async for event in _heard(one, await _begin(one, "quietly, please"), followed)]
        assert quiet.count("output.delta") > 3
        assert notices.empty()

        followed.clear()
        run_id = await _begin(one, "tell me a story")
        begun = asyncio.get_running_loop().time()
        following = asyncio.create_task(_all(two, run_id))
        while run_id not in await asyncio.wait_for(announced.get(), WAIT_SECONDS):
            pass
        followed.set()
        events = await following
        seconds = asyncio.get_running_loop().time() - begun

    texts = [data["text"] for event, data, _ in events if event == "output.delta"]
    assert "".join(texts).split() == WORDS
    assert all(number is None for event, _, number in events if event == "output.delta")
    kinds = [event for event, _, _ in events]
    last_text = len(kinds) - 1 - kinds[::-1].index("output.delta")
    assert "step" in kinds[last_text:]  # all of it was heard before the journal had it
    sent = [notices.get_nowait() for _ in range(notices.qsize())]
    assert 3 < len(sent) <= 3 + 8 * seconds  # ten in any second at most
    assert all(len(notice.encode()) < 8000 for notice in sent)


@pytest.mark.promise("runs.follow-anywhere")
async def test_a_follower_whose_host_was_killed_goes_on_at_another_one(tmp_path: Path) -> None:
    hanging = asyncio.Event()

    async def answer(body: Mapping[str, Any]) -> Any:
        results = sum(1 for message in body["messages"] if message["role"] == "tool")
        if results < 3:
            return calls("people-get_manager", {}, results)
        if not hanging.is_set():
            hanging.set()
            await asyncio.sleep(WAIT_SECONDS)  # the host that asks is killed meanwhile
        return says("Mona is your manager.")

    async with recording(answer) as model, _two(tmp_path, model) as (one, two, process):
        run_id = await _begin(two, "who is my manager?")
        heard: list[tuple[str, Any, int | None]] = []
        following = asyncio.create_task(_all(two, run_id, heard=heard))
        await asyncio.wait_for(hanging.wait(), WAIT_SECONDS)
        async with asyncio.timeout(WAIT_SECONDS):
            while len(_identified(heard)) <= 3:
                await asyncio.sleep(0.02)
        process.kill()
        first = _identified(await following)
        rest = _identified(await asyncio.wait_for(_all(one, run_id, after=first[-1][1]), WAIT_SECONDS))
        whole = _identified(await _all(one, run_id))

    assert len(first) > 3
    assert rest[-1][0] == "done"
    assert first + rest == whole
    assert [number for _, number in whole] == list(range(1, len(whole) + 1))


@pytest.mark.promise("runs.follow-anywhere")
async def test_a_follower_that_comes_back_hears_the_whole_step_that_had_begun_before(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "two things")
    whole = [(event, data, number) async for event, data, number in host.events("alice", run["id"])]
    for _, _, cut in whole:
        rest = [entry async for entry in host.events("alice", run["id"], after=cut)]
        assert rest == [entry for entry in whole if entry[2] > cut]


async def _begin(host: RunningHost, text: str) -> str:
    return (await host.call("alice", "POST", "/v1/runs", {"agent": "employee_assistant", "input": text})).body["id"]


async def _heard(host: RunningHost, run_id: str, followed: asyncio.Event) -> AsyncIterator[str]:
    """Yield the names of the run's events, and tell when the first one has come: live text is heard from then on."""
    async for event, _, _ in host.events("alice", run_id):
        followed.set()
        yield event


async def _all(
    host: RunningHost, run_id: str, after: int = 0, heard: list[tuple[str, Any, int | None]] | None = None
) -> list[tuple[str, Any, int | None]]:
    """Return the events until the stream ends, or its host does; ``heard`` has them as they come."""
    events: list[tuple[str, Any, int | None]] = [] if heard is None else heard
    try:
        async for event in host.events("alice", run_id, after=after):
            events.append(event)  # noqa: PERF401 - what came before the host's end counts
    except aiohttp.ClientError:
        pass
    return events


def _identified(events: list[tuple[str, Any, int | None]]) -> list[tuple[str, int]]:
    return [(event, number) for event, _, number in events if number is not None]
