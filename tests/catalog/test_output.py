"""The form of an agent's answer, as ``charter check`` sees it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from charter.catalog.check import check
from charter.catalog.mistake import Mistake
from charter.catalog.spec import Catalog

WHOLE = Path(__file__).parent.parent / "data" / "whole"
GOOD: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["days", "parts"],
    "properties": {
        "days": {"type": ["integer", "null"], "minimum": 0},
        "parts": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": False, "required": [], "properties": {}},
        },
    },
}


def checked(folder: Path, schema: Any) -> tuple[Catalog | None, list[Mistake]]:
    home = folder / "agents" / "reporter"
    home.mkdir(parents=True)
    charter = {
        "owner": "desk@contoso.example",
        "acts_as": "caller",
        "functions": ["rates.*"],
        "output": {"schema": schema},
    }
    document = {
        "type": "chat_completion_agent", "name": "reporter", "description": "Reports what it is asked.",
        "instructions": "instructions.md", "charter": charter,
    }  # fmt: skip
    (home / "agent.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    (home / "instructions.md").write_text("You report.\n")
    return check([folder / "agents"], [WHOLE / "plugins"])


@pytest.mark.promise("catalog.form")
def test_a_form_that_every_maker_takes_is_the_agents(tmp_path: Path) -> None:
    catalog, mistakes = checked(tmp_path, GOOD)
    assert mistakes == []
    assert catalog is not None
    assert catalog.agents["reporter"].output == GOOD


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        inner = {"type": "object", "additionalProperties": False, "required": ["a"], "properties": {"a": inner}}
    return inner


@pytest.mark.promise("catalog.form")
@pytest.mark.parametrize(("schema", "message", "remedy"), [
    ({**GOOD, "type": "array"}, "must be an object", "`type: object`"),
    ({**GOOD, "anyOf": [{"type": "object"}]}, "must be an object", "`type: object`"),
    ({key: value for key, value in GOOD.items() if key != "additionalProperties"}, "is open", "additionalProperties: false"),
    ({**GOOD, "required": ["days"]}, "`parts` is not required", "to `required`"),
    ({**GOOD, "patternProperties": {"x": {}}}, "can be held to `patternProperties`", "Write `properties`"),
    ({**GOOD, "properties": {**GOOD["properties"], "days": {"allOf": []}}}, "held to `allOf`", "`anyOf`"),
    ({**GOOD, "properties": {**GOOD["properties"], "days": {"type": "whole"}}}, "no JSON Schema", "Mend"),
    ({**GOOD, "properties": {**GOOD["properties"], "days": "integer"}}, "A schema is expected", "a mapping"),
    (nested(7), "nested more than 5 deep", "flatter"),
    ({"type": "object", "additionalProperties": False, "required": [f"p{n}" for n in range(101)],
      "properties": {f"p{n}": {"type": "string"} for n in range(101)}}, "101 properties", "Keep to 100"),
    ({}, "empty or too short", "a JSON Schema"),
])  # fmt: skip
def test_a_form_that_some_maker_does_not_take_is_named_at_its_place(
    tmp_path: Path, schema: Any, message: str, remedy: str
) -> None:
    catalog, mistakes = checked(tmp_path, schema)
    assert catalog is None
    assert {each.file.name for each in mistakes} == {"agent.yaml"}
    assert any(message in each.message and remedy in each.remedy for each in mistakes), mistakes
