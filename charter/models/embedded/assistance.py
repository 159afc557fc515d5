"""Assistance: turns without a language model. Deterministic, in about 40 ms of a processor.

It routes, finds values, asks back, shows receipts and quotes. Where the small model serves, it only joins in as the
``Judge`` of what the rules are not sure about.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from charter.models.chat import Hint, ToolCall
from charter.models.conversation import Conversation
from charter.models.embedded import calendar_words, commands, followup, planning, quoting, slots, speech
from charter.models.embedded.briefs import Brief, brief_of
from charter.models.embedded.drafting import draft
from charter.models.embedded.everyday import EVERYDAY
from charter.models.embedded.function import Function, prepared
from charter.models.embedded.planning import Judge, Plan, Step
from charter.models.embedded.reading import Reading
from charter.models.embedded.receipts import Receipts
from charter.models.embedded.router import Ranking, Router
from charter.models.embedded.signs import Lexicon
from charter.models.embedded.slots import Filled
from charter.models.embedded.vectors import Sentences
from charter.models.embedded.words import Speller, words
from charter.models.wire import new_call

REMEMBERED = 6
"""How many exchanges of the thread may belong to one question and its answers."""

KNOWN_SELECTIONS = 64
"""How many selections of functions (per agent and principal) are kept prepared."""

_OWN = re.compile(r"\b(?:my|our|meine?[nmrs]?|unsere?[nmrs]?)\b", re.IGNORECASE)
_TODAY = re.compile(r"\bToday is \w+, (\d{4}-\d{2}-\d{2})\b")


@dataclass(frozen=True)
class Turn:
    """What the assistance does next: a call, or words. ``plan`` is what it understood."""

    text: str
    call: ToolCall | None
    plan: Plan
    functions: tuple[Function, ...]


class Rules:
    """The judge without a model: the best function that is nearer than small talk; doubts stay open."""

    def __init__(self, router: Router, functions: Sequence[Function]) -> None:
        self.router = router
        self.lexicon = Lexicon(functions)

    def choose(self, reading: Reading, functions: Sequence[Function]) -> tuple[Function | None, Ranking]:
        ranking = self.router.rank(reading, functions, self.lexicon)
        return (ranking.functions[0].function if ranking.margin >= 0 else None), ranking

    def settle(self, filled: Filled, reading: Reading) -> None:
        """Nothing: what the words leave open is asked."""


class Assistance:
    """Takes turns for the functions of ``hints``. ``load`` makes it ready; nothing here is for the event loop."""

    def __init__(self, hints: Sequence[Hint], engine: Sentences | None = None) -> None:
        self.engine = engine or Sentences()
        self._hints = {hint.wire_name: hint for hint in hints}
        self.router = Router(self._hints, self.engine)
        self._receipts = Receipts()
        self._speller = Speller(_vocabulary(hints), EVERYDAY)
        self._prepared: dict[str, tuple[Mapping[str, object], Function]] = {}
        self._rules: dict[tuple[str, ...], Rules] = {}

    def load(self, folder: Path) -> None:
        self.router.load(folder)

    def turn(self, talk: Conversation, judged: Callable[[Rules], Judge] | None = None) -> Turn:
        """Decide what comes next in this conversation."""
        functions = tuple(self._function(tool) for tool in talk.tools.values())
        search = next((function for function in functions if function.hint.retrieval), None)
        if search and (brief := brief_of(talk.said)):
            return self._written(talk, brief, search, functions)
        rules = self._rules_for(functions)
        plan = self._understood(talk, functions, judged(rules) if judged else rules)
        failed = any(finished.error for finished in talk.finished)
        following = plan.ready[len(talk.finished) :]
        if following and not failed:
            step = following[0]
            return Turn("", new_call(step.function.name, step.arguments), plan, functions)
        return Turn(self._said(talk, plan, functions, following), None, plan, functions)

    def _written(self, talk: Conversation, brief: Brief, search: Function, functions: tuple[Function, ...]) -> Turn:
        """Search for what a brief is about, then write of what was found."""
        step = Step(search, {each.name: brief.subject for each in search.required if each.kind == "query"}, ())
        plan = Plan((step,))
        if not talk.finished:
            return Turn("", new_call(search.name, step.arguments), plan, functions)
        finished = talk.finished[-1]
        text = finished.error or draft(brief, speech.passages_of(finished.result), self.engine)
        return Turn(text, None, plan, functions)

    def _function(self, tool: Mapping[str, object]) -> Function:
        name = str(tool["name"])
        known = self._prepared.get(name)
        if known is None or known[0] != tool:
            known = self._prepared[name] = (tool, prepared(tool, self._hints.get(name)))
        return known[1]

    def _rules_for(self, functions: tuple[Function, ...]) -> Rules:
        key = tuple(function.name for function in functions)
        if key not in self._rules:
            if len(self._rules) >= KNOWN_SELECTIONS:
                self._rules.clear()
            self._rules[key] = Rules(self.router, functions)
        return self._rules[key]

    def _understood(self, talk: Conversation, functions: tuple[Function, ...], judge: Judge) -> Plan:
        today = _today(talk.system)
        plan = Plan()
        for said in (*_open_questions(talk, functions), talk.said):
            reading = Reading(self._speller.read(said), today)
            fresh = planning.plan(reading, functions, judge)
            plan = planning.resume(plan, reading, fresh, judge)
        return self._followed(talk, functions, plan, today) or plan

    def _followed(self, talk: Conversation, functions: Sequence[Function], plan: Plan, today: date) -> Plan | None:
        """Return a search for what a follow-up means, where documents were asked just before it; None for any other words."""
        before = _asked_of_documents(talk)
        search = next((function for function in functions if function.hint.retrieval), None)
        if not search or not before or not followup.leans(talk.said) or _means_another(plan, talk.said):
            return None
        reading = Reading(self._speller.read(followup.standalone(talk.said, before)), today)
        filled = slots.fill(search, [reading])
        return Plan((Step(search, filled.arguments(), filled.missing, (reading,)),))

    def _said(self, talk: Conversation, plan: Plan, functions: Sequence[Function], undone: Sequence[Step]) -> str:
        by_name = {function.name: function for function in functions}
        parts = [speech.done(finished, by_name, self._receipts, self.engine) for finished in talk.finished]
        if undone:
            parts.append(speech.left_out(undone))
        elif plan.asking:
            parts.append(speech.question(plan.asking))
        return "\n\n".join(parts) if parts else speech.small(plan.kind, functions)


def _open_questions(talk: Conversation, functions: Sequence[Function]) -> list[str]:
    """Return the messages just before this one that were answered with a question of ours, oldest first."""
    said: list[str] = []
    for exchange in reversed(talk.earlier[-REMEMBERED:]):
        if not speech.asks_back(exchange.answered, functions):
            break
        said.insert(0, exchange.said)
    return said


def _asked_of_documents(talk: Conversation) -> list[str]:
    """Return the messages just before this one that were answered from documents, oldest first."""
    said: list[str] = []
    for exchange in reversed(talk.earlier[-REMEMBERED:]):
        if not quoting.answers(exchange.answered):
            break
        said.insert(0, exchange.said)
    return said


def _means_another(plan: Plan, said: str) -> bool:
    """Tell whether words that lean on an earlier question are small talk, or ask for something else all the same."""
    if plan.kind:
        return plan.kind in {"thanks", "farewell", "correction", "abilities"}
    others = any(not step.function.hint.retrieval for step in plan.ready)
    return others and (not followup.is_fragment(said) or _OWN.search(said) is not None)


def _today(system: str) -> date:
    """Return the day the host names to the model, so that a replayed turn sees the same day."""
    found = _TODAY.search(system)
    return date.fromisoformat(found[1]) if found else date.today()  # noqa: DTZ011 - people mean the day of their wall clock


def _vocabulary(hints: Sequence[Hint]) -> set[str]:
    said: set[str] = set(commands.SPELLED) | set(calendar_words.VOCABULARY)
    for hint in hints:
        for sentence in (hint.description, *hint.examples):
            said.update(words(sentence))
        for argument in hint.arguments.values():
            synonyms: Mapping[str, Sequence[str]] = argument.get("synonyms") or {}
            said.update(word for phrases in synonyms.values() for phrase in phrases for word in words(phrase))
    return said
