"""The code of Python plugins: what stands in the file is what runs, and versions do not disturb each other."""

import os
import sys
from pathlib import Path

import pytest

from charter.catalog.spec import PluginSpec
from charter.errors import StartRefused
from charter.kernel.guest import load_class


@pytest.fixture
def spec(tmp_path: Path) -> PluginSpec:
    file = tmp_path / "plugin.py"
    return PluginSpec("jar", "python", tmp_path, {}, "", module=file, class_name="Jar")


def written(spec: PluginSpec, version: int) -> None:
    """Write that version; its size and time are those of any other."""
    assert spec.module is not None
    spec.module.write_text(f"VERSION = {version}\n\nclass Jar:\n    def version(self): return VERSION\n")
    os.utime(spec.module, (1_700_000_000, 1_700_000_000))


@pytest.mark.promise("editions.code")
def test_two_versions_live_side_by_side_however_soon_one_follows_the_other(
    spec: PluginSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    written(spec, 1)
    first = load_class(spec)
    written(spec, 2)
    second = load_class(spec)
    assert (first().version(), second().version()) == (1, 2)
    written(spec, 1)
    assert load_class(spec) is first


@pytest.mark.parametrize("code", ["raise SystemExit('no')", "1 / 0", "def"])
def test_code_that_does_not_load_is_refused_in_a_sentence_and_leaves_nothing(spec: PluginSpec, code: str) -> None:
    assert spec.module is not None
    spec.module.write_text(code)
    before = {name for name in sys.modules if name.startswith("charter_guest_jar")}
    with pytest.raises(StartRefused, match="cannot be imported"):
        load_class(spec)
    after = {name for name in sys.modules if name.startswith("charter_guest_jar")}
    assert after == before
