"""Is the manifest of the shape that Teams reads? Closed: nothing that this house does not write, and Microsoft's limits."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from charter.errors import FieldError

_SCHEMA = Path(__file__).parent / "manifest.schema.yaml"


def faults(manifest: Any) -> Iterator[FieldError]:
    """Yield each fault, where it is and what it must be."""
    validator = cast("Any", _validator())
    found = cast("list[ValidationError]", list(validator.iter_errors(manifest)))
    for error in sorted(found, key=_pointer):
        yield FieldError(_pointer(error), _sentence(error))


def longest(path: str) -> int | None:
    """Return how many characters a text may have; ``path`` is as files of other languages name it: ``name.short``."""
    told: Any = _validator().schema
    for part in path.replace("]", "").replace("[", ".[").split("."):
        told = told["items"] if part.startswith("[") else told.get("properties", {}).get(part)
        if told is None:
            return None
    return cast("int | None", told.get("maxLength"))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(yaml.safe_load(_SCHEMA.read_text("utf-8")))


def _pointer(error: ValidationError) -> str:
    return "/" + "/".join(str(part) for part in error.absolute_path)


def _sentence(error: ValidationError) -> str:
    told, limit = cast("Any", error.instance), cast("Any", error.validator_value)
    schema = cast("Mapping[str, Any]", error.schema)
    match error.validator:
        case "additionalProperties":
            return f"must not have {', '.join(sorted(set(told) - set(schema['properties'])))}"
        case "required":
            return f"must have {', '.join(name for name in limit if name not in told)}"
        case "maxLength":
            return f"must have at most {limit} characters, and has {len(told)}"
        case "maxItems" | "minItems":
            return (
                f"must have {'at most' if error.validator == 'maxItems' else 'at least'} {limit}, and has {len(told)}"
            )
        case "enum":
            return f"must be one of {', '.join(cast('Sequence[str]', limit))}"
        case "uniqueItems":
            return "must not have the same twice"
        case "pattern":
            return str(schema.get("remedy", "is not written as it must be"))
        case _:
            return f"must be of the type {limit}"
