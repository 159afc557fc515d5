"""Are the declared types of result fields those of the document? A wrong one would trust prose, or mistrust a number."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from charter.catalog.mistake import closest

_FITS = {
    "id": {"string", "integer"},
    "enum": {"string"},
    "number": {"number", "integer"},
    "date": {"string"},
    "boolean": {"boolean"},
    "money": {"object"},
}


def contradictions(declared: Mapping[str, str], result: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (field, message, remedy) where a declared field contradicts the result's schema; an unknown schema has none."""
    known = dict(_fields(result, result.get("$defs", {})))
    if not known:
        return
    for name, kind in declared.items():
        if name not in known:
            yield name, f"The answer has no field `{name}`.", closest(name, known)
        elif fault := _fault(kind, known[name]):
            yield name, f"`{name}` is declared as {kind}, but the document says {fault}.", _remedy(kind)


def _fault(kind: str, schema: Mapping[str, Any]) -> str:
    said: Any = schema.get("type", [])
    types = {said} if isinstance(said, str) else set(cast("list[str]", said))
    types.discard("null")
    if kind in _FITS and types and not types & _FITS[kind]:
        return " or ".join(sorted(types))
    if kind == "enum" and types and "enum" not in schema and "const" not in schema:
        return "any text"
    if kind == "money" and types and not {"minor", "currency"} <= schema.get("properties", {}).keys():
        return "an object without `minor` and `currency`"
    return ""


def _remedy(kind: str) -> str:
    return (
        "List its values as `enum` in the document, or declare it `untrusted`."
        if kind == "enum"
        else "Declare it as what it is, or `untrusted`."
    )


def _fields(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int = 0
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    # A field is declared by its name, wherever in the answer it stands.
    if depth > 12:
        return
    for name, inner in schema.get("properties", {}).items():
        yield name, inner
        yield from _fields(inner, definitions, depth + 1)
    inner_schemas = [schema["items"]] if isinstance(schema.get("items"), Mapping) else []
    for word in ("allOf", "oneOf", "anyOf"):
        inner_schemas.extend(schema.get(word, []))
    if str(schema.get("$ref", "")).startswith("#/$defs/"):
        inner_schemas.append(definitions.get(schema["$ref"].rsplit("/", 1)[-1], {}))
    for inner in inner_schemas:
        yield from _fields(inner, definitions, depth + 1)
