"""Which of the agents' starters stand in the package: Teams shows them to whoever opens the chat for the first time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from charter.catalog.spec import AgentSpec

LONGEST_TITLE = 128
LONGEST_PROMPT = 4000


@dataclass(frozen=True, slots=True)
class Starter:
    """What somebody may begin with; ``title`` is what fits on the card."""

    agent: str
    title: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Chosen:
    taken: Sequence[Starter]
    left_out: Sequence[Starter]


def choose(agents: Iterable[AgentSpec], places: int) -> Chosen:
    """Take each agent's first starter, then each one's second, as long as there are places; the same words once."""
    rows = [[_starter(agent.name, text) for text in agent.starters] for agent in sorted(agents, key=_name)]
    taken: list[Starter] = []
    left_out: list[Starter] = []
    for starter in _in_turn(rows):
        known = {other.title.casefold() for other in taken}
        fits = len(starter.prompt) <= LONGEST_PROMPT and starter.title.casefold() not in known
        (taken if fits and len(taken) < places else left_out).append(starter)
    return Chosen(taken, left_out)


def _name(agent: AgentSpec) -> str:
    return agent.name


def _in_turn(rows: Sequence[Sequence[Starter]]) -> Iterator[Starter]:
    for row in zip_longest(*rows):
        yield from (starter for starter in row if starter is not None)


def _starter(agent: str, text: str) -> Starter:
    prompt = " ".join(text.split())
    return Starter(agent, _cut(prompt), prompt)


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TITLE:
        return text
    words = text[: LONGEST_TITLE - 1].rsplit(" ", 1)[0]
    return f"{words}…"
