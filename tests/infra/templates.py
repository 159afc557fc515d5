"""The Bicep templates of a folder, parsed, with what is needed to ask about them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from pycep import BicepParser
from pycep.models import BicepElement

INTERPOLATED = re.compile(r"\$\{([\w.]+)\}")


@dataclass(frozen=True)
class Resource:
    """``config`` is the body alone: of a loop or a conditional resource, too."""

    file: Path
    symbol: str
    type: str
    version: str
    config: Mapping[str, Any]

    def at(self, *names: str) -> Any:
        """Return what stands at a place in the body, or nothing."""
        found: Any = self.config
        for name in names:
            found = found.get(name, found.get(f"'{name}'")) if isinstance(found, dict) else None
        return found

    def __str__(self) -> str:
        return f"{self.file.name}: {self.symbol}"


@dataclass(frozen=True)
class Template:
    file: Path
    text: str
    tree: Mapping[str, Any] = field(repr=False)

    def section(self, name: str) -> Mapping[str, Any]:
        return self.tree.get(name) or {}

    @cached_property
    def resources(self) -> list[Resource]:
        """Return what the template deploys; what it only refers to (``existing``) is left out."""
        return [
            Resource(self.file, symbol, told["type"], told["api_version"], body(told["config"]))
            for symbol, told in self.section("resources").items()
            if not told["existing"]
        ]


def body(config: Any) -> Any:
    """Take the loop and the condition off."""
    while isinstance(config, dict) and "config" in config and config.keys() & {"loop_type", "condition"}:
        config = config["config"]
    return config


def is_expression(value: Any) -> bool:
    """Whether only Azure knows what this will be."""
    call = isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"operator", "function"}
    return call or isinstance(value, BicepElement) or (isinstance(value, str) and "${" in value)


@cache
def _parser() -> BicepParser:
    return BicepParser()


@cache
def _parsed(text: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", _parser().parse(text=text))


def read(folder: Path) -> dict[str, Template]:
    """Parse every template beneath the folder, by its path there. A folder without templates proves nothing."""
    found: dict[str, Template] = {}
    for file in sorted(folder.rglob("*.bicep")):
        text = file.read_text("utf-8")
        found[str(file.relative_to(folder))] = Template(file, text, _parsed(text))
    assert found, f"there is no template in {folder}"
    return found


def strings(value: Any) -> Iterator[str]:
    """Yield every string in a tree, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


@dataclass(frozen=True)
class Scope:
    """Works a value out as Azure would; what only Azure knows becomes the name of it in angle brackets."""

    template: Template
    parameters: Mapping[str, Any]

    def value(self, told: Any) -> Any:
        if isinstance(told, BicepElement):
            return self._named(str(told))
        if isinstance(told, str):
            return INTERPOLATED.sub(lambda found: str(self._dotted(found[1])), told)
        if isinstance(told, list):
            return [self.value(inner) for inner in told]
        if isinstance(told, dict) and told.keys() == {"function"}:
            return self._called(told["function"])
        if isinstance(told, dict) and told.keys() == {"operator"}:
            return self._dotted(".".join(_path(told)))
        if isinstance(told, dict):
            return {key: self.value(inner) for key, inner in told.items()}
        return told

    def _called(self, call: Mapping[str, Any]) -> Any:
        given = [self.value(part) for part in call["parameters"].values() if part is not None]
        match call["type"]:
            case "string":
                return given[0] if isinstance(given[0], str) else json.dumps(given[0])
            case "replace":
                return given[0].replace(given[1], given[2])
            case "json":
                return json.loads(given[0])
            case "load_json_content":
                return json.loads((self.template.file.parent / given[0]).read_text("utf-8"))
            case other:
                raise AssertionError(f"{self.template.file.name} calls {other}, which this check cannot work out")

    def _named(self, name: str) -> Any:
        if name in self.parameters:
            return self.parameters[name]
        variables = self.template.section("variables")
        return self.value(variables[name]["value"]) if name in variables else f"<{name}>"

    def _dotted(self, path: str) -> Any:
        first, *rest = path.split(".")
        found = self._named(first)
        for name in rest:
            found = found[name] if isinstance(found, dict) else f"<{path}>"
        return found


def _path(told: Any) -> Iterator[str]:
    if isinstance(told, dict) and told.keys() == {"operator"} and told["operator"]["type"] == "property_accessor":
        operands = told["operator"]["operands"]
        yield from _path(operands["operand_1"])
        yield from _path(operands["operand_2"])
    elif isinstance(told, str):
        yield str(told)
    else:
        raise AssertionError(f"not a name that can be worked out: {told}")
