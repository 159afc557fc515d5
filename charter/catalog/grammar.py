"""The shape of our YAML files: JSON Schemas that stand beside this file, and their faults in plain words.

A schema may say ``remedy``: the sentence that tells what to write instead; and ``private``: what was written is not
repeated, for it may be a secret.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from jsonschema import Draft202012Validator

from charter.catalog.document import Document
from charter.catalog.mistake import Mistake, closest

Grammar = Literal["agent", "plugin", "evals"]

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@cache
def _validator(name: Grammar) -> Any:
    schema: Any = yaml.safe_load((Path(__file__).parent / f"{name}.schema.yaml").read_text("utf-8"))
    return Draft202012Validator(schema)


def conform(document: Document, grammar: Grammar) -> list[Mistake]:
    """Return every place where the file does not have the shape of its grammar."""
    return [mistake for error in _validator(grammar).iter_errors(document.value) for mistake in _told(document, error)]


def _told(document: Document, error: Any) -> Iterator[Mistake]:
    place = tuple(error.absolute_path)
    schema: Mapping[str, Any] = error.schema
    match error.validator:
        case "additionalProperties":
            known = schema.get("properties", {})
            for key in error.instance:
                if key not in known:
                    yield document.mistake((*place, key), f"The key `{key}` is unknown here.", closest(key, known))
        case "required":
            name = next(name for name in error.validator_value if f"'{name}'" in error.message)
            asked = schema.get("properties", {}).get(name, {})
            yield document.mistake(place, f"The key `{name}` is missing.", asked.get("remedy", f"Add `{name}:`."))
        case "enum" | "const":
            allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
            written = _short(error.instance)
            yield document.mistake(place, f"`{written}` does not fit here.", _meant(written, allowed, schema))
        case "pattern" if "propertyNames" in error.absolute_schema_path:
            remedy = schema.get("remedy", "Write another name.")
            yield document.mistake((*place, error.instance), f"`{_short(error.instance)}` is no name.", remedy)
        case _:
            yield document.mistake(place, _sentence(error), schema.get("remedy", "Mend this value."))


def _sentence(error: Any) -> str:
    name = f"`{error.absolute_path[-1]}`" if error.absolute_path else "This file"
    match error.validator:
        case "type":
            kinds = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
            return f"{name} must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds)}."
        case "minItems" | "minProperties" | "minLength":
            return f"{name} is empty or too short."
        case "maxItems" | "maxLength":
            return f"{name} is too long."
        case "pattern" if error.schema.get("private"):
            return f"What is written does not have the form of {name}."
        case "pattern":
            return f"`{_short(error.instance)}` does not have the form of {name}."
        case _:
            return f"{name} does not fit: {_short(error.message, 160)}."


def _short(value: Any, limit: int = 60) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _meant(written: str, allowed: Sequence[Any], schema: Mapping[str, Any]) -> str:
    near = closest(written, map(str, allowed))
    return near if near.startswith("Write") else schema.get("remedy", near)
