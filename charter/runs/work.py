"""What one segment of a run has in hand while it works; all of it can be rebuilt from the journal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from charter.catalog.spec import AgentSpec
from charter.context import Context
from charter.governance.labels import Label
from charter.kernel.history import History
from charter.kernel.session import Session
from charter.models.chat import Level, ToolCall
from charter.runs import conversation
from charter.runs.editions import Edition
from charter.runs.following import Voice
from charter.runs.grip import Grip
from charter.runs.journal import NOTHING, Change, Entry
from charter.runs.records import Claim
from charter.runs.run import Step
from charter.runs.shown import Shown


@dataclass(slots=True)
class Work:
    claim: Claim
    edition: Edition
    agent: AgentSpec
    session: Session
    messages: Shown
    label: Label
    steps: dict[str, Step]
    doubtful: set[str]
    deadline: datetime
    functions: frozenset[str]
    grip: Grip
    voice: Voice
    seq: int = 0
    level: Level = "yours"
    turns: int = 0
    corrected: bool = False
    history: History = field(default_factory=History)
    passages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    unwritten: list[Entry] = field(default_factory=list[Entry])
    change: Change = NOTHING
    settles: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def ctx(self) -> Context:
        return self.claim.ctx

    def put_off(self, entries: Sequence[Entry], change: Change = NOTHING) -> None:
        """Keep entries for the next transaction of this work."""
        self.unwritten += entries
        self.change = self.change | change

    def written(self, seq: int) -> None:
        """Forget what was put off: it is in the journal, whose last number is ``seq``."""
        self.unwritten, self.change, self.seq = [], NOTHING, seq

    def answered(self, call: ToolCall, output: Any) -> None:
        """Give the model the result of its call."""
        self.messages.append(conversation.result(call, output))

    def number(self, result: Any) -> Any:
        """Number found passages through the whole run, so that ``[3]`` means one passage only."""
        if not isinstance(result, dict) or "passages" not in result:
            return cast("Any", result)
        found = cast("dict[str, Any]", result)
        passages = [{**passage, "n": len(self.passages) + n} for n, passage in enumerate(passages_of(found), 1)]
        self.passages += passages
        return {**found, "passages": passages}


def passages_of(result: Any) -> list[dict[str, Any]]:
    """Return the passages of a retrieval's result; none where it is of another shape."""
    found: Any = cast("dict[str, Any]", result).get("passages") if isinstance(result, dict) else None
    return [p for p in cast("list[dict[str, Any]]", found) if isinstance(p, dict)] if isinstance(found, list) else []  # pyright: ignore[reportUnnecessaryIsInstance]


def recall_passages(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return the numbered passages that earlier segments of the run found."""
    ended = [step for step in steps if step.type == "retrieval" and step.status == "done"]
    return [passage for step in ended for passage in passages_of(step.output)]
