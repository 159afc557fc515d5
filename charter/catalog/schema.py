"""A schema of an OpenAPI 3.0 or 3.1 document as a closed JSON Schema (draft 2020-12) that stands on its own."""

from collections.abc import Mapping
from typing import Any, cast

from charter.catalog.document import Document, Pointer
from charter.catalog.mistake import Mistake

_KEPT = frozenset(
    {
        "type", "enum", "const", "format", "pattern", "description", "title", "default", "properties", "required", "items",
        "prefixItems", "additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "allOf", "oneOf",
        "anyOf", "not", "patternProperties", "propertyNames",
    }
)  # fmt: skip
_DEPTH = 24


class Unusable(Exception):
    """A part of the document that cannot be offered to a model."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


class Schemas:
    """Makes schemas of one document stand alone: references are resolved, recursive ones kept under ``$defs``."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: list[str] = []
        self.definitions: dict[str, Any] = {}

    def target(self, node: Any, place: Pointer) -> tuple[Mapping[str, Any], Pointer]:
        """Follow ``$ref`` until something stands there.

        Raises:
            Unusable: the reference leads out of the document, in a circle, or nowhere.
        """
        for _ in range(_DEPTH):
            if not isinstance(node, Mapping):
                raise Unusable(self._document.mistake(place, "A mapping is expected here.", "Write the object out."))
            mapping = cast("Mapping[str, Any]", node)
            if "$ref" not in mapping:
                return mapping, place
            node, place = self._follow(str(mapping["$ref"]), place)
        raise Unusable(self._document.mistake(place, "This `$ref` leads in a circle.", "Point it at a definition."))

    def _follow(self, ref: str, place: Pointer) -> tuple[Any, Pointer]:
        if not ref.startswith("#/"):
            raise Unusable(
                self._document.mistake(
                    (*place, "$ref"), f"`{ref}` leads out of this document.", "Copy the definition into `components`."
                )
            )
        parts = tuple(
            part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            for part in ref[2:].split("/")
        )
        node = self._document.value
        for part in parts:
            if not isinstance(node, Mapping) or part not in node:
                raise Unusable(
                    self._document.mistake(
                        (*place, "$ref"), f"`{ref}` leads nowhere.", "Point it at a definition that is there."
                    )
                )
            node = cast("Mapping[str, Any]", node)[part]
        return node, parts

    def closed(self, node: Any, place: Pointer) -> dict[str, Any]:
        """Return the schema, resolved and closed: an object takes only the properties it names.

        Raises:
            Unusable: as ``target``.
        """
        if isinstance(node, Mapping) and "$ref" in node:
            return self._referred(cast("Mapping[str, Any]", node), place)
        if isinstance(node, bool):
            return {} if node else {"not": {}}
        mapping, place = self.target(node, place)
        found = {key: self._part(key, value, (*place, key)) for key, value in mapping.items() if key in _KEPT}
        _older(found, mapping)
        return _close(_merged(found))

    def _referred(self, node: Mapping[str, Any], place: Pointer) -> dict[str, Any]:
        ref = str(node["$ref"])
        name = ref.rsplit("/", 1)[-1]
        if ref in self._open:
            self.definitions.setdefault(name, {})
            return {"$ref": f"#/$defs/{name}"}
        target, there = self._follow(ref, place)
        self._open.append(ref)
        try:
            found = self.closed(target, there)
        finally:
            self._open.pop()
        if name in self.definitions:
            self.definitions[name] = found
            return {"$ref": f"#/$defs/{name}"}
        return {**found, "description": node["description"]} if "description" in node else found

    def _part(self, key: str, value: Any, place: Pointer) -> Any:
        if key in {"properties", "patternProperties"} and isinstance(value, Mapping):
            items = cast("Mapping[str, Any]", value).items()
            return {name: self.closed(inner, (*place, name)) for name, inner in items if not _read_only(inner)}
        if key in {"items", "not", "propertyNames", "additionalProperties"} and isinstance(value, Mapping | bool):
            return value if isinstance(value, bool) else self.closed(value, place)
        if key in {"allOf", "oneOf", "anyOf", "prefixItems"} and isinstance(value, list):
            return [self.closed(inner, (*place, n)) for n, inner in enumerate(cast("list[Any]", value))]
        return value


def _read_only(node: Any) -> bool:
    return isinstance(node, Mapping) and bool(cast("Mapping[str, Any]", node).get("readOnly"))


def _older(found: dict[str, Any], node: Mapping[str, Any]) -> None:
    """Turn what OpenAPI 3.0 says otherwise into today's words: ``nullable`` and boolean exclusive limits."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(found.get(exclusive), bool) and found.pop(exclusive) and bound in found:
            found[exclusive] = found.pop(bound)
    if node.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if "enum" in found and None not in found["enum"]:
            found["enum"] = [*found["enum"], None]


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """Join the parts of an ``allOf`` of objects into one object, so that it can be closed and its fields be named."""
    parts: list[dict[str, Any]] = schema.get("allOf", [])
    if not parts or not all(
        part.keys() <= {"type", "properties", "required", "description", "title", "additionalProperties"}
        for part in parts
    ):
        if len(parts) == 1:
            return {**parts[0], **{key: value for key, value in schema.items() if key != "allOf"}}
        return schema
    joined = {key: value for key, value in schema.items() if key != "allOf"}
    joined["type"] = "object"
    properties: dict[str, Any] = {}
    for part in (*parts, schema):
        properties |= part.get("properties", {})
    joined["properties"] = properties
    required = [name for part in (*parts, schema) for name in part.get("required", [])]
    joined["required"] = [name for name in dict.fromkeys(required) if name in properties]
    return joined


def _close(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    if properties is None:
        return schema
    schema.setdefault("type", "object")
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name in properties]
    if not isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = False
    return schema
