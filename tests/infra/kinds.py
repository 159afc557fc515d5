"""Do the resources' bodies fit the types that Azure publishes? Names, types, enumerations, what is required or read-only."""

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pycep.models import BicepElement

from tests.infra.templates import Template, body, is_expression

TYPES = Path(__file__).resolve().parent.parent.parent / "infra" / "types"

UNCHECKED = {
    "Microsoft.Insights/diagnosticSettings": "Neither the Azure MCP server nor azure-mgmt-monitor carries it.",
}
"""Types whose bodies nobody here can check, with the reason: never silently."""

_LANGUAGE = {"scope", "parent", "dependsOn"}
_PLAIN = {"string", "int", "bool", "any", "object"}


@cache
def known(name: str) -> Mapping[str, Any] | None:
    file = TYPES / (name.replace("/", "_") + ".json")
    return json.loads(file.read_text("utf-8")) if file.is_file() else None


def mistakes(template: Template) -> Iterator[str]:
    for resource in template.resources:
        told = known(resource.type)
        if told is None:
            if resource.type not in UNCHECKED:
                yield f"{resource}: the type {resource.type} is not known; run make infra-types"
            continue
        if told["version"] != resource.version:
            yield f"{resource}: {resource.type}@{resource.version} is checked against {told['version']}"
        for sentence in _Body(template, told["objects"]).against("", resource.config, top=True):
            yield f"{resource}: {sentence}"


class _Body:
    def __init__(self, template: Template, objects: Mapping[str, Any]) -> None:
        self._objects = objects
        self._parameters = template.section("parameters")
        self._variables = template.section("variables")

    def against(self, name: str, value: Mapping[str, Any], path: str = "", *, top: bool = False) -> Iterator[str]:
        told = self._objects[name]
        if told.get("open"):
            return
        properties = told["properties"]
        for key, inner in value.items():
            plain, place = key.strip("'"), f"{path}.{key}".lstrip(".")
            if plain in properties:
                yield from self._property(properties[plain], inner, place)
            elif "additional" in told:
                yield from self._fits(told["additional"], inner, place)
            elif not (top and plain in _LANGUAGE):
                yield f"{place} is no property{_near(plain, properties)}"
        for key, rule in properties.items():
            if rule.get("required") and key not in {k.strip("'") for k in value}:
                yield f"{path}.{key} is missing".lstrip(".")

    def _property(self, rule: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
        if rule.get("readonly"):
            yield f"{place} can only be read"
        else:
            yield from self._fits(rule["type"], value, place)

    def _fits(self, kind: str, value: Any, place: str) -> Iterator[str]:
        value = self._known(value)
        kinds = {part.strip() for part in kind.split("|")}
        if value is None or "any" in kinds or "object" in kinds:
            return
        if isinstance(value, dict) and "loop_type" in value:
            value = [body(value)]
        if isinstance(value, BicepElement) and str(value) in self._parameters:
            yield from self._declared(kind, self._parameters[str(value)]["type"], place)
        elif is_expression(value):
            return
        elif isinstance(value, list):
            yield from self._list(kind, value, place)
        elif isinstance(value, dict):
            yield from self._object(kind, value, place)
        else:
            yield from _plain(kinds, value, place)

    def _known(self, value: Any) -> Any:
        if isinstance(value, BicepElement) and str(value) in self._variables:
            return self._variables[str(value)]["value"]
        return value

    def _declared(self, kind: str, declared: str, place: str) -> Iterator[str]:
        wanted = "array" if kind.endswith("[]") else "object" if kind in self._objects else kind
        plain = {"string", "int", "bool"} & {part.strip() for part in wanted.split("|")}
        fits = declared == wanted or declared in plain or (not plain and wanted not in {"array", "object"})
        if not fits and not (declared == "string" and "|" in kind):
            yield f"{place} wants {kind}, and the parameter is {declared}"

    def _list(self, kind: str, value: list[Any], place: str) -> Iterator[str]:
        if not kind.endswith("[]"):
            yield f"{place} wants {kind}, not a list"
            return
        for index, inner in enumerate(value):
            yield from self._fits(kind[:-2].strip("()"), inner, f"{place}[{index}]")

    def _object(self, kind: str, value: Mapping[str, Any], place: str) -> Iterator[str]:
        if kind in self._objects:
            yield from self.against(kind, value, place)
        else:
            yield f"{place} wants {kind}, not an object"


def _plain(kinds: set[str], value: object, place: str) -> Iterator[str]:
    found = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "string"
    named = kinds - _PLAIN
    if found == "string" and named and not any(kind.endswith("[]") for kind in named):
        # Azure leaves its enumerations open for later values; ours are written today.
        if value not in named:
            yield f"{place} is {value!r}, none of {', '.join(sorted(named))}{_near(str(value), named)}"
    elif found not in kinds:
        yield f"{place} wants {' or '.join(sorted(kinds))}, not {value!r}"


def _near(word: str, words: Any) -> str:
    near = difflib.get_close_matches(word, list(words), 1)
    return f"; did you mean {near[0]}?" if near else ""
