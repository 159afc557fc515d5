"""``charter check``: every mistake at its place, with what to write instead.

Each folder of ``tests/data/broken`` holds one mistake; the word HERE stands in its line, and ``expected.yaml`` has words
of the message and of the remedy. ``tests/data/whole`` has nothing wrong.
"""

import shutil
from pathlib import Path

import pytest
import yaml

from charter.catalog.check import check
from charter.catalog.mistake import Mistake
from charter.settings import HOUSE

DATA = Path(__file__).parent.parent / "data"
WHOLE = DATA / "whole"
BROKEN = sorted(folder.name for folder in (DATA / "broken").iterdir())


def checked(folder: Path) -> list[Mistake]:
    """Check the whole folders together with the broken ones."""
    return check(
        [WHOLE / "agents", *([folder / "agents"] if (folder / "agents").is_dir() else [])],
        [WHOLE / "plugins", *([folder / "plugins"] if (folder / "plugins").is_dir() else [])],
    )[1]


def marked(folder: Path) -> list[tuple[Path, int]]:
    return [
        (file, number)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "expected.yaml"
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if "HERE" in line
    ]


@pytest.mark.promise("catalog.whole")
def test_the_shipped_folders_have_no_mistake() -> None:
    catalog, mistakes = check([HOUSE / "agents"], [HOUSE / "plugins"])
    assert mistakes == []
    assert catalog is not None
    assert {"employee_assistant", "service_desk", "buyer"} <= catalog.agents.keys()
    assert {"people", "service_desk", "procurement"} <= catalog.plugins.keys()


def test_the_whole_test_folders_have_no_mistake() -> None:
    assert checked(WHOLE / "none") == []


@pytest.mark.promise("catalog.mistakes")
@pytest.mark.parametrize("name", BROKEN)
def test_each_mistake_is_named_with_file_line_and_remedy(name: str) -> None:
    folder = DATA / "broken" / name
    expected = yaml.safe_load((folder / "expected.yaml").read_text("utf-8"))
    found = checked(folder)
    assert [(mistake.file, mistake.line) for mistake in found] == marked(folder)
    [mistake] = found
    assert expected["message"] in mistake.message
    assert expected["remedy"] in mistake.remedy


@pytest.mark.promise("catalog.mistakes")
def test_there_are_enough_broken_folders() -> None:
    assert len(BROKEN) >= 12


@pytest.mark.promise("catalog.mistakes")
def test_all_mistakes_are_told_at_once_in_reading_order() -> None:
    folders = [DATA / "broken" / name for name in ("unknown_key", "tier_unknown", "annotation_misspelt")]
    catalog, mistakes = check(
        [WHOLE / "agents", *(folder / "agents" for folder in folders if (folder / "agents").is_dir())],
        [WHOLE / "plugins", *(folder / "plugins" for folder in folders[:1])],
    )
    assert catalog is None
    assert [mistake.file.name for mistake in mistakes] == ["agent.yaml", "plugin.yaml"]
    assert mistakes == sorted(mistakes)
    assert all(mistake.message.endswith(".") and mistake.remedy.endswith(".") for mistake in mistakes)


def test_an_agent_of_a_broken_plugin_is_not_blamed_for_it(tmp_path: Path) -> None:
    agent = tmp_path / "agents" / "trader"
    agent.mkdir(parents=True)
    text = (WHOLE / "agents" / "clerk" / "agent.yaml").read_text("utf-8")
    (agent / "agent.yaml").write_text(text.replace("name: clerk", "name: trader").replace("rates.*", "bonds.*"))
    (agent / "instructions.md").write_text("You trade.")
    broken = DATA / "broken" / "effect_unknown" / "plugins"
    _, mistakes = check([tmp_path / "agents"], [WHOLE / "plugins", broken])
    assert [mistake.file.parent.name for mistake in mistakes] == ["bonds"]


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    _, [mistake] = check([tmp_path / "nowhere"], [])
    assert (mistake.file, "not there" in mistake.message) == (tmp_path / "nowhere", True)


@pytest.mark.promise("catalog.mistakes")
def test_a_module_that_is_no_python_is_named_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "rates"
    shutil.copytree(WHOLE / "plugins" / "rates", folder)
    (folder / "plugin.py").write_text("class Rates:\n    def find_rate(self, code: str\n")
    _, [mistake] = check([], [tmp_path / "plugins"])
    assert (mistake.file, mistake.line) == (folder / "plugin.py", 2)
    assert "This is not Python" in mistake.message


@pytest.mark.promise("catalog.mistakes")
def test_a_folder_whose_declaration_has_another_name_is_not_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "rates"
    shutil.copytree(WHOLE / "plugins" / "rates", folder)
    (folder / "plugin.yaml").rename(folder / "plugin.yml")
    _, [mistake] = check([], [tmp_path / "plugins"])
    assert (mistake.file.parent, "no plugin.yaml" in mistake.message) == (folder, True)
