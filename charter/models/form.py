"""The form of an answer: a JSON Schema that every maker takes, and whether an answer has it.

Makers that hold their model to a schema take a part of JSON Schema only: closed objects whose properties are all
required, and few of the bounds. What they do not take is left out when they are asked, and checked here all the same.
https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas";
https://learn.microsoft.com/azure/ai-services/openai/how-to/structured-outputs, "Unsupported type-specific keywords".
"""

import re
from collections.abc import Mapping
from typing import Any, cast

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import relevance

_BOUNDS = frozenset(
    {
        "$schema", "$id", "title", "default", "examples", "minLength", "maxLength", "pattern", "format", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems",
    }
)  # fmt: skip
"""Keywords that one maker or another refuses; an answer is held to them here."""
_FENCED = re.compile(r"```(?:json)?\s*\n(.*)\n```", re.DOTALL)
_LONGEST = 300


class Unfit(Exception):
    """The answer has not the form. ``public`` says in a sentence what is wrong with it."""

    def __init__(self, public: str) -> None:
        super().__init__(public)
        self.public = public


def asked(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema as every maker takes it."""
    return {key: _asked(key, value) for key, value in schema.items() if key not in _BOUNDS}


def _asked(key: str, value: Any) -> Any:
    if key in {"properties", "$defs"} and isinstance(value, Mapping):
        named = cast("Mapping[str, Any]", value)
        return {name: asked(cast("Mapping[str, Any]", inner)) for name, inner in named.items()}
    if key == "items" and isinstance(value, Mapping):
        return asked(cast("Mapping[str, Any]", value))
    if key == "anyOf" and isinstance(value, list):
        return [asked(inner) for inner in cast("list[Mapping[str, Any]]", value)]
    return value


def read(text: str, schema: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the JSON text of an answer, out of a fence if it stands in one, and its value.

    Raises:
        Unfit: it is no JSON, or of another form.
    """
    fenced = _FENCED.fullmatch(text.strip())
    written = fenced[1] if fenced else text
    try:
        value: Any = orjson.loads(written)
    except orjson.JSONDecodeError as fault:
        raise Unfit("It is not JSON.") from fault
    if "\\u0000" in orjson.dumps(value).decode():
        raise Unfit("It holds a null character.")
    validator: Any = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    wrong: list[Any] = sorted(validator.iter_errors(value), key=relevance, reverse=True)
    if wrong:
        place = "/".join(map(str, wrong[0].absolute_path))
        raise Unfit(_short(f"At /{place}: {wrong[0].message}."))
    return written.strip(), value


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
