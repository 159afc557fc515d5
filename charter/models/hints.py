"""From the catalog to what a small model needs to know of each function."""

from charter.catalog.spec import ArgumentSpec, Catalog, FunctionSpec
from charter.models.chat import Hint


def hints(catalog: Catalog) -> list[Hint]:
    """Return a hint for every function of the catalog."""
    return [_hint(function) for plugin in catalog.plugins.values() for function in plugin.functions.values()]


def _hint(function: FunctionSpec) -> Hint:
    return Hint(
        wire_name=function.wire_name,
        description=function.description,
        effect=function.effect,
        examples=function.examples,
        arguments={name: _argument(spec) for name, spec in function.arguments.items()},
        receipt=function.receipt,
        retrieval=function.retrieval,
    )


def _argument(spec: ArgumentSpec) -> dict[str, object]:
    return {
        "role": spec.role,
        "slot": spec.slot,
        "pattern": spec.pattern,
        "synonyms": dict(spec.synonyms),
        "ask": spec.ask,
    }
