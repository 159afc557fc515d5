"""The examination of the embedded model: prompts, the functions they may call, and how an answer is judged."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from charter.catalog.check import check
from charter.catalog.spec import Catalog
from charter.models.wire import Answered

HERE = Path(__file__).parent
HOUSE = HERE.parent.parent
SHIPPED = HOUSE / "plugins"


@dataclass(frozen=True)
class Paper:
    """A set of prompts seen from one day."""

    today: str
    free: Mapping[str, Sequence[str]]
    prompts: Sequence[Mapping[str, Any]]

    @property
    def system(self) -> str:
        from datetime import date

        return f"You are a helpful assistant.\n\nToday is {date.fromisoformat(self.today):%A}, {self.today}. You act for Alice."


@dataclass(frozen=True)
class Mark:
    """How one prompt was answered. ``did`` is what happened, for people to read."""

    id: str
    category: str
    text: str
    function: bool
    arguments: bool
    did: str
    seconds: float


def paper(name: str) -> Paper:
    raw = yaml.safe_load((HERE / f"{name}.yaml").read_text("utf-8"))
    return Paper(str(raw["today"]), raw.get("free") or {}, raw["prompts"])


def catalog(*folders: Path) -> Catalog:
    """Load plugins as the host does, without any agent."""
    found, mistakes = check([], folders)
    if found is None:
        raise SystemExit("\n".join(str(mistake) for mistake in mistakes))
    return found


def tools(of: Catalog) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {"name": f.wire_name, "description": f.description, "parameters": dict(f.parameters)},
        }
        for plugin in of.plugins.values()
        for f in plugin.functions.values()
    ]


class Sitting:
    """One conversation with the model, with a canned result after each call."""

    def __init__(self, answer: Any, paper: Paper, tools: Sequence[dict[str, Any]]) -> None:
        self._answer = answer
        self._tools = tools
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": paper.system}]
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def say(self, text: str, limit: int = 6) -> str:
        """Say something and let the model call until it answers; return the answer."""
        self.messages.append({"role": "user", "content": text})
        for _ in range(limit):
            answered: Answered = await self._answer({"messages": self.messages, "tools": list(self._tools)})
            if not answered.calls:
                self.messages.append({"role": "assistant", "content": answered.text})
                return answered.text
            for call in answered.calls:
                self._carried_out(call.id, call.name, call.arguments)
        return "(it never stopped calling)"

    def _carried_out(self, call_id: str, name: str, arguments: str) -> None:
        self.calls.append((name.replace("-", ".", 1), orjson.loads(arguments)))
        function = {"name": name, "arguments": arguments}
        result = {"passages": []} if name == "knowledge-search" else {"status": "done"}
        self.messages += [
            {"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": call_id, "content": orjson.dumps(result).decode()},
        ]


def judged(
    prompt: Mapping[str, Any], calls: Sequence[tuple[str, Mapping[str, Any]]], free: Mapping[str, Any]
) -> tuple[bool, bool]:
    """Return whether the right functions were called in the right order, and whether with the right arguments."""
    expected = prompt["calls"]
    function = [call["function"] for call in expected] == [name for name, _ in calls]
    if not function:
        return False, False
    pairs = zip(expected, calls, strict=True)
    return True, all(_same(call, given, free.get(name, ())) for call, (name, given) in pairs)


def _same(expected: Mapping[str, Any], given: Mapping[str, Any], free: Sequence[str]) -> bool:
    loose = {*free, *expected.get("loose", ())}
    wanted = expected["arguments"]
    if any(name not in wanted and name not in loose for name in given):
        return False
    return all(name in given and fits(value, given[name]) for name, value in wanted.items())


def fits(expected: Any, given: Any) -> bool:
    """Tell whether a value is as expected: exactly (words in any case), one of ``any``, or a text that ``has`` words."""
    if isinstance(expected, Mapping) and "any" in expected:
        return any(fits(one, given) for one in expected["any"])
    if isinstance(expected, Mapping) and "has" in expected:
        return isinstance(given, str) and all(word.casefold() in given.casefold() for word in expected["has"])
    if isinstance(expected, str) and isinstance(given, str):
        return _words(expected) == _words(given)
    return bool(expected == given)


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" .").casefold()
