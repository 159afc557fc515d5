"""Each promise is held by a test, and each test that names a promise names one of ours."""

import ast
from pathlib import Path

from tests.requirements import PROMISES

TESTS = Path(__file__).resolve().parent


def _named() -> dict[str, list[str]]:
    """Return promise id → tests marked with it, read from the sources so that nothing needs to run."""
    found: dict[str, list[str]] = {}
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for mark in getattr(node, "decorator_list", []):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promise":
                    for argument in mark.args:
                        assert isinstance(argument, ast.Constant)
                        found.setdefault(str(argument.value), []).append(f"{file.name}::{node.name}")
    return found


def test_every_promise_has_a_test() -> None:
    assert sorted(PROMISES.keys() - _named().keys()) == []


def test_every_test_that_names_a_promise_names_one_of_ours() -> None:
    assert sorted(_named().keys() - PROMISES.keys()) == []


def test_a_promise_is_one_sentence() -> None:
    for name, sentence in PROMISES.items():
        assert sentence.endswith("."), name
        assert "\n" not in sentence, name
