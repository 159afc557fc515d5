"""The arguments a model wrote, held against the function's schema before anything else looks at them."""

from collections.abc import Mapping
from typing import Any, cast

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from charter.catalog.spec import FunctionSpec

LIMIT = 64_000
"""Characters of JSON that a model may write for one call."""


class InvalidArguments(Exception):
    """The arguments do not fit. ``public`` tells the model what to write instead."""

    def __init__(self, public: str) -> None:
        super().__init__(public)
        self.public = public


def validated(function: FunctionSpec, raw: str) -> dict[str, Any]:
    """Return the arguments that ``raw`` (JSON text of a model; empty: none) holds.

    Raises:
        InvalidArguments: not one JSON object, an unknown argument, or one that does not fit the schema.
    """
    if len(raw) > LIMIT:
        raise InvalidArguments(f"The arguments of {function.full_name} are longer than {LIMIT:,} characters.")
    try:
        arguments: Any = orjson.loads(raw.strip() or "{}")
    except orjson.JSONDecodeError as fault:
        raise InvalidArguments(f"The arguments of {function.full_name} are not JSON.") from fault
    if not isinstance(arguments, dict):
        raise InvalidArguments(f"The arguments of {function.full_name} must be one JSON object.")
    check(function, cast("dict[str, Any]", arguments))
    return cast("dict[str, Any]", arguments)


def check(function: FunctionSpec, arguments: Mapping[str, Any]) -> None:
    """Hold decoded arguments against the schema; arguments that it does not name are refused even where it is open.

    Raises:
        InvalidArguments: see above; also where the schema itself cannot be applied.
    """
    known = function.parameters.get("properties", {})
    if unknown := sorted(arguments.keys() - known.keys()):
        takes = ", ".join(known) or "no arguments"
        raise InvalidArguments(f"{function.full_name} has no argument {_cut(repr(unknown[0]))}; it takes {takes}.")
    try:
        unstorable = b"\\u0000" in orjson.dumps(arguments)
        validator: Any = Draft202012Validator(function.parameters, format_checker=Draft202012Validator.FORMAT_CHECKER)
        fault = next(iter(validator.iter_errors(arguments)), None)
    except Exception as broken:
        # A schema that cannot be applied permits nothing.
        raise InvalidArguments(f"The arguments of {function.full_name} cannot be checked.") from broken
    if unstorable:
        raise InvalidArguments(f"The arguments of {function.full_name} hold a null character.")
    if fault is not None:
        raise InvalidArguments(_sentence(function, fault))


def _sentence(function: FunctionSpec, fault: ValidationError) -> str:
    path = ".".join(str(part) for part in fault.absolute_path)
    where = f"The argument {path} of {function.full_name}" if path else f"The call of {function.full_name}"
    return f"{where} is wrong: {_cut(fault.message)}."


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
