r"""The model that follows a script: for tests, drills and demonstrations without any weights.

::

    name: drill                                   # what the answers call their model
    turns:
      - when: 'order an? (?P<item>.+) for (?P<amount>\d+) EUR'
        call:
          name: procurement-create_order
          arguments: {item: "{item}", total: {minor: "{amount:minor}", currency: EUR}}
        then:                                     # the answers after each round of results
          - say: "Ordered: {{ result.order_id }}."
      - when: hello
        say: "Good day."
      - when: overload
        fault: {status: 429, retry_after: 1, times: 1}
        say: "Here I am again."

``when`` is searched in the person's last message, any case; the first turn that fits answers. ``call`` is one call or a
list. ``{group}`` gives the words of a named group, ``{group:int}`` a whole number, ``{group:minor}`` an amount in minor
units. ``say`` is a sandboxed Jinja template over ``result`` (the last one), ``results``, ``system`` (the agent's instructions as
the model got them), ``files`` (the text of those that came with the message) and the named groups.
"""

import asyncio
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import httpx2
import yaml
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from charter.errors import StartRefused
from charter.models import conversation
from charter.models.wire import Answered, WireError, new_call

NO_ANSWER = "The script has no answer to this."


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(_Part):
    name: str
    arguments: dict[str, Any] = {}


class Fault(_Part):
    """What goes wrong first: a status, a wait, a body that is no JSON, a cut line. ``times`` None means always."""

    status: int | None = Field(default=None, ge=400, le=599)
    retry_after: float | None = None
    delay: float = 0
    garbage: bool = False
    cut: bool = False
    times: int | None = None


class Step(_Part):
    """One answer: a call (or several), words, or both; a fault comes before them."""

    call: Call | tuple[Call, ...] = ()
    say: str = ""
    fault: Fault | None = None

    @property
    def calls(self) -> tuple[Call, ...]:
        return (self.call,) if isinstance(self.call, Call) else self.call


class Turn(Step):
    when: str = ""
    then: tuple[Step, ...] = ()

    @field_validator("when")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as fault:
            raise ValueError(f"'{value}' is no regular expression: {fault}") from fault
        return value


class Script(_Part):
    name: str = "scripted"
    turns: tuple[Turn, ...]


def load(path: Path) -> Script:
    """Read a script.

    Raises:
        StartRefused: the file is missing or is no script; the sentence says where and why.
    """
    try:
        return Script.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError) as fault:
        raise StartRefused(f"The script {path} cannot be read: {fault}") from fault
    except ValidationError as fault:
        first = fault.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        raise StartRefused(f"The script {path} is wrong at /{where}: {first['msg']}.") from fault


class ScriptedModel:
    """Answer a wire's request as the script says."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._faults: dict[int, int] = {}
        self._jinja = ImmutableSandboxedEnvironment(autoescape=False)

    async def answer(self, body: dict[str, Any]) -> Answered:
        """Return the scripted answer.

        Raises:
            WireError: the script says that this request fails.
        """
        talk = conversation.read(body)
        turn, groups = self._fitting(talk.said)
        steps: tuple[Step, ...] = (turn, *turn.then) if turn else ()
        if talk.rounds >= len(steps):
            return Answered(text=NO_ANSWER, model=self._script.name, level="yours")
        step = steps[talk.rounds]
        if step.fault:
            await self._fail(step.fault)
        return Answered(
            text=self._said(step.say, groups, talk),
            calls=tuple(new_call(call.name, _filled(call.arguments, groups)) for call in step.calls),
            model=self._script.name,
            level="yours",
        )

    def _fitting(self, said: str) -> tuple[Turn | None, dict[str, str]]:
        for turn in self._script.turns:
            found = re.search(turn.when, said, re.IGNORECASE | re.DOTALL)
            if found:
                return turn, {name: words or "" for name, words in found.groupdict().items()}
        return None, {}

    def _said(self, template: str, groups: Mapping[str, str], talk: conversation.Conversation) -> str:
        results = [finished.result for finished in talk.finished]
        try:
            rendered = self._jinja.from_string(template)
            known = {
                "result": results[-1] if results else None,
                "results": results,
                "system": talk.system,
                "files": talk.enclosed,
            }
            return rendered.render(**groups, **known)
        except TemplateError as fault:
            raise WireError(500, f"The script's words cannot be rendered: {fault}") from fault

    async def _fail(self, fault: Fault) -> None:
        count = self._faults[id(fault)] = self._faults.get(id(fault), 0) + 1
        if fault.times is not None and count > fault.times:
            return
        await asyncio.sleep(fault.delay)
        if fault.cut:
            raise httpx2.ReadError("The script cuts the line.")
        if fault.garbage:
            raise WireError(200, "garbage", raw=b"<html>this is no JSON")
        if fault.status:
            headers = {"retry-after": f"{fault.retry_after:g}"} if fault.retry_after is not None else {}
            raise WireError(fault.status, "The script says so.", headers=headers)


_GROUP = re.compile(r"\{(\w+)(?::(int|minor))?\}")


def _filled(value: Any, groups: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        whole = _GROUP.fullmatch(value)
        if whole and whole[2]:
            return _number(groups.get(whole[1], ""), whole[2])
        return _GROUP.sub(lambda found: groups.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {name: _filled(part, groups) for name, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_filled(part, groups) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _number(words: str, kind: str) -> int:
    try:
        number = Decimal(words.replace(",", "").strip())
    except InvalidOperation as fault:
        raise WireError(500, f"The script wants a number, and '{words}' is none.") from fault
    return int(number * 100) if kind == "minor" else int(number)
