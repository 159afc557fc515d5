"""Which JSON Schemas a maker can hold its model to, and what it says of the others. Pure.

Source: "Supported schemas" of https://platform.openai.com/docs/guides/structured-outputs and "Unsupported type-specific
keywords" of https://learn.microsoft.com/azure/ai-services/openai/how-to/structured-outputs; the stricter of the two.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

_KNOWN = frozenset(
    {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "description",
        "$ref",
        "$defs",
    }
)
_DEPTH = 5
_PROPERTIES = 100


def loose(schema: Any) -> Iterator[str]:
    """Yield what the maker says of a schema that it cannot hold its model to; nothing: it can."""
    if not isinstance(schema, Mapping) or cast("Mapping[str, Any]", schema).get("type") != "object":
        yield "schema must be a JSON Schema of 'type: \"object\"'."
        return
    if "anyOf" in schema:
        yield "schema must not have 'anyOf' at the top level."
    if (many := _properties(schema)) > _PROPERTIES:
        yield f"Expected at most {_PROPERTIES} total properties in the schema, but got {many}."
    yield from _loose(cast("Mapping[str, Any]", schema), (), 0)


def _properties(schema: Any) -> int:
    if isinstance(schema, Mapping):
        node = cast("Mapping[str, Any]", schema)
        own = len(node["properties"]) if isinstance(node.get("properties"), Mapping) else 0
        return own + sum(_properties(inner) for inner in node.values())
    return sum(_properties(inner) for inner in cast("list[Any]", schema)) if isinstance(schema, list) else 0


def _loose(schema: Mapping[str, Any], place: tuple[str, ...], depth: int) -> Iterator[str]:
    context = f"In context={place!r}, "
    if unknown := sorted(schema.keys() - _KNOWN):
        yield f"{context}'{unknown[0]}' is not permitted."
    if depth > _DEPTH:
        yield f"{context}{depth} levels of nesting exceeds limit of {_DEPTH}."
        return
    if schema.get("type") == "object" or "object" in (schema.get("type") or ()):
        yield from _open(schema, context)
    for name, inner in cast("Mapping[str, Any]", schema.get("properties") or {}).items():
        yield from _loose(inner, (*place, "properties", name), depth + 1)
    for name, inner in cast("Mapping[str, Any]", schema.get("$defs") or {}).items():
        yield from _loose(inner, ("$defs", name), depth)
    if isinstance(schema.get("items"), Mapping):
        yield from _loose(schema["items"], (*place, "items"), depth + 1)
    for n, inner in enumerate(schema.get("anyOf") or ()):
        yield from _loose(inner, (*place, "anyOf", str(n)), depth)


def _open(schema: Mapping[str, Any], context: str) -> Iterator[str]:
    if schema.get("additionalProperties") is not False:
        yield f"{context}'additionalProperties' is required to be supplied and to be false."
    named, required = cast("Mapping[str, Any]", schema.get("properties") or {}), schema.get("required") or ()
    missing = sorted(named.keys() - set(cast("list[str]", required)))
    if missing:
        yield (
            f"{context}'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{missing[0]}'."
        )
