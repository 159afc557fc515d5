"""The words of the assistance: short and plain. What was done is said by receipts, what is laid down by quotations."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.models.conversation import Finished
from charter.models.embedded.function import Function
from charter.models.embedded.planning import Step
from charter.models.embedded.quoting import nothing, quote
from charter.models.embedded.receipts import Receipts
from charter.models.embedded.smalltalk import ANSWERS
from charter.models.embedded.vectors import Sentences

SHOWN_EXAMPLES = 4


def done(finished: Finished, functions: Mapping[str, Function], receipts: Receipts, engine: Sentences) -> str:
    """Return what is to be said of one finished call."""
    if finished.error:
        return finished.error
    function = functions.get(finished.name)
    if function and function.hint.retrieval:
        passages = passages_of(finished.result)
        query = str(finished.arguments.get("query") or "")
        return quote(query, passages, engine) if passages else nothing(query)
    return receipts.receipt(function.hint if function else None, finished.name, finished.arguments, finished.result)


def passages_of(result: Any) -> Sequence[Mapping[str, Any]]:
    """Return the passages that a retrieval found; none where its result has another shape."""
    passages: Any = result.get("passages") if isinstance(result, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return passages if isinstance(passages, list) else ()  # pyright: ignore[reportUnknownVariableType]


def question(step: Step) -> str:
    """Ask for all that is missing, in the words of the plugin."""
    return " ".join(dict.fromkeys(argument.ask for argument in step.missing))


def asks_back(answered: str, functions: Sequence[Function]) -> bool:
    """Tell whether an earlier answer was such a question."""
    return any(argument.ask in answered for function in functions for argument in function.required)


def left_out(steps: Sequence[Step]) -> str:
    """Say which calls were not made after one failed."""
    names = ", ".join(step.function.label for step in steps)
    return f"I stopped there and did not go on with: {names}."


def small(kind: str, functions: Sequence[Function]) -> str:
    """Answer what no function is for."""
    if kind in ANSWERS:
        return ANSWERS[kind]
    if not functions:
        return "I have no function for that here."
    lead = "Here is what I can do" if kind == "abilities" else "I cannot help with that, but here is what I can do"
    return f"{lead}, for example:\n" + "\n".join(f"- {example}" for example in _examples(functions))


def _examples(functions: Sequence[Function]) -> list[str]:
    """One example of each plugin in turn, so that every plugin is seen."""
    by_plugin: dict[str, list[str]] = {}
    for function in functions:
        if function.hint.examples:
            by_plugin.setdefault(function.name.partition("-")[0], []).append(function.hint.examples[0])
    rounds = max((len(said) for said in by_plugin.values()), default=0)
    turns = [said[at] for at in range(rounds) for said in by_plugin.values() if at < len(said)]
    return turns[:SHOWN_EXAMPLES]
