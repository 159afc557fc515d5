"""What the REST door answers, as its description says it. The objects themselves are made by ``as_json``."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from charter.channels.described import Problem

Status = Literal["queued", "running", "waiting", "completed", "failed", "cancelled"]


class RunPrincipal(BaseModel):
    id: str
    type: Literal["user", "workload", "operator"]


class Waiting(BaseModel):
    """What a run waits for. It holds no memory, thread or connection meanwhile."""

    for_: Literal["approval", "input", "event", "unknown_effect"] = Field(alias="for", serialization_alias="for")
    approval_id: str | None
    step_id: str
    since: datetime
    expires_at: datetime | None


class Citation(BaseModel):
    n: int = Field(description="The mark in the text: [n].")
    document_id: str
    passage_id: str
    title: str
    url: str
    start: int
    end: int


class RunOutput(BaseModel):
    text: str
    data: Any = Field(
        default=None, description="The value of the text, where the agent answers in JSON of an agreed form; else null."
    )
    finish_reason: Literal["stop", "length", "content_filter", "refusal"] = Field(
        default="stop",
        description="content_filter: the model's maker stopped it, and the text says so. refusal: the model will not.",
    )
    citations: list[Citation]
    contains_untrusted: bool


class Effect(BaseModel):
    step_id: str
    function: str
    outcome: Literal["done", "failed", "unknown"]
    answer: Literal["happened", "retry", "give_up"] | None = Field(
        default=None, description="What a person said where nobody knew; absent where nobody was asked."
    )
    answered_by: str | None = None


class Cost(BaseModel):
    amount: str
    currency: str


class RunUsage(BaseModel):
    model_turns: int
    input_tokens: int
    output_tokens: int
    cost: Cost


class Run(BaseModel):
    """One task an agent does for a principal."""

    id: str
    status: Status
    waiting: Waiting | None
    agent: str
    tenant: str
    principal: RunPrincipal
    thread: str
    bundle: str
    input: str
    images: int = Field(
        description="How many images came with the input. They are kept with the run and not told again."
    )
    output: RunOutput | None
    error: Problem | None
    effects: list[Effect]
    usage: RunUsage
    forked_from: str | None
    trace_id: str | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class RunPage(BaseModel):
    items: list[Run]
    next: str | None


class Label(BaseModel):
    integrity: Literal["trusted", "untrusted"]
    readers: list[str]
    influenced_by: list[str]


class StepDecision(BaseModel):
    outcome: Literal["allow", "ask", "deny"]
    policies: list[str]
    reason: str


class Step(BaseModel):
    """One thing a run did."""

    id: str
    seq: int
    type: Literal["message", "retrieval", "model", "function", "approval"]
    name: str
    status: Literal["running", "done", "failed", "denied", "waiting", "unknown"]
    effect: Literal["read", "write", "irreversible"] | None
    input: Any
    output: Any
    label: Label
    decision: StepDecision | None
    usage: dict[str, Any] | None
    started_at: datetime
    ended_at: datetime | None
    trace_id: str | None
    span_id: str | None
    redacted: bool


class StepList(BaseModel):
    items: list[Step]
    next: None


class Divergence(BaseModel):
    """The first thing that came out otherwise."""

    step_id: str
    what: str
    was: Any
    now: Any


class Replayed(BaseModel):
    """How far a replay came; without a divergence everything came out as before."""

    run: str
    bundle: str
    steps: int
    divergence: Divergence | None


class Feedback(BaseModel):
    """What the person of a run thought of its answer."""

    run: str
    agent: str
    principal: str
    reaction: Literal["like", "dislike"]
    reason: str
    at: datetime


class Requester(BaseModel):
    id: str
    name: str


class Approval(BaseModel):
    """A person's decision on one exact call."""

    id: str
    run_id: str
    step_id: str
    status: Literal["pending", "approved", "rejected", "expired", "cancelled"]
    function: str
    arguments: dict[str, Any]
    summary: str
    reason: str
    policies: list[str]
    influenced_by: list[str]
    requester: Requester
    approvers: list[str] = Field(description="user:<id> or role:<name>")
    digest: str
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    comment: str | None


class ApprovalPage(BaseModel):
    items: list[Approval]
    next: str | None


class AgentModel(BaseModel):
    tier: str
    level: Literal["yours", "embedded", "assistance"]


class AgentFunction(BaseModel):
    name: str
    effect: Literal["read", "write", "irreversible"]


class Agent(BaseModel):
    """An agent as this principal may use it."""

    name: str
    description: str
    owner: str
    model: AgentModel
    functions: list[AgentFunction]
    starters: list[str]


class AgentList(BaseModel):
    items: list[Agent]
    next: None


class FoundPassage(BaseModel):
    """``url`` opens the passage in its document; the higher the ``score``, the better it fits."""

    document_id: str
    passage_id: str
    collection: str
    title: str
    heading: str
    url: str
    text: str
    integrity: Literal["trusted", "untrusted"]
    score: float


class FoundList(BaseModel):
    items: list[FoundPassage]
    next: None
