"""What comes from npm for tests: pinned by digest, from whichever registry is in reach, and whole or not at all."""

import json
from pathlib import Path

import pytest

from tests import app_manifest, azurite, npm, playground

TOOLS = (azurite.AZURITE, playground.PLAYGROUND, app_manifest.SCHEMAS)


@pytest.mark.promise("house.lock")
@pytest.mark.parametrize("tool", TOOLS, ids=[tool.name for tool in TOOLS])
def test_a_lock_pins_each_package_by_its_digest_and_names_no_registry(tool: npm.Tool) -> None:
    lock = json.loads(tool.lock.read_text("utf-8"))
    wanted = json.loads((tool.lock.parent / "package.json").read_text("utf-8"))
    own = lock["packages"].pop("")
    assert own["dependencies"] == wanted["dependencies"]
    assert all(version[0].isdigit() for version in own["dependencies"].values())
    assert lock["packages"]
    for name, package in lock["packages"].items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_every_folder_of_npm_is_one_of_these(house: Path) -> None:
    assert {file.parent.name for file in house.glob("tests/data/*/package-lock.json")} == {tool.name for tool in TOOLS}


def test_half_a_tool_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = npm.Tool("playground", Path("node_modules/tool/main.js"))
    monkeypatch.setenv("CHARTER_TEST_PLAYGROUND", str(tmp_path))
    (tmp_path / tool.entry).parent.mkdir(parents=True)
    (tmp_path / tool.entry).touch()
    assert npm.find.__wrapped__(tool) is None
    (tmp_path / "package-lock.json").write_bytes(tool.lock.read_bytes() + b" ")
    assert npm.find.__wrapped__(tool) is None
    (tmp_path / "package-lock.json").write_bytes(tool.lock.read_bytes())
    found = npm.find.__wrapped__(tool)
    assert found
    assert found.program == tmp_path / tool.entry
