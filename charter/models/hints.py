"""What the catalog says of a function, as the embedded model wants it."""

from collections.abc import Mapping
from typing import Any

from charter.catalog.spec import ArgumentSpec, Catalog, FunctionSpec
from charter.models.chat import Hint


def hints_of(catalog: Catalog) -> tuple[Hint, ...]:
    """Return a hint for every function of every plugin."""
    return tuple(hint_of(function) for plugin in catalog.plugins.values() for function in plugin.functions.values())


def hint_of(function: FunctionSpec) -> Hint:
    return Hint(
        wire_name=function.wire_name,
        description=function.description,
        effect=function.effect,
        examples=function.examples,
        arguments={name: _plain(spec) for name, spec in function.arguments.items()},
        receipt=function.receipt,
        retrieval=function.retrieval,
    )


def _plain(spec: ArgumentSpec) -> Mapping[str, Any]:
    known = {"role": spec.role, "slot": spec.slot, "pattern": spec.pattern, "ask": spec.ask}
    synonyms = {value: tuple(words) for value, words in spec.synonyms.items()}
    return {key: value for key, value in known.items() if value} | ({"synonyms": synonyms} if synonyms else {})
