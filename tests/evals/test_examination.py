"""The examination itself, and that assistance alone passes it."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.evals import embedded, exam
from tests.evals.exam import HERE, SHIPPED

CATEGORIES = ("single", "missing_arguments", "typos", "no_tool", "multi_step", "german")


def _sentences(text: str) -> set[str]:
    """Return the sentences of three words or more, numbers and marks apart: 'INC-1001' and 'INC-1002' are one."""
    plain = (
        re.sub(r"\d+", "#", re.sub(r"[^\w#]+", " ", one.casefold())).strip() for one in re.split(r"[.!?;]\s+", text)
    )
    return {one for one in plain if len(one.split()) > 2}


def test_the_examination_is_broad() -> None:
    counts = Counter(prompt["category"] for prompt in exam.paper("prompts").prompts)
    assert sum(counts.values()) >= 72
    assert all(counts[category] >= 12 for category in (*CATEGORIES, "added_plugin")), counts


def test_no_prompt_shares_a_sentence_with_what_the_model_is_shown() -> None:
    catalog = exam.catalog(SHIPPED, HERE / "plugin")
    functions = [function for plugin in catalog.plugins.values() for function in plugin.functions.values()]
    shown = {sentence for function in functions for example in function.examples for sentence in _sentences(example)}
    practised = {sentence for prompt in exam.paper("practice").prompts for sentence in _sentences(prompt["text"])}
    for prompt in exam.paper("prompts").prompts:
        for text in (prompt["text"], prompt.get("answer", "")):
            assert not _sentences(text) & (shown | practised), prompt["id"]


def test_every_expected_call_is_of_a_function_that_is_there_with_arguments_it_has() -> None:
    for name, folder in (("prompts", "plugin"), ("practice", "practice")):
        catalog = exam.catalog(SHIPPED, HERE / folder)
        for prompt in exam.paper(name).prompts:
            for call in prompt["calls"]:
                function = catalog.function(call["function"])
                known = function.parameters.get("properties", {})
                assert set(call["arguments"]) <= set(known), prompt["id"]
                given = set(call["arguments"]) | set(exam.paper(name).free.get(call["function"], ()))
                assert set(function.parameters.get("required", ())) <= given, prompt["id"]


@pytest.mark.parametrize(
    ("calls", "right"),
    [
        ([("p.a", {"x": "one two"}), ("p.b", {})], (True, True)),
        ([("p.a", {"x": "One Two."}), ("p.b", {"note": "free"})], (True, True)),
        ([("p.a", {"x": "one two"}), ("p.b", {"y": 1})], (True, False)),
        ([("p.a", {"x": "one"}), ("p.b", {})], (True, False)),
        ([("p.a", {}), ("p.b", {})], (True, False)),
        ([("p.b", {}), ("p.a", {"x": "one two"})], (False, False)),
        ([("p.a", {"x": "one two"})], (False, False)),
        ([], (False, False)),
    ],
)
def test_the_examiner_is_strict(calls: list[tuple[str, dict[str, object]]], right: tuple[bool, bool]) -> None:
    prompt = {"calls": [{"function": "p.a", "arguments": {"x": "one two"}}, {"function": "p.b", "arguments": {}}]}
    assert exam.judged(prompt, calls, {"p.b": ["note"]}) == right


@pytest.mark.promise("models.assistance")
async def test_assistance_alone_passes(tmp_path: Path) -> None:
    marks = await embedded.examine("assistance", exam.paper("prompts"), [SHIPPED, HERE / "plugin"], tmp_path)
    table = embedded.summary(marks)
    assert len(marks) == len(exam.paper("prompts").prompts)
    assert embedded.passed("assistance", table), table
    assert table["no_tool"]["function"] == table["no_tool"]["prompts"], "no function may be called for small talk"
