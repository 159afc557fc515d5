"""The small model inside the assistance: it decides where the rules are not sure, and never writes what a person reads."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from charter.models.chat import Hint, Usage
from charter.models.embedded import prompt
from charter.models.embedded.assistance import Rules
from charter.models.embedded.function import Argument, Function
from charter.models.embedded.llama import Llama, LlamaError
from charter.models.embedded.reading import Reading
from charter.models.embedded.router import Ranking, carries_id
from charter.models.embedded.slots import Filled

CANDIDATES = 4
ANSWER_TOKENS = 40

SURE_LEAD = 0.022
"""A best function this far before the second is believed without asking."""

SURE_MARGIN = 0.02
"""And this far before what no function is for; when behind it, half as far is enough to do nothing."""

_REMEMBERED = 256


class Mind:
    """A loaded model with its prefix evaluated. Not for the event loop."""

    def __init__(self, llama: Llama, hints: Sequence[Hint]) -> None:
        self.name = llama.name
        self._llama = llama
        self._prefix = prompt.prefix(hints)
        self._answers: OrderedDict[str, Any] = OrderedDict()

    @classmethod
    def load(cls, weights: Path, folder: Path, hints: Sequence[Hint], stop: Event) -> "Mind":
        """Load the weights and evaluate the prefix, or bring it back from ``folder`` where it was kept.

        Raises:
            LlamaError: the model does not load, or ``stop`` was set meanwhile.
        """
        folder.mkdir(parents=True, exist_ok=True)
        llama = Llama(weights, folder)
        mind = cls(llama, hints)
        try:
            mind._warm(weights, stop)
        except LlamaError:
            llama.close()
            raise
        return mind

    def _warm(self, weights: Path, stop: Event) -> None:
        stamp = (self._llama.version, weights.name, weights.stat().st_size, self._prefix)
        kept = f"prefix-{hashlib.sha256(repr(stamp).encode()).hexdigest()[:24]}.bin"
        if self._llama.restored(kept):
            return
        for messages in prompt.growing(self._prefix):
            if stop.is_set():
                raise LlamaError("The host is going down.")
            self._llama.read(messages)
        self._llama.keep(kept)

    def close(self) -> None:
        self._llama.close()

    def ask(self, question: prompt.Message, schema: Mapping[str, Any]) -> tuple[Any, Usage]:
        """Ask one constrained question; the same one again costs nothing.

        Raises:
            LlamaError: the model failed.
        """
        key = repr((question, schema))
        if key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key], Usage()
        value, usage = self._llama.complete([*self._prefix, question], schema, ANSWER_TOKENS)
        self._answers[key] = value
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return value, usage


class Thought:
    """The judge of one turn: the rules, and the model where they are not sure. ``usage`` counts what it read and wrote."""

    def __init__(self, rules: Rules, mind: Mind) -> None:
        self._rules = rules
        self._mind = mind
        self.usage = Usage()

    def choose(self, reading: Reading, functions: Sequence[Function]) -> tuple[Function | None, Ranking]:
        function, ranking = self._rules.choose(reading, functions)
        if not ranking.functions or self._is_sure(ranking):
            return function, ranking
        # A question may always be one for the documents, however unlike the examples it sounds.
        near = [s.function for n, s in enumerate(ranking.functions) if n < CANDIDATES or s.function.hint.retrieval]
        # Who names a ticket's id does not mean a function that knows no tickets.
        near = [function for function in near if carries_id(function, reading)] or near
        candidates = {function.name: function for function in near}
        told = self._asked(prompt.which(reading.text.raw), prompt.function_schema(list(candidates)))
        return candidates.get(str(told.get("function"))), ranking

    @staticmethod
    def _is_sure(ranking: Ranking) -> bool:
        if ranking.margin < 0:
            return ranking.margin < -SURE_MARGIN / 2
        return ranking.distance > SURE_MARGIN and ranking.lead > SURE_LEAD

    def settle(self, filled: Filled, reading: Reading) -> None:
        for argument in filled.function.required:
            if argument.name in filled.values:
                continue
            if filled.doubts.get(argument.name) and argument.kind == "option":
                self._option(filled, argument, reading)
            elif argument.kind == "name":
                self._words(filled, argument, reading)

    def _option(self, filled: Filled, argument: Argument, reading: Reading) -> None:
        options = [str(value) for value in filled.doubts[argument.name]]
        question = prompt.value_of(reading.text.raw, filled.function.name, argument.label, options)
        value = self._asked(question, prompt.option_schema(options)).get("value")
        if value in options:
            filled.values[argument.name] = value

    def _words(self, filled: Filled, argument: Argument, reading: Reading) -> None:
        """Let the model point at a name; what does not stand in the person's words is not believed."""
        question = prompt.value_of(reading.text.raw, filled.function.name, argument.label, ())
        value = str(self._asked(question, prompt.text_schema()).get("value") or "").strip()
        if value and value != prompt.NOT_SAID and value.casefold() in reading.text.raw.casefold():
            filled.values[argument.name] = value

    def _asked(self, question: prompt.Message, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        value, usage = self._mind.ask(question, schema)
        self.usage = Usage(self.usage.input_tokens + usage.input_tokens, self.usage.output_tokens + usage.output_tokens)
        return value
