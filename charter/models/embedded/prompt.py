"""The small model's prompt: one unchanging prefix for all functions, so that a turn pays only for its own words.

The few examples it is shown are the plugins' own, answered by the rules; so a new plugin needs no prompt.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from charter.models.chat import Hint
from charter.models.embedded.options import meant
from charter.models.embedded.smalltalk import NONE_EXAMPLES

NO_FUNCTION = "no_function"
NOT_SAID = "not_said"
SHOTS = 12
RETRIEVAL_SHOTS = 2
OPTION_SHOTS = 2
STEP_CHARS = 1000
STEP_SHOTS = 8

_SYSTEM = """You read what an employee writes to the company's assistant.
Either you choose the function that fulfils it, or you read the value of one argument out of it.

Functions:
{functions}
no_function - greetings, thanks, general knowledge, arithmetic, writing texts, and whatever no function above does

Answer with one JSON object."""

_RULES = (
    " For every question about rules, rights, duties, allowances, deadlines or how things are done in this company."
)

Message = Mapping[str, str]


def prefix(hints: Sequence[Hint]) -> list[Message]:
    """Return the messages that every question begins with."""
    lines = "\n".join(f"{hint.wire_name} - {hint.description}{_RULES if hint.retrieval else ''}" for hint in hints)
    shots = [*_interleaved(_function_shots(hints), _none_shots()), *_option_shots(hints)]
    return [{"role": "system", "content": _SYSTEM.format(functions=lines)}, *shots]


def growing(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Return ever longer beginnings of the messages, the last one whole, so that reading them can be stopped between."""
    system, *shots = messages
    for end in range(STEP_CHARS, len(system["content"]), STEP_CHARS):
        yield [{"role": "system", "content": system["content"][:end]}]
    for end in range(2, len(shots) + 1, STEP_SHOTS):
        yield [system, *shots[:end]]
    yield [*messages]


def which(said: str) -> Message:
    return {"role": "user", "content": said}


def value_of(said: str, function: str, argument: str, options: Sequence[str]) -> Message:
    choice = f" ({', '.join(options)})" if options else ""
    return {
        "role": "user",
        "content": f"{said}\n\nWhat is {argument}{choice} of {function}? {NOT_SAID}, if it is not said.",
    }


def function_schema(names: Sequence[str]) -> Mapping[str, Any]:
    return _object("function", {"enum": [*names, NO_FUNCTION]})


def option_schema(options: Sequence[str]) -> Mapping[str, Any]:
    return _object("value", {"enum": [*options, NOT_SAID]})


def text_schema() -> Mapping[str, Any]:
    return _object("value", {"type": "string", "maxLength": 80})


def _object(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


Shot = tuple[Message, Message]


def _shot(asked: Message, key: str, answer: str) -> Shot:
    return asked, {"role": "assistant", "content": orjson.dumps({key: answer}).decode()}


def _function_shots(hints: Sequence[Hint]) -> Iterator[Shot]:
    """Examples of retrieval first, then one per function, plugin by plugin in turn, now of the first language, now the last."""
    for hint in hints:
        for example in hint.examples[:RETRIEVAL_SHOTS] if hint.retrieval else ():
            yield _shot(which(example), "function", hint.wire_name)
    by_plugin: dict[str, list[Hint]] = {}
    for hint in hints:
        if hint.examples and not hint.retrieval:
            by_plugin.setdefault(hint.wire_name.partition("-")[0], []).append(hint)
    rounds = max((len(some) for some in by_plugin.values()), default=0)
    for at in range(rounds):
        for some in by_plugin.values():
            if at < len(some):
                yield _shot(which(some[at].examples[-(at % 2)]), "function", some[at].wire_name)


def _none_shots() -> Iterator[Shot]:
    rounds = max(len(said) for said in NONE_EXAMPLES.values())
    for at in range(rounds):
        for said in reversed(NONE_EXAMPLES.values()):
            if at < len(said):
                yield _shot(which(said[at]), "function", NO_FUNCTION)


def _interleaved(functions: Iterator[Shot], nones: Iterator[Shot]) -> Iterator[Message]:
    for at in range(SHOTS):
        shot = next(nones if at % 3 == 2 else functions, None)
        yield from shot or ()


def _option_shots(hints: Sequence[Hint]) -> Iterator[Message]:
    told: dict[bool, list[Shot]] = {True: [], False: []}
    for hint in hints:
        for name, spec in hint.arguments.items():
            synonyms: Mapping[str, Sequence[str]] = spec.get("synonyms") or {}
            for example in hint.examples[:2] if synonyms else ():
                found = meant(example, synonyms)
                answer = found[0] if len(found) == 1 else NOT_SAID
                told[bool(found)].append(
                    _shot(value_of(example, hint.wire_name, name, list(synonyms)), "value", answer)
                )
    for kind in (True, False):
        for shot in told[kind][: OPTION_SHOTS - (kind is False)]:
            yield from shot
