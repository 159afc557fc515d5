"""The form of an agent's answer: a JSON Schema that every maker of models takes, or a mistake where it is not.

Makers hold their models to a part of JSON Schema: closed objects whose properties are all required. What may be missing is
written as ``null``.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator

from charter.catalog.document import Document, Pointer
from charter.catalog.mistake import Mistake, closest

PLACE: Pointer = ("charter", "output", "schema")
_KEYS = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "description", "title",
        "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "multipleOf", "minItems", "maxItems", "uniqueItems",
    }
)  # fmt: skip
_DEPTH = 5
_PROPERTIES = 100


def schema_of(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of an agent's document that has no mistakes; ``None``: it answers in words."""
    output: Mapping[str, Any] | None = value["charter"].get("output")
    return output["schema"] if output else None


def faults(document: Document) -> Iterator[Mistake]:
    """Yield what is wrong with the form that an agent's document gives, if it gives one."""
    schema = schema_of(document.value)
    if schema is None:
        return
    if schema.get("type") != "object" or "anyOf" in schema:
        yield document.mistake(
            PLACE, "The form of an answer must be an object.", "Write `type: object` and its properties."
        )
    found = list(_of(document, schema, PLACE, 0))
    if not found and (many := _properties(schema)) > _PROPERTIES:
        found = [document.mistake(PLACE, f"The form has {many} properties.", f"Keep to {_PROPERTIES}.")]
    yield from found
    if not found:
        yield from _invalid(document, schema)


def _of(document: Document, schema: Any, place: Pointer, depth: int) -> Iterator[Mistake]:
    if not isinstance(schema, Mapping):
        yield document.mistake(place, "A schema is expected here.", "Write a mapping such as `{type: string}`.")
        return
    node = cast("Mapping[str, Any]", schema)
    if depth > _DEPTH:
        yield document.mistake(place, f"The form is nested more than {_DEPTH} deep.", "Make it flatter.")
        return
    for key in sorted(node.keys() - _KEYS):
        yield document.mistake((*place, key), f"Not every model can be held to `{key}`.", closest(key, _KEYS))
    if node.get("type") == "object" or "properties" in node:
        yield from _closed(document, node, place)
    yield from _inner(document, node, place, depth)


def _inner(document: Document, node: Mapping[str, Any], place: Pointer, depth: int) -> Iterator[Mistake]:
    for name, inner in _mapping(node.get("properties")).items():
        yield from _of(document, inner, (*place, "properties", name), depth + 1)
    if "items" in node:
        yield from _of(document, node["items"], (*place, "items"), depth + 1)
    several: Any = node.get("anyOf")
    for n, inner in enumerate(cast("list[Any]", several) if isinstance(several, list) else ()):
        yield from _of(document, inner, (*place, "anyOf", n), depth)


def _closed(document: Document, node: Mapping[str, Any], place: Pointer) -> Iterator[Mistake]:
    if node.get("additionalProperties") is not False:
        yield document.mistake(place, "The object is open.", "Add `additionalProperties: false`.")
    required: Any = node.get("required")
    named = set(cast("list[str]", required)) if isinstance(required, list) else set[str]()
    for name in _mapping(node.get("properties")):
        if name not in named:
            remedy = 'Add it to `required`; what may be missing is of `type: [string, "null"]`.'
            yield document.mistake((*place, "properties", name), f"`{name}` is not required.", remedy)


def _invalid(document: Document, schema: Mapping[str, Any]) -> Iterator[Mistake]:
    checker: Any = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    for error in checker.iter_errors(schema):
        place = (*PLACE, *error.absolute_path)
        yield document.mistake(place, f"This is no JSON Schema: {str(error.message)[:160]}.", "Mend this value.")


def _properties(schema: Any) -> int:
    if not isinstance(schema, Mapping):
        return 0
    node = cast("Mapping[str, Any]", schema)
    named = _mapping(node.get("properties"))
    several: Any = node.get("anyOf")
    inner = [*named.values(), node.get("items"), *(cast("list[Any]", several) if isinstance(several, list) else ())]
    return len(named) + sum(_properties(each) for each in inner)


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
