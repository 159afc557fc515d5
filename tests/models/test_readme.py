"""What the models' README shows is what settings take."""

import re
from typing import get_args

import pytest
import yaml

from charter import settings
from tests.running import HOUSE

TEXT = (HOUSE / "charter" / "models" / "README.md").read_text("utf-8")
SHOWN = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.promise("models.readme")
@pytest.mark.parametrize("shown", SHOWN)
def test_the_settings_that_are_shown_are_settings(shown: str) -> None:
    tree = settings.Settings(**yaml.safe_load(shown))

    assert all(deployment.called for tier in tree.models.values() for deployment in tier)


@pytest.mark.promise("models.readme")
def test_every_kind_and_every_file_is_named() -> None:
    assert len(SHOWN) == 2
    assert [kind for kind in get_args(settings.Kind) if f"`{kind}`" not in TEXT] == []
    room = HOUSE / "charter" / "models"
    files = {path.name for path in room.iterdir() if path.suffix in {".py", ".yaml"}} - {"__init__.py"}
    assert sorted(name for name in files if f"`{name}`" not in TEXT) == []
