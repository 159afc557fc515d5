"""The house polices itself: sizes, names, words, floors, and what the READMEs show."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent
ROOMS = ("charter", "plugins", "infra", "tests", "bench")
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
FILE_LINES = {"tests": 600}
DEFAULT_FILE_LINES = 400
FUNCTION_LINES = 50


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=True,
    )
    return [HOUSE / name for name in listed.stdout.splitlines() if (HOUSE / name).is_file()]


def _python() -> list[Path]:
    files = [HOUSE / "host.py", *(f for room in ROOMS for f in _tracked(f"{room}/*.py"))]
    assert len(files) > 50, "the listing failed: nothing would be checked"
    return files


def _functions(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.promise("house.sizes")
def test_no_file_outgrows_its_room() -> None:
    for file in _python():
        limit = FILE_LINES.get(file.relative_to(HOUSE).parts[0], DEFAULT_FILE_LINES)
        lines = len(file.read_text("utf-8").splitlines())
        assert lines <= limit, f"{file.relative_to(HOUSE)} has {lines} lines: split it into named rooms"


@pytest.mark.promise("house.sizes")
def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{file.relative_to(HOUSE)}:{name} ({lines})"
        for file in _python()
        for name, lines in _functions(file)
        if lines > FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.promise("house.names")
def test_nothing_is_called_by_a_name_that_says_nothing() -> None:
    empty = [f for f in _python() if BANNED_NAMES & {f.stem, *f.relative_to(HOUSE).parts[:-1]}]
    assert empty == []


@pytest.mark.promise("house.floors")
def test_the_floors_hold() -> None:
    told = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout[-3000:]
    assert "0 broken" in told.stdout


def test_a_breach_of_the_floors_is_seen(tmp_path: Path) -> None:
    """The check can fail: the same contracts over a copy with an upward import break."""
    for name in ("charter", "plugins"):
        subprocess.run(["cp", "-r", str(HOUSE / name), str(tmp_path)], check=True)
    (tmp_path / "pyproject.toml").write_text((HOUSE / "pyproject.toml").read_text("utf-8"))
    (tmp_path / "charter" / "context.py").open("a").write("\nimport charter.runs.run  # noqa\n")
    told = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert told.returncode != 0


@pytest.mark.promise("house.migrations")
def test_migrations_are_numbered_without_a_gap() -> None:
    names = sorted(f.name for f in (HOUSE / "charter/store/migrations").glob("*.sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_no_comment_puts_work_off() -> None:
    words = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    late = [str(f.relative_to(HOUSE)) for f in _python() if words.search(f.read_text("utf-8"))]
    assert late == []


@pytest.mark.promise("house.lock")
def test_the_locks_pin_by_hash_and_name_no_registry() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock"):
        text = (HOUSE / name).read_text("utf-8")
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9][^\n]*==", text, flags=re.MULTILINE | re.IGNORECASE)
        assert pins, f"{name} pins nothing"
        assert text.count("--hash=sha256:") >= len(pins)


@pytest.mark.promise("house.readme")
def test_every_room_that_people_extend_has_a_readme() -> None:
    for room in (".", "agents", "plugins", "infra"):
        assert (HOUSE / room / "README.md").is_file(), f"{room} has no README.md"


@pytest.mark.promise("house.readme")
def test_the_commands_that_readmes_show_exist() -> None:
    from charter.cli.main import main

    targets = set(re.findall(r"^([a-z-]+):", (HOUSE / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    for readme in (HOUSE / "README.md", *HOUSE.glob("*/README.md")):
        text = readme.read_text("utf-8")
        blocks = "\n".join(re.findall(r"```(?:sh|console|bash)\n(.*?)```", text, flags=re.DOTALL))
        for target in re.findall(r"^(?:\$ )?make ([a-z-]+)", blocks, flags=re.MULTILINE):
            assert target in targets, f"{readme.name} shows make {target}"
        for command in re.findall(r"\bcharter ([a-z]+)", blocks):
            assert command in main.commands, f"{readme} shows charter {command}"
