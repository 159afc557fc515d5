"""A run finishes on the bundle it began with, whatever becomes of the folders; new runs begin on what lies there now."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from charter import settings
from charter.catalog.mistake import BundleUnavailable
from charter.models.route import open_route
from charter.runs.building import Builder
from charter.runs.editions import Editions
from charter.store.database import Database
from tests.governance.world import Staff
from tests.running import HOUSE, RunningHost, running_host

DATA = HOUSE / "tests" / "data" / "editions"
FORBIDDEN = """
@id("jar-closed")
@reason("The jar is closed.")
forbid (principal, action == Action::"jar.put", resource)
when { context.arguments.amount > 10 };
"""


class Folders:
    """A company's own agents and plugins, edited while the host looks on."""

    def __init__(self, root: Path) -> None:
        for room in ("agents", "plugins"):
            shutil.copytree(DATA / room, root / room)
        self._root = root

    @property
    def chosen(self) -> dict[str, Any]:
        """The settings of a host that has these folders beside the shipped ones."""
        model = settings.Deployment(kind="scripted", model="scripted", script=DATA / "script.yaml")
        folders = {"agents_dirs": str(self._root / "agents"), "plugins_dirs": str(self._root / "plugins")}
        return {**folders, "models": {"standard": model}}

    def write(self, path: str, text: str) -> None:
        (self._root / path).parent.mkdir(exist_ok=True)
        (self._root / path).write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self._root / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def add(self, path: str, text: str) -> None:
        self.write(path, (self._root / path).read_text() + text)

    def another(self, name: str) -> None:
        """Add an agent like the keeper."""
        yaml = (DATA / "agents/keeper/agent.yaml").read_text().replace("keeper", name)
        self.write(f"agents/{name}/instructions.md", f"You are {name}.")
        self.write(f"agents/{name}/agent.yaml", yaml)

    def everything_changes(self) -> None:
        """Other instructions, other code, and a policy that forbids what was allowed."""
        self.write("agents/keeper/instructions.md", "You keep the second jar.")
        self.replace("plugins/jar/plugin.py", '"first"', '"later"')
        self.add("plugins/jar/policy.cedar", FORBIDDEN)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "company")


async def told(host: RunningHost, **expected: int) -> Mapping[str, Any]:
    """Wait until the host tells this of its catalog."""
    async with asyncio.timeout(30):
        while True:
            known = (await host.call(None, "GET", "/readyz")).body["checks"]["catalog"]
            if all(known[name] == value for name, value in expected.items()):
                return known
            await asyncio.sleep(0.05)


async def approved(host: RunningHost, run: Mapping[str, Any], status: str = "completed") -> dict[str, Any]:
    """Approve what the run waits for, and return the run at its end."""
    answer = await host.decide("bob", await host.pending("bob", run["id"]), "approve")
    assert answer.status == 200, answer.body
    return await host.settled("alice", run["id"], status)


async def names(host: RunningHost) -> set[str]:
    return {agent["name"] for agent in (await host.call("alice", "GET", "/v1/agents")).body["items"]}


@pytest.mark.promise("editions.reload")
async def test_a_new_agent_works_without_a_new_start_and_a_removed_one_is_gone(
    folders: Folders, tmp_path: Path
) -> None:
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        assert "guest" not in await names(host)
        folders.another("guest")
        await told(host, reloads=1, mistakes=0)
        assert "guest" in await names(host)
        assert (await host.ask("alice", "guest", "Who are you?"))["output"]["text"].startswith("You are guest.")

        shutil.rmtree(tmp_path / "company/agents/guest")
        await told(host, reloads=2, mistakes=0)
        assert "guest" not in await names(host)
        refused = await host.call("alice", "POST", "/v1/runs", {"agent": "guest", "input": "Who are you?"})
    assert refused.status == 404


@pytest.mark.promise("editions.pinned")
async def test_an_edit_holds_for_new_runs_and_a_run_that_began_before_finishes_on_its_own_bundle(
    folders: Folders, tmp_path: Path
) -> None:
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        parked = await host.ask("alice", "keeper", "Put 20 into it")
        assert parked["status"] == "waiting"
        folders.everything_changes()
        await told(host, reloads=1, mistakes=0)

        new = await host.ask("alice", "keeper", "Put 20 into it")
        old = await approved(host, parked)

    assert (new["status"], new["effects"]) == ("completed", [])
    assert "The jar is closed." in new["output"]["text"]
    assert "You keep the second jar." in new["output"]["text"]
    assert [effect["outcome"] for effect in old["effects"]] == ["done"]
    assert old["output"]["text"].startswith("first / You keep the first jar.")
    assert old["bundle"] == parked["bundle"] != new["bundle"]


@pytest.mark.promise("editions.pinned")
async def test_an_edit_of_others_asks_nobody_again(folders: Folders, tmp_path: Path) -> None:
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        parked = await host.ask("alice", "keeper", "Put 20 into it")
        folders.another("guest")
        folders.write("agents/guest/policy.cedar", FORBIDDEN.replace("{ ", '{ context.agent == "guest" && '))
        await told(host, reloads=1, mistakes=0)
        done = await approved(host, parked)
        new = await host.ask("alice", "keeper", "Put 5 into it")
    assert [effect["outcome"] for effect in done["effects"]] == ["done"]
    assert new["bundle"] == parked["bundle"]


@pytest.mark.promise("editions.refused")
async def test_a_broken_edit_changes_nothing_and_is_told_with_its_place(
    folders: Folders, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        before = await host.ask("alice", "keeper", "Put 5 into it")
        folders.replace("agents/keeper/agent.yaml", "jar.put", "jar.putt")
        folders.write("agents/keeper/instructions.md", "You keep the second jar.")
        await told(host, mistakes=1, reloads=0)
        during = await host.ask("alice", "keeper", "Put 5 into it")

        folders.replace("agents/keeper/agent.yaml", "jar.putt", "jar.put")
        folders.replace("plugins/jar/plugin.py", 'VERSION = "first"', "raise SystemExit('no')")
        await told(host, mistakes=1, reloads=0)
        folders.replace("plugins/jar/plugin.py", "raise SystemExit('no')", 'VERSION = "first"')
        await told(host, mistakes=0, reloads=1)
        after = await host.ask("alice", "keeper", "Put 5 into it")

    lines = [orjson.loads(line) for line in capfd.readouterr().err.splitlines() if '"line":' in line]
    assert [(Path(line["file"]).name, line["line"], line["remedy"]) for line in lines] == [
        ("agent.yaml", 8, "Write `jar.put`.")
    ]
    assert during["bundle"] == before["bundle"] != after["bundle"]
    assert during["output"] == before["output"]
    assert "You keep the second jar." in after["output"]["text"]


@pytest.mark.promise("editions.restart")
async def test_after_a_new_start_with_other_files_parked_runs_finish_on_their_own(
    folders: Folders, tmp_path: Path
) -> None:
    folders.another("guest")
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        parked = await host.ask("alice", "keeper", "Put 20 into it")
        orphaned = await host.ask("alice", "guest", "Put 30 into it")
    folders.everything_changes()
    shutil.rmtree(tmp_path / "company/agents/guest")
    # Whatever lies where the bundle will be laid out is not believed.
    planted = tmp_path / "host/bundles" / parked["bundle"].removeprefix("sha256:")
    shutil.copytree(tmp_path / "company", planted)
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        assert "guest" not in await names(host)
        old, lone = await approved(host, parked), await approved(host, orphaned)
        new = await host.ask("alice", "keeper", "Put 20 into it")

    assert [effect["outcome"] for run in (old, lone) for effect in run["effects"]] == ["done", "done"]
    assert old["output"]["text"].startswith("first / You keep the first jar.")
    assert lone["output"]["text"].startswith("first / You are guest.")
    assert (old["bundle"], new["effects"]) == (parked["bundle"], [])


@pytest.mark.promise("editions.sealed")
async def test_a_bundle_that_was_altered_planted_or_lost_is_not_run(folders: Folders, tmp_path: Path) -> None:
    harm = (
        "update bundles set files = jsonb_set(files, '{plugins/jar/policy.cedar}', '\"\"') where digest = $1",
        "update bundles set seal = 'planted' where digest = $1",
        "delete from bundles where digest = $1",
    )
    parked: list[dict[str, Any]] = []
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        for reloads in range(len(harm)):
            parked.append(await host.ask("alice", "keeper", "Put 20 into it"))
            folders.write("agents/keeper/instructions.md", f"You keep jar {reloads}.")
            await told(host, reloads=reloads + 1)
        url = orjson.loads((tmp_path / "host/host.json").read_bytes())["database"]
        connection = await asyncpg.connect(url)
        for statement, run in zip(harm, parked, strict=True):
            assert (await connection.execute(statement, run["bundle"])).endswith(" 1")
        await connection.close()
    async with running_host(tmp_path / "host", **folders.chosen) as host:
        ended = [await approved(host, run, "failed") for run in parked]

    assert [run["error"]["code"] for run in ended] == ["bundle_unavailable"] * len(harm)
    assert [run["effects"] for run in ended] == [[]] * len(harm)
    words = ("not those of the bundle", "does not bear this installation's seal", "was not kept")
    assert all(word in run["error"]["detail"] for word, run in zip(words, ended, strict=True))


async def test_whoever_switches_reloading_off_starts_anew_for_a_change(folders: Folders, tmp_path: Path) -> None:
    async with (
        running_host(tmp_path / "host", reload=False, **folders.chosen) as host,
        running_host(tmp_path / "other", **folders.chosen) as other,
    ):
        folders.write("agents/keeper/instructions.md", "You keep the second jar.")
        # Three changes that another host sees, each after the one before: this one has had time for the first.
        for name in (later := ("guest", "visitor", "lodger")):
            folders.another(name)
            async with asyncio.timeout(30):
                while name not in await names(other):
                    await asyncio.sleep(0.05)
        assert (await names(host)).isdisjoint(later)
        run = await host.ask("alice", "keeper", "Who are you?")
    assert "You keep the first jar." in run["output"]["text"]


async def test_earlier_bundles_stay_at_hand_and_those_let_go_are_read_once_for_all_who_need_them(
    folders: Folders, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charter.runs.editions.REMEMBERED", 1)
    urls = {name: f"https://{name}.contoso.example" for name in ("people", "procurement", "service_desk")}
    tree = settings.read(data_dir=tmp_path / "host", plugin_urls=urls, **folders.chosen)
    builder = Builder(tree, {"standard": open_route("standard", tree.models["standard"], None)}, Staff({}))
    editions = Editions(database, builder, b"a key of this house", builder.edition(builder.present()))
    await editions.keep()
    began = [editions.current]
    for jar in ("second", "third"):
        folders.write("agents/keeper/instructions.md", f"You keep the {jar} jar.")
        began.append(builder.edition(builder.present()))
        await editions.begin(began[-1])
    first, second, third = (edition.catalog.agents["keeper"].bundle for edition in began)

    assert await editions.of("keeper", third) is began[2]
    assert await editions.of("keeper", second) is began[1]
    again, same = await asyncio.gather(editions.of("keeper", first), editions.of("keeper", first))
    assert again is same is not began[0]
    assert again.catalog.agents["keeper"].instructions == "You keep the first jar.\n"
    with pytest.raises(BundleUnavailable, match="was not kept"):
        await editions.of("keeper", "sha256:0")
    with pytest.raises(BundleUnavailable, match="seal"):
        await Editions(database, builder, b"a key of another house", began[2]).of("keeper", first)
