"""``charter knowledge`` from a terminal, and the door that it searches through, against a host with a library elsewhere."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from charter import settings
from charter.settings import HOUSE
from tests.knowledge.libraries import Library
from tests.running import RunningHost, running_host

SOURCES = '{"contoso": [{"kind": "sharepoint", "drive": "handbook", "collection": "it-handbook"}]}'
README = (HOUSE / "charter" / "knowledge" / "sources" / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
PARKING = "Where do employees park?"
SECONDS = 60


async def told(host: RunningHost, *arguments: str) -> tuple[int, str, str]:
    """Run a ``charter`` command as it is; return its exit code and what it said."""
    return await ran([sys.executable, "-m", "charter.cli", *arguments], host.folder)


async def ran(command: list[str], folder: Path, cwd: Path = HOUSE) -> tuple[int, str, str]:
    environment = {**settings.process_environment(), "PYTHONPATH": str(HOUSE)}
    own = {"CHARTER_DATA_DIR": str(folder), "CHARTER_KNOWLEDGE__SOURCES": SOURCES}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env={**environment, **own}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complained = await asyncio.wait_for(process.communicate(), SECONDS)
    return process.returncode or 0, said.decode(), complained.decode()


@pytest.fixture(scope="module")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    folder = tmp_path_factory.mktemp("reading")
    status, _, complained = await ran(["bash", "-euo", "pipefail", "-c", BLOCKS[0]], folder / ".charter", folder)
    assert status == 0, complained
    places = {"sources": orjson.loads(SOURCES), "every_seconds": 1}
    async with running_host(folder / ".charter", knowledge=True, places=places) as running:
        await running.library_read()
        yield running


@pytest.fixture
def library(host: RunningHost) -> Library:
    return Library(host.folder / "twins" / "drive" / "contoso" / "handbook", {"parking.md": ["user:alice"]})


async def found(host: RunningHost, who: str, query: str = PARKING, **more: Any) -> list[dict[str, Any]]:
    answer = await host.call(who, "POST", "/v1/knowledge/search", {"query": query, **more})
    assert answer.status == 200, answer.body
    return answer.body["items"]


@pytest.mark.promise("knowledge.sources_readme")
async def test_the_commands_of_the_readme_run_as_shown(host: RunningHost) -> None:
    block = BLOCKS[2].replace(".venv/bin/charter", f"{sys.executable} -m charter.cli")
    status, said, complained = await ran(["bash", "-euo", "pipefail", "-c", block], host.folder)

    assert status == 0, said + complained
    assert "Employees park in the yard behind building 2." in said
    # This host looks through it every second, and may be about it once more.
    assert re.search(r"sharepoint handbook: (complete|reading), last whole \d", said)
    assert "it-handbook: 1 document, 1 passage" in said


@pytest.mark.promise("knowledge.search_door")
async def test_a_person_finds_what_they_may_read_and_nobody_else_does(host: RunningHost) -> None:
    (parking, *_) = await found(host, "alice")

    assert (parking["title"], parking["collection"], parking["integrity"]) == ("Parking", "it-handbook", "untrusted")
    assert "Parking" not in {passage["title"] for passage in await found(host, "bob")}
    assert "Parking" not in {passage["title"] for passage in await found(host, "frank")}
    assert {
        each["collection"] for each in await found(host, "dora", "How much leave is there?", collection="hr-policies")
    } == {"hr-policies"}


@pytest.mark.promise("knowledge.search_door")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": ""}, 422),
        ({"query": PARKING, "top": 0}, 422),
        ({"query": PARKING, "top": 21}, 422),
        ({"query": PARKING, "colection": "x"}, 422),
        ({"query": PARKING, "collection": "supplier-brochures"}, 404),
        ({"query": PARKING, "collection": "nowhere"}, 404),
    ],
)
async def test_the_door_refuses_what_it_does_not_know(host: RunningHost, body: dict[str, Any], status: int) -> None:
    assert (await host.call("alice", "POST", "/v1/knowledge/search", body)).status == status
    assert (await host.call(None, "POST", "/v1/knowledge/search", body)).status == 401


@pytest.mark.promise("knowledge.search_door")
async def test_a_tenants_collections_bound_the_search(host: RunningHost) -> None:
    narrowed = {"settings": {"knowledge": ["hr-policies"]}}
    assert (await host.call("carol", "PATCH", "/v1/admin/tenants/contoso", narrowed)).status == 200
    try:
        async with asyncio.timeout(SECONDS):
            while (
                await host.call(
                    "alice", "POST", "/v1/knowledge/search", {"query": PARKING, "collection": "it-handbook"}
                )
            ).status != 404:
                await asyncio.sleep(0.1)
        assert {each["collection"] for each in await found(host, "alice")} <= {"hr-policies"}
    finally:
        await host.call("carol", "PATCH", "/v1/admin/tenants/contoso", {"settings": {"knowledge": None}})
    async with asyncio.timeout(SECONDS):
        while not await found(host, "alice"):
            await asyncio.sleep(0.1)


@pytest.mark.promise("knowledge.interval")
async def test_a_running_host_follows_what_lies_elsewhere(host: RunningHost, library: Library) -> None:
    badge, query = "# Badges\n\nA lost badge is replaced at the gate.", "Where is a lost badge replaced?"
    library.put("badges.md", badge, "user:alice", "user:bob")
    await _until(host, "bob", query, "Badges", there=True)
    library.share("badges.md", "user:alice")
    await _until(host, "bob", query, "Badges", there=False)
    assert "Badges" in {each["title"] for each in await found(host, "alice", query)}
    (library.folder / "badges.md").unlink()
    await _until(host, "alice", query, "Badges", there=False)


async def _until(host: RunningHost, who: str, query: str, title: str, *, there: bool) -> None:
    async with asyncio.timeout(SECONDS):
        while (title in {each["title"] for each in await found(host, who, query)}) is not there:
            await asyncio.sleep(0.1)


@pytest.mark.promise("knowledge.sync_command")
async def test_the_exit_codes_tell_a_script_what_it_must_know(host: RunningHost, library: Library) -> None:
    assert (await told(host, "knowledge", "sync", "--wait"))[0] == 0
    assert (await told(host, "knowledge", "status"))[0] == 0
    library.put("bad.md", "---\nreaders: [tenant\n---\ntext", "user:alice")
    try:
        status, said, complained = await told(host, "knowledge", "sync", "--wait", "--tenant", "contoso")
        assert (status, "handbook/bad.md: its fields are not YAML" in complained) == (1, True)
        status, said, _ = await told(host, "knowledge", "status")
        assert (status, "left out: handbook/bad.md: its fields are not YAML" in said) == (1, True)
        status, said, _ = await told(host, "knowledge", "status", "--json", "--tenant", "contoso")
        tree = orjson.loads(said)
        assert (status, tree["store"], [each["tenant"] for each in tree["tenants"]]) == (1, "pgvector", ["contoso"])
        faults = [fault for source in tree["tenants"][0]["sources"] for fault in source["faults"]]
        assert [fault["path"] for fault in faults] == ["handbook/bad.md"]
    finally:
        (library.folder / "bad.md").unlink()
    assert (await told(host, "knowledge", "sync", "--wait", "--json"))[0] == 0


@pytest.mark.promise("knowledge.sync_command")
@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("sync", "--tenant", "nowhere"), 2, "There is no tenant nowhere."),
        (("status", "--tenant", "nowhere"), 2, "There is no tenant nowhere."),
        (("status", "--tenant", "fabrikam", "--json"), 0, ""),
        (("search", " "), 2, "The question is empty."),
        (("search", PARKING, "--as", "nobody"), 2, "nobody"),
        (("search", PARKING, "--collection", "secrets"), 2, "There is no collection secrets for you."),
        (("search", PARKING, "--top", "0"), 2, "--top"),
        (("search", PARKING, "--as", "bob", "--collection", "it-handbook", "--json"), 1, "Nothing that bob may read"),
    ],
)
async def test_wrong_words_and_empty_answers_are_sentences(
    host: RunningHost, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    came, _, complained = await told(host, "knowledge", *arguments)

    assert (came, "Traceback" in complained) == (status, False)
    assert sentence in complained


@pytest.mark.promise("knowledge.sync_command")
async def test_a_search_tells_score_title_place_and_words(host: RunningHost) -> None:
    status, said, _ = await told(
        host, "knowledge", "search", PARKING, "--as", "alice", "--collection", "it-handbook", "--top", "1"
    )

    assert status == 0
    assert re.match(
        r"1\. \d\.\d{3}  Parking  \(it-handbook, untrusted\)\n   /console/documents/\S+\n   Employees park", said
    )
