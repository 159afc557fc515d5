"""``charter teams package``: what comes out of it, and what stops it."""

import asyncio
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from jsonschema import Draft4Validator

from charter.channels.teams import commands
from charter.channels.teams.package import png
from charter.settings import HOUSE, process_environment
from tests import app_manifest, npm
from tests.posture.production import GOOD
from tests.teams import packages
from tests.teams.packages import BOT, SITE

PAGES = ("--website", f"{SITE}/about", "--privacy", f"{SITE}/privacy", "--terms", f"{SITE}/terms")


async def package(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run the command in a folder; return its exit code, what it printed and what it complained of."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "teams", "package", *arguments, cwd=folder,
        env={**process_environment(), "PYTHONPATH": str(HOUSE), **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def files(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def production(folder: Path, **changes: Any) -> dict[str, str]:
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump({**GOOD, "http": {"public_url": SITE}, **changes}))
    return {"CHARTER_SETTINGS": str(file)}


def schemas() -> Path:
    found = app_manifest.find()
    if found is None:
        pytest.fail(app_manifest.MISSING) if npm.REQUIRED else pytest.skip(app_manifest.MISSING)
    return found


@pytest.mark.promise("teams.package")
async def test_the_package_is_written_without_a_host_and_says_what_is_in_it(tmp_path: Path) -> None:
    code, out, err = await package(tmp_path, *PAGES, "--json", **production(tmp_path))
    assert code == 0, err
    told = orjson.loads(out)
    found = files(tmp_path / "charter-teams.zip")
    assert set(found) == {"manifest.json", "color.png", "outline.png", "de.json", "fr.json"}
    manifest = orjson.loads(found["manifest.json"])
    (bot,) = manifest["bots"]
    assert (told["bot"], bot["botId"], manifest["webApplicationInfo"]["id"]) == (BOT, BOT, BOT)
    assert manifest["webApplicationInfo"]["resource"] == f"api://botid-{BOT}"
    assert manifest["validDomains"] == ["token.botframework.com", "charter.contoso.com"]
    assert bot["scopes"] == ["personal", "team", "groupChat"]
    assert bot["supportsFiles"] is True
    assert "authorization" not in manifest
    assert told["commands"] == ["/help", "/tasks", "/status", "/stop", "/new", "/signout"]
    assert told["languages"] == ["en", "de", "fr"]


@pytest.mark.promise("teams.package")
async def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    env = production(tmp_path)
    for name in ("one.zip", "two.zip"):
        code, _, err = await package(
            tmp_path, *PAGES, "--output", name, **env, TZ="Asia/Tokyo" if name[0] == "o" else "UTC"
        )
        assert code == 0, err
        os.utime(tmp_path / name, (0, 0))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@pytest.mark.promise("teams.starters")
async def test_each_agent_has_a_starter_and_those_without_a_place_are_named(tmp_path: Path) -> None:
    code, out, err = await package(tmp_path, *PAGES, "--json", **production(tmp_path))
    assert code == 0, err
    told = orjson.loads(out)
    agents = {file.parent.name: yaml.safe_load(file.read_text("utf-8")) for file in HOUSE.glob("agents/*/agent.yaml")}
    written = {(name, text) for name, agent in agents.items() for text in agent["charter"]["starters"]}
    assert {each["agent"] for each in told["starters"]} == set(agents)
    assert len(told["starters"]) == 6
    assert {(each["agent"], each["title"]) for each in told["starters"] + told["left_out"]} == written
    manifest = orjson.loads(files(tmp_path / "charter-teams.zip")["manifest.json"])
    prompts = [c["prompt"] for c in manifest["bots"][0]["commandLists"][0]["commands"] if c.get("type") == "prompt"]
    assert prompts == [each["title"] for each in told["starters"]]
    _, shown, _ = await package(tmp_path, *PAGES, "--output", "again.zip", **production(tmp_path))
    assert "left out   9 starters: Teams shows 6 beside the commands." in shown


@pytest.mark.promise("teams.starters")
async def test_a_long_starter_is_cut_on_its_card_and_said_whole_and_one_too_long_is_left_out(tmp_path: Path) -> None:
    long, longest = "Tell me " + "more and " * 40 + "more", "x" * 4001
    agent = tmp_path / "agents" / "clerk"
    (tmp_path / "plugins").mkdir()
    agent.parent.mkdir()
    source = HOUSE / "tests" / "data" / "whole"
    for plugin in ("market", "rates"):
        (tmp_path / "plugins" / plugin).symlink_to(source / "plugins" / plugin)
    agent.mkdir()
    for file in (source / "agents" / "clerk").iterdir():
        if file.name != "agent.yaml":
            (agent / file.name).symlink_to(file)
    told = yaml.safe_load((source / "agents/clerk/agent.yaml").read_text("utf-8"))
    told["charter"]["starters"] = [long, longest, "Short enough"]
    (agent / "agent.yaml").write_text(yaml.safe_dump(told))
    env = {
        "CHARTER_SHIPPED": "false", "CHARTER_AGENTS_DIRS": str(tmp_path / "agents"),
        "CHARTER_PLUGINS_DIRS": str(tmp_path / "plugins"), "CHARTER_PLUGIN_URLS__MARKET": "http://localhost:1",
    }  # fmt: skip
    code, out, err = await package(tmp_path, "--app-id", BOT, "--json", **env)
    assert code == 0, err
    first, second = orjson.loads(out)["starters"]
    assert first["title"].endswith("…")
    assert len(first["title"]) <= 128
    assert second["title"] == "Short enough"
    manifest = orjson.loads(files(tmp_path / "charter-teams.zip")["manifest.json"])
    assert manifest["bots"][0]["commandLists"][0]["commands"][6]["prompt"] == long
    assert len(orjson.loads(out)["left_out"]) == 1


@pytest.mark.promise("teams.schema")
@pytest.mark.parametrize(
    ("changes", "version", "before"),
    [
        ({}, "1.29", "1.28"),
        ({"slash": False}, "1.27", "1.26"),
        ({"copilot": True}, "1.29", "1.28"),
        ({"slash": False, "copilot": True}, "1.27", "1.26"),
    ],
)
def test_microsofts_own_schema_takes_it_and_the_version_before_does_not(
    changes: dict[str, bool], version: str, before: str
) -> None:
    folder = schemas()
    found = packages.content(packages.packed(**changes))
    assert found.manifest["manifestVersion"] == version
    assert list(Draft4Validator(app_manifest.schema(folder, version)).iter_errors(found.manifest)) == []
    for name in ("de.json", "fr.json"):
        schema = app_manifest.schema(folder, version, "Localization.")
        assert list(Draft4Validator(schema).iter_errors(orjson.loads(found.files[name]))) == []
    older = {**found.manifest, "manifestVersion": before}
    assert list(Draft4Validator(app_manifest.schema(folder, before)).iter_errors(older)) != []


@pytest.mark.promise("teams.package")
def test_copilot_is_in_it_only_where_it_is_asked_for() -> None:
    assert "copilot" not in str(packages.packed().manifest)
    manifest = packages.packed(copilot=True).manifest
    assert manifest["bots"][0]["scopes"][-1] == "copilot"
    assert manifest["copilotAgents"]["customEngineAgents"] == [{"id": BOT, "type": "bot"}]
    last = manifest["bots"][0]["commandLists"][-1]
    assert last["scopes"] == ["copilot"]
    assert {command["type"] for command in last["commands"]} == {"prompt"}


@pytest.mark.promise("teams.commands")
def test_every_command_of_the_package_is_one_that_the_door_knows_in_every_language() -> None:
    found = packages.content(packages.packed(copilot=True))
    languages = [orjson.loads(found.files[name]) for name in ("de.json", "fr.json")]
    seen: list[str] = []
    for index, listed in enumerate(found.bot["commandLists"]):
        for place, command in enumerate(listed["commands"]):
            if command.get("type") == "prompt":
                assert commands.told(command["prompt"]) is None
                continue
            known = commands.told(command["title"])
            assert known
            name = f"bots[0].commandLists[{index}].commands[{place}].title"
            assert all(commands.told(each[name]) == known for each in languages)
            seen.append(known.command.key)
    assert sorted(seen) == sorted(2 * [command.key for command in commands.COMMANDS])


@pytest.mark.promise("teams.commands")
@pytest.mark.parametrize(
    ("text", "key", "rest"),
    [
        ("/help", "help", ""),
        ("  /HELP\n", "help", ""),
        ("/status 01JD", "status", "01JD"),
        ("/tâches", "tasks", ""),
        ("/taches", "tasks", ""),
        ("/Déconnexion", "signout", ""),
        ("/stopp 7\nnow", "stop", "7\nnow"),
        ("help", "", ""),
        ("please /help", "", ""),
        ("/helpme", "", ""),
        ("/", "", ""),
        ("", "", ""),
    ],
)
def test_a_command_is_one_word_behind_a_slash_and_anything_else_is_for_an_agent(text: str, key: str, rest: str) -> None:
    found = commands.told(text)
    assert (found.command.key if found else "", found.rest if found else "") == (key, rest)


@pytest.mark.promise("teams.package")
def test_the_icons_are_of_the_sizes_that_teams_shows_and_of_the_houses_colour() -> None:
    files = packages.content(packages.packed()).files
    color, outline = png.read(files["color.png"]), png.read(files["outline.png"])
    assert (color.width, color.height, outline.width, outline.height) == (192, 192, 32, 32)
    assert "#{:02x}{:02x}{:02x}".format(*color.points[0][:3]) == "#0d6350"
    assert "--accent: #0d6350" in (HOUSE / "charter/channels/console/static/ground.css").read_text("utf-8")
    assert outline.points[0][3] == 0
    assert 100 < sum(point[3] > 127 for point in outline.points) < 600


@pytest.mark.promise("teams.package-refused")
async def test_development_has_no_bots_id_and_is_told_where_it_comes_from(tmp_path: Path) -> None:
    code, out, err = await package(tmp_path)
    assert (code, out) == (2, "")
    assert "CHARTER_IDENTITY__CLIENT_ID is charter-host, which is no id of an application in Entra" in err
    assert "infra/registrations.py registers the application and prints its id" in err
    assert list(tmp_path.iterdir()) == []
    code, _, err = await package(tmp_path, "--app-id", "charter")
    assert code == 2
    assert "--app-id is charter" in err
    code, out, err = await package(tmp_path, "--app-id", BOT.upper(), "--json")
    assert code == 0, err
    assert orjson.loads(out)["bot"] == BOT


@pytest.mark.promise("teams.package-refused")
async def test_in_the_azure_profile_pages_of_examples_and_none_at_all_are_refused(tmp_path: Path) -> None:
    env = production(tmp_path)
    code, _, err = await package(tmp_path, **env)
    assert code == 2
    for name in ("websiteUrl", "privacyUrl", "termsOfUseUrl"):
        assert f"/developer/{name}: is empty, and must be an https:// address of a page for people" in err
    pages = [page.replace("contoso.com", "contoso.example") for page in PAGES]
    code, _, err = await package(tmp_path, *pages, **production(tmp_path, http={"public_url": "https://charter.contoso.example"}))  # fmt: skip
    assert code == 2
    assert err.count("an address of examples; name a page of your own") == 3
    assert "/validDomains/1: is charter.contoso.example, an example or of one machine alone" in err
    assert not (tmp_path / "charter-teams.zip").exists()


@pytest.mark.promise("teams.package")
async def test_for_a_deployment_the_three_things_that_azd_knows_are_enough(tmp_path: Path) -> None:
    env = {"CHARTER_PROFILE": "azure", "CHARTER_IDENTITY__CLIENT_ID": BOT, "CHARTER_HTTP__PUBLIC_URL": SITE}
    code, out, err = await package(tmp_path, *PAGES, "--developer", "Fabrikam", "--json", **env)
    assert code == 0, err
    assert orjson.loads(out)["domains"] == ["token.botframework.com", "charter.contoso.com"]
    manifest = orjson.loads(files(tmp_path / "charter-teams.zip")["manifest.json"])
    assert manifest["developer"]["name"] == "Fabrikam"


@pytest.mark.promise("teams.package-refused")
async def test_a_change_under_the_same_or_a_lower_version_is_refused(tmp_path: Path) -> None:
    env = production(tmp_path)
    assert (await package(tmp_path, *PAGES, "--version", "1.2.0", **env))[0] == 0
    before = (tmp_path / "charter-teams.zip").read_bytes()
    assert (await package(tmp_path, *PAGES, "--version", "1.2.0", **env))[0] == 0
    for more in (("--version", "1.2.0", "--no-slash"), ("--version", "1.1.9"), ("--version", "1.2")):
        code, _, err = await package(tmp_path, *PAGES, *more, **env)
        assert code == 2
        assert "under a higher one only" in err or "must be three numbers such as 1.2.0" in err
        assert (tmp_path / "charter-teams.zip").read_bytes() == before
    assert (await package(tmp_path, *PAGES, "--version", "1.10.0", "--no-slash", **env))[0] == 0
    (tmp_path / "notes.zip").write_text("not a package")
    code, _, err = await package(tmp_path, *PAGES, "--output", "notes.zip", **env)
    assert code == 2
    assert "is no app package, so it was left alone" in err
    code, _, err = await package(tmp_path, *PAGES, "--output", "nowhere/charter.zip", **env)
    assert code == 2
    assert "cannot be written" in err


@pytest.mark.promise("teams.package-refused")
async def test_icons_of_ones_own_are_looked_at(tmp_path: Path) -> None:
    icons = tmp_path / "icons"
    icons.mkdir()
    (icons / "color.png").write_bytes(packages.picture(192, 192, b"\x20\x40\x60\xff"))
    (icons / "outline.png").write_bytes(packages.picture(32, 32, around=b"\0\0\0\0"))
    code, _, err = await package(tmp_path, *PAGES, "--icons", str(icons), **production(tmp_path))
    assert code == 0, err
    assert files(tmp_path / "charter-teams.zip")["color.png"] == (icons / "color.png").read_bytes()
    (icons / "outline.png").unlink()
    code, _, err = await package(tmp_path, *PAGES, "--icons", str(icons), "--version", "9.0.0", **production(tmp_path))
    assert code == 2
    assert "/outline.png: is not in the package" in err
