"""JSON arguments as the typed values that Cedar decides on: integers, strings, booleans, sets, records, decimals."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

_LONG = 2**63
_DEEPEST = 32


class Untypable(Exception):
    """Cedar has no value for this; the sentence says which argument and why."""


def record(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``arguments`` in Cedar's JSON form; nulls are dropped, so that ``has`` tells whether a value was given.

    An argument that ``schema`` calls a ``number`` becomes a Cedar decimal (at most four places), whole numbers too, so
    that a policy meets one type; other integers are Cedar longs.

    Raises:
        Untypable: a float that is no decimal of four places, an integer over 64 bits, a key that Cedar would read as
            an escape (``__entity``: it would let an argument pose as a role), or nesting too deep to judge.
    """
    return cast("dict[str, Any]", _value(arguments, schema, "arguments", 0))


def _value(value: Any, schema: Mapping[str, Any], where: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise Untypable(f"{where} is nested too deep for a policy to judge.")
    match value:
        case bool() | str():
            return value
        case int() | float():
            return _number(value, schema, where)
        case Mapping():
            return _fields(cast("Mapping[str, Any]", value), schema, where, depth)
        case list() | tuple():
            inner = _schema(schema.get("items"))
            items = cast("Sequence[Any]", value)
            return [_value(item, inner, where, depth + 1) for item in items if item is not None]
        case _:
            raise Untypable(f"{where} has a value that a policy cannot judge.")


def _fields(value: Mapping[str, Any], schema: Mapping[str, Any], where: str, depth: int) -> dict[str, Any]:
    if escape := next((name for name in value if name.startswith("__")), None):
        raise Untypable(f"{where} has the field {escape[:40]}, and such names are reserved.")
    known = _schema(schema.get("properties"))
    return {
        name: _value(inner, _schema(known.get(name)), f"{where}.{name}", depth + 1)
        for name, inner in value.items()
        if inner is not None
    }


def _schema(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _kind(schema: Mapping[str, Any]) -> Any:
    said: Any = schema.get("type")
    if not isinstance(said, list):
        return said
    kinds = [kind for kind in cast("list[Any]", said) if kind != "null"]
    return kinds[0] if len(kinds) == 1 else None


def _number(value: int | float, schema: Mapping[str, Any], where: str) -> Any:
    kind = _kind(schema)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and kind != "number":
        if not -_LONG <= value < _LONG:
            raise Untypable(f"{where} is too large a number for a policy to judge.")
        return value
    exact = Decimal(repr(value))
    if not exact.is_finite() or abs(exact) >= _LONG // 10_000 or exact != round(exact, 4):
        raise Untypable(f"{where} is a number with more than four decimal places, or too large, for a policy to judge.")
    return {"__extn": {"fn": "decimal", "arg": f"{exact:.4f}"}}
