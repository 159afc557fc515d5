"""The public shapes of a run, its steps and its approvals. Pure data; ``as_json`` is what every door shows."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from charter.models.chat import Image

Status = Literal["queued", "running", "waiting", "completed", "failed", "cancelled"]
StepType = Literal["message", "retrieval", "model", "function", "approval"]
StepStatus = Literal["running", "done", "failed", "denied", "waiting", "unknown"]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "cancelled"})


def new_id(kind: Literal["run", "stp", "thr", "apr"]) -> str:
    """Return an opaque id with its prefix; 128 random bits."""
    return f"{kind}_{secrets.token_hex(16)}"


def timestamp(moment: datetime | None) -> str | None:
    """Return RFC 3339 in UTC, in milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What was read of a file that came with an input."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartRun:
    """What somebody asks an agent to do; ``images`` and ``files`` belong to the input."""

    agent: str
    input: str
    thread: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    idempotency_key: str | None = None
    streams: bool = False
    images: tuple[Image, ...] = ()
    files: tuple[ReadFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One task an agent does for a principal, as it stands now."""

    id: str
    tenant: str
    status: Status
    agent: str
    principal: Mapping[str, str]
    thread: str
    bundle: str
    input: str
    waiting: Mapping[str, Any] | None
    output: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    effects: Sequence[Mapping[str, Any]]
    usage: Mapping[str, Any]
    forked_from: str | None
    trace_id: str | None
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    last_seq: int = 0
    images: int = 0
    files: int = 0

    @property
    def finished(self) -> bool:
        return self.status in TERMINAL

    @property
    def settled(self) -> bool:
        """Nothing more happens by itself: it ended, or it waits for somebody."""
        return self.finished or self.status == "waiting"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": self.status,
            "waiting": self.waiting,
            "agent": self.agent,
            "tenant": self.tenant,
            "principal": dict(self.principal),
            "thread": self.thread,
            "bundle": self.bundle,
            "input": self.input,
            "images": self.images,
            "output": self.output,
            "error": self.error,
            "effects": list(self.effects),
            "usage": dict(self.usage),
            "forked_from": self.forked_from,
            "trace_id": self.trace_id,
            "metadata": dict(self.metadata),
            "created_at": timestamp(self.created_at),
            "updated_at": timestamp(self.updated_at),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a run did; ``seq`` is the journal number at which it began."""

    id: str
    seq: int
    type: StepType
    name: str
    status: StepStatus
    effect: str | None
    input: Any
    output: Any
    label: Mapping[str, Any]
    decision: Mapping[str, Any] | None
    usage: Mapping[str, Any] | None
    started_at: datetime
    ended_at: datetime | None
    trace_id: str | None
    span_id: str | None
    redacted: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "seq": self.seq,
            "type": self.type,
            "name": self.name,
            "status": self.status,
            "effect": self.effect,
            "input": self.input,
            "output": self.output,
            "label": dict(self.label),
            "decision": self.decision,
            "usage": self.usage,
            "started_at": timestamp(self.started_at),
            "ended_at": timestamp(self.ended_at),
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "redacted": self.redacted,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """What a follower of a run hears. ``id`` is the journal number; live text has none and is never replayed.

    ``output.withdrawn``: the live text since the last step does not count; the model broke off, and its answer begins
    anew.
    """

    type: Literal["run.status", "step", "approval", "done", "output.delta", "output.withdrawn"]
    data: Mapping[str, Any]
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; ``next`` is the cursor of the following part."""

    items: Sequence[Any]
    next: str | None = None
