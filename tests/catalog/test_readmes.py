"""What the READMEs of agents and plugins show, done: a folder by the book passes the check."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from charter.settings import HOUSE


@pytest.mark.promise("catalog.readme")
@pytest.mark.parametrize("room", ["agents", "plugins"])
def test_the_commands_of_the_readme_run_as_shown(room: str, tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    text = (HOUSE / room / "README.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        told = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert told.returncode == 0, told.stdout + told.stderr
        assert "are in order" in told.stdout


@pytest.mark.promise("catalog.readme")
@pytest.mark.parametrize(("room", "grammar"), [("agents", "agent"), ("plugins", "plugin")])
def test_the_readme_names_every_key_of_the_grammar(room: str, grammar: str) -> None:
    text = (HOUSE / room / "README.md").read_text("utf-8")
    schema = yaml.safe_load((HOUSE / "charter" / "catalog" / f"{grammar}.schema.yaml").read_text("utf-8"))
    parts = [schema, *schema["$defs"].values(), *schema["properties"].values()]
    keys = {key for part in parts for key in part.get("properties", {})}
    assert [key for key in sorted(keys) if key not in text] == []
