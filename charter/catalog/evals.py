"""``evals.yaml`` of an agent: what it must do when somebody says something, and what it must never do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from charter.catalog import grammar
from charter.catalog.document import Document, read
from charter.catalog.mistake import Mistake, closest
from charter.catalog.spec import FunctionSpec


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call of the agent: ``arguments`` are those that matter, and ``outcome`` what the gate says of it."""

    function: str
    arguments: Mapping[str, Any]
    outcome: Literal["allow", "ask", "deny"] = "allow"


@dataclass(frozen=True, slots=True)
class EvalCase:
    """One sentence and what must follow. ``calls`` is ``None`` where any calls will do; ``asks`` names an argument."""

    says: str
    as_: str
    calls: tuple[ExpectedCall, ...] | None
    asks: str | None
    answer: tuple[str, ...]
    never: tuple[str, ...]


def read_evals(folder: Path, functions: Mapping[str, FunctionSpec], mistakes: list[Mistake]) -> tuple[EvalCase, ...]:
    """Read the cases of an agent that has ``functions``; none when there is no file."""
    file = folder / "evals.yaml"
    document = read(file, mistakes) if file.exists() else None
    if document is None:
        return ()
    faults = grammar.conform(document, "evals") or list(_unknown(document, functions))
    mistakes.extend(faults)
    return () if faults else tuple(_case(case) for case in document.value["cases"])


def _unknown(document: Document, functions: Mapping[str, FunctionSpec]) -> Iterator[Mistake]:
    for n, case in enumerate(document.value["cases"]):
        calls: Sequence[Mapping[str, Any]] = case.get("calls", [])
        places = [(("cases", n, "calls", m, "function"), call["function"]) for m, call in enumerate(calls)]
        places += [(("cases", n, "never", m), name) for m, name in enumerate(case.get("never", []))]
        for place, name in places:
            # What must never be called may well be another agent's function.
            if name not in functions and "never" not in place:
                yield document.mistake(place, f"The agent has no function `{name}`.", closest(name, functions))
        for m, call in enumerate(calls):
            taken: Mapping[str, Any] = (
                functions[call["function"]].parameters["properties"] if call["function"] in functions else {}
            )
            for argument in call.get("arguments", {}).keys() - taken.keys() if taken else ():
                place = ("cases", n, "calls", m, "arguments", argument)
                yield document.mistake(place, f"`{call['function']}` takes no `{argument}`.", closest(argument, taken))


def _case(case: Mapping[str, Any]) -> EvalCase:
    calls: list[Mapping[str, Any]] | None = case.get("calls")
    return EvalCase(
        case["says"],
        case["as"],
        None
        if calls is None
        else tuple(
            ExpectedCall(call["function"], call.get("arguments", {}), call.get("outcome", "allow")) for call in calls
        ),
        case.get("asks"),
        tuple(case.get("answer", ())),
        tuple(case.get("never", ())),
    )
