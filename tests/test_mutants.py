"""No mutant rots: each takes out a guard that stands today, and names tests that are there. None is run here."""

import ast
from collections import Counter
from functools import cache

import pytest

from tests.drills import mutants as drills
from tests.mutants import COPIED, HOUSE, Mutant, everywhere


@cache
def _mutants() -> tuple[Mutant, ...]:
    found = (*everywhere(), *drills.MUTANTS)
    assert len(found) > 500, "the listing failed: nothing would be checked"
    return found


@pytest.mark.promise("house.mutants")
def test_the_guard_of_every_mutant_stands_in_its_file() -> None:
    lost = {each.name: each.lost((HOUSE / each.file).read_text("utf-8")) for each in _mutants()}
    assert {name: fault for name, fault in lost.items() if fault} == {}


@pytest.mark.promise("house.mutants")
def test_a_guard_that_has_gone_or_stands_twice_is_seen() -> None:
    mutant = Mutant("no gate", "gate.py", "if denied:", "if False:", ("tests",))
    assert mutant.lost("if denied:\n    return\n") is None
    assert mutant.lost("if refused:\n    return\n") == "the guard stands 0 times in gate.py, not 1"
    assert mutant.lost("if denied:\n    return\n" * 2) == "the guard stands 2 times in gate.py, not 1"


def test_without_its_guard_a_file_can_still_be_read_by_python() -> None:
    """A mutant that does not even parse turns any test red."""
    for each in _mutants():
        if each.file.endswith(".py"):
            text = (HOUSE / each.file).read_text("utf-8").replace(each.guard, each.instead)
            try:
                ast.parse(text)
            except SyntaxError as fault:
                pytest.fail(f"{each.name}: {fault}")


@pytest.mark.promise("house.mutants")
def test_every_test_named_with_a_mutant_is_there() -> None:
    named = {(each.name, test) for each in _mutants() for test in each.tests}
    assert sorted((name, test) for name, test in named if not _there(test)) == []
    assert [each.name for each in _mutants() if not each.tests] == []


@cache
def _there(test: str) -> bool:
    path, _, function = test.partition("::")
    place = HOUSE / path
    if place.is_dir():
        return any(place.rglob("test_*.py"))
    return place.is_file() and function.partition("[")[0] in {"", *_functions(path)}


@cache
def _functions(path: str) -> frozenset[str]:
    tree = ast.parse((HOUSE / path).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_the_runner_finds_every_mutant_by_its_name_and_its_file_in_the_copy() -> None:
    several = Counter(each.name for each in _mutants())
    assert [name for name, times in several.items() if times > 1] == []
    assert [each.name for each in _mutants() if each.file.split("/")[0] not in COPIED] == []
    assert sorted((HOUSE / "tests").glob("*/*/**/*mutants.py")) == [], "the runner looks into the rooms of tests alone"
