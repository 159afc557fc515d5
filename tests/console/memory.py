"""The runs of a small house kept in memory, with the manners of the real service: enough to look at every page."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from charter.context import Context
from charter.errors import (
    AlreadyDecided,
    Conflict,
    DigestMismatch,
    Forbidden,
    NotAnApprover,
    NotFound,
    RunFinished,
    SelfApproval,
)
from charter.governance.approval import Approval, entitlement, may_see
from charter.runs.feedback import Feedback, Reaction, worded
from charter.runs.run import TERMINAL, Event, Page, Run, StartRun, Step, timestamp

NOTHING_USED = {
    "model_turns": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "cost": {"amount": "0.0000", "currency": "EUR"},
}
TRUSTED = {"integrity": "trusted", "readers": []}


class MemoryRuns:
    """What a test puts in is what the pages show; ``step``, ``say``, ``park`` and ``finish`` play the engine."""

    def __init__(self, agents: list[dict[str, Any]], passages: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
        self.offered = {agent["name"]: agent for agent in agents}
        self.passages = passages
        self.runs: dict[str, Run] = {}
        self.steps: dict[str, dict[str, Step]] = defaultdict(dict)
        self.questions: dict[str, Approval] = {}
        self.heard: dict[str, list[Event]] = defaultdict(list)
        self.thought: dict[str, Feedback] = {}
        self.assertions: list[str | None] = []
        self.contexts: list[Context] = []
        self._followers: dict[str, set[asyncio.Queue[Event]]] = defaultdict(set)
        self._number = itertools.count(1)
        self._keys: dict[str, str] = {}

    # What the console calls

    def agents(self, ctx: Context) -> list[Mapping[str, Any]]:
        return [agent for agent in self.offered.values() if ctx.tenant in agent.get("tenants", (ctx.tenant,))]

    def agent(self, ctx: Context, name: str) -> Mapping[str, Any]:
        for agent in self.agents(ctx):
            if agent["name"] == name:
                return agent
        raise NotFound(f"There is no agent {name}.")

    async def start(self, ctx: Context, request: StartRun, *, assertion: str | None) -> tuple[Run, bool]:
        self.agent(ctx, request.agent)
        self.assertions.append(assertion)
        self.contexts.append(ctx)
        if request.idempotency_key in self._keys:
            return self.runs[self._keys[request.idempotency_key]], False
        run = self.add(ctx, request.agent, request.input, thread=request.thread)
        if request.idempotency_key:
            self._keys[request.idempotency_key] = run.id
        return run, True

    async def get(self, ctx: Context, run_id: str) -> Run:
        run = self.runs.get(run_id)
        if run is None or run.tenant != ctx.tenant or not self._visible(ctx, run):
            raise NotFound(f"There is no run {run_id}.")
        return run

    async def listing(
        self, ctx: Context, *, cursor: str | None = None, limit: int = 50, status: str | None = None,
        agent: str | None = None, thread: str | None = None,
    ) -> Page:  # fmt: skip
        found = [
            run
            for run in sorted(self.runs.values(), key=lambda run: (run.created_at, run.id), reverse=True)
            if run.tenant == ctx.tenant
            and self._visible(ctx, run)
            and status in (None, run.status)
            and agent in (None, run.agent)
            and thread in (None, run.thread)
        ]
        return _page(found, cursor, limit)

    async def timeline(self, ctx: Context, run_id: str, after: int = 0) -> list[Step]:
        await self.get(ctx, run_id)
        return [step for step in self.steps[run_id].values() if step.seq > after]

    async def events(self, ctx: Context, run_id: str, after: int = 0) -> AsyncIterator[Event]:
        await self.get(ctx, run_id)
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._followers[run_id].add(queue)
        try:
            for event in [event for event in self.heard[run_id] if (event.id or 0) > after]:
                yield event
                if event.type == "done":
                    return
            while True:
                event = await queue.get()
                yield event
                if event.type == "done":
                    return
        finally:
            self._followers[run_id].discard(queue)

    async def approvals(
        self, ctx: Context, *, status: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        found = [a for a in reversed(self.questions.values()) if may_see(ctx, a) and status in (None, a.status)]
        return _page(found, cursor, limit)

    async def approval(self, ctx: Context, approval_id: str) -> Approval:
        found = self.questions.get(approval_id)
        if found is None or not may_see(ctx, found):
            raise NotFound("No such approval.")
        return found

    async def decide(
        self, ctx: Context, approval_id: str, decision: str, digest: str, comment: str | None = None
    ) -> Approval:
        question = await self.approval(ctx, approval_id)
        status = "approved" if decision == "approve" else "rejected"
        if question.kind == "approval" and question.requester_id == ctx.principal.id:
            raise SelfApproval
        if entitlement(ctx, question) is None:
            raise NotAnApprover
        if digest != question.digest:
            raise DigestMismatch
        if question.status != "pending":
            if (question.status, question.decided_by) == (status, ctx.principal.id):
                return question
            raise AlreadyDecided(f"It was {question.status} by {question.decided_by}.")
        decided = replace(question, status=status, decided_by=ctx.principal.id, decided_at=_now(), comment=comment)
        self.questions[approval_id] = decided
        self._close(decided)
        return decided

    def _close(self, decided: Approval) -> None:
        steps = self.steps[decided.run_id].values()
        asked = next(s for s in steps if s.type == "approval" and s.input["approval_id"] == decided.id)
        output = {"status": decided.status, "decided_by": decided.decided_by, "comment": decided.comment}
        self.steps[decided.run_id][asked.id] = replace(asked, status="done", output=output, ended_at=_now())
        self._tell(decided.run_id, "approval", decided.as_json())
        self.change(decided.run_id, status="running", waiting=None)

    async def resolve(
        self, ctx: Context, run_id: str, step_id: str, answer: str, result: Any = None, since: str | None = None
    ) -> Run:
        run = await self.get(ctx, run_id)
        step = self.steps[run_id].get(step_id)
        if step is None:
            raise NotFound(f"The run {run_id} has no effect {step_id}.")
        waits = run.waiting or {}
        if (waits.get("for"), waits.get("step_id"), waits.get("since")) != ("unknown_effect", step_id, since):
            effect = next(effect for effect in run.effects if effect["step_id"] == step_id)
            if effect.get("answer") == answer:
                return run
            if effect.get("answer"):
                raise AlreadyDecided(f"{effect['answered_by']} has said already: {effect['answer']}.")
            raise RunFinished(f"The run is {run.status}.") if run.finished else Conflict("The run does not wait.")
        self._answered(run, step, answer, result, ctx.principal.id)
        return self.runs[run_id]

    def _answered(self, run: Run, step: Step, answer: str, result: Any, by: str) -> None:
        said = {"answer": answer, "answered_by": by}
        asked = {"for": "unknown_effect", "step_id": step.id}
        number = f"{step.id}-{run.last_seq}"
        told = replace(
            step, id=number, type="approval", status="done", effect=None, decision=None, input=asked, output=said
        )
        self.steps[run.id][number] = replace(told, started_at=_now(), ended_at=_now())
        self._tell(run.id, "step", self.steps[run.id][number].as_json())
        status, outcome, output = {
            "happened": ("done", "done", result or {"note": "A person confirmed that this happened."}),
            "retry": ("waiting", "unknown", None),
            "give_up": ("failed", "unknown", {"error": "It was given up."}),
        }[answer]
        self.steps[run.id][step.id] = replace(step, status=status, output=output)
        self._tell(run.id, "step", self.steps[run.id][step.id].as_json())
        effect = {"step_id": step.id, "function": step.name, "outcome": outcome, **said}
        self.change(run.id, status="queued", waiting=None, effects=[effect])

    async def feedback(self, ctx: Context, run_id: str, reaction: Reaction, reason: str = "") -> Feedback:
        run = await self.get(ctx, run_id)
        if run.principal["id"] != ctx.principal.id:
            raise Forbidden("Only the person who asked says what they think of the answer.")
        self.thought[run_id] = Feedback(run_id, run.agent, ctx.principal.id, reaction, worded(reason), _now())
        return self.thought[run_id]

    async def feedback_of(self, ctx: Context, runs: Sequence[str]) -> Mapping[str, Feedback]:
        return {run: self.thought[run] for run in runs if run in self.thought and self._visible(ctx, self.runs[run])}

    async def cancel(self, ctx: Context, run_id: str) -> Run:
        run = await self.get(ctx, run_id)
        if run.finished:
            raise RunFinished(f"The run is {run.status}.")
        self.finish(run_id, status="cancelled")
        return self.runs[run_id]

    async def passage(self, ctx: Context, document_id: str, passage_id: str) -> Mapping[str, Any]:
        found = self.passages.get((document_id, passage_id))
        if found is None or ctx.tenant not in found.get("tenants", (ctx.tenant,)):
            raise NotFound("There is no such passage, or you may not read it.")
        return found

    # What the engine would do

    def add(self, ctx: Context, agent: str, text: str, *, thread: str | None = None, **fields: Any) -> Run:
        number = next(self._number)
        values: dict[str, Any] = {
            "id": f"run_{number:032x}",
            "tenant": ctx.tenant,
            "status": "running",
            "agent": agent,
            "principal": {"id": ctx.principal.id, "type": ctx.principal.type},
            "thread": thread or f"thr_{number:032x}",
            "bundle": "sha256:" + "5a" * 32,
            "input": text,
            "waiting": None,
            "output": None,
            "error": None,
            "effects": [],
            "usage": NOTHING_USED,
            "forked_from": None,
            "trace_id": f"{number:032x}",
            "metadata": {},
            "created_at": _now(),
            "updated_at": _now(),
        }
        run = Run(**(values | fields))
        self.runs[run.id] = run
        self._tell(run.id, "run.status", run.as_json())
        return self.runs[run.id]

    def step(self, run_id: str, kind: str, name: str, status: str, *, key: str = "", **fields: Any) -> Step:
        """Begin a step, or change the one of that ``key``."""
        step_id = f"stp_{run_id[-4:]}_{key or len(self.steps[run_id])}"
        known = self.steps[run_id].get(step_id)
        if known is None:
            known = Step(
                step_id, self.runs[run_id].last_seq + 1, kind, name, status, None, None, None, TRUSTED, None, None,
                _now(), None, f"{7:032x}", f"{9:016x}",
            )  # fmt: skip
        ended = None if status in {"running", "waiting"} else fields.pop("ended_at", _now())
        step = replace(known, status=status, ended_at=ended, **fields)
        self.steps[run_id][step_id] = step
        if kind != "approval":
            self._tell(run_id, "step", step.as_json())
        return step

    def say(self, run_id: str, text: str) -> None:
        """Give live text to whoever follows."""
        for queue in self._followers[run_id]:
            queue.put_nowait(Event("output.delta", {"text": text}))

    def park(self, run_id: str, question: Approval) -> None:
        self.questions[question.id] = question
        self.step(run_id, "approval", question.function, "waiting", input={"approval_id": question.id})
        waiting = {
            "for": "input" if question.kind == "confirmation" else "approval",
            "approval_id": question.id,
            "step_id": question.step_id,
            "since": question.as_json()["expires_at"],
            "expires_at": question.as_json()["expires_at"],
        }
        self._tell(run_id, "approval", question.as_json())
        self.change(run_id, status="waiting", waiting=waiting)

    def doubt(self, run_id: str, step: Step) -> None:
        """Nobody knows whether the effect of this step happened."""
        self.steps[run_id][step.id] = replace(step, status="unknown")
        self._tell(run_id, "step", self.steps[run_id][step.id].as_json())
        waiting = {
            "for": "unknown_effect",
            "approval_id": None,
            "step_id": step.id,
            "since": timestamp(_now()),
            "expires_at": None,
        }
        effects = [{"step_id": step.id, "function": step.name, "outcome": "unknown"}]
        self.change(run_id, status="waiting", waiting=waiting, effects=effects)

    def change(self, run_id: str, **fields: Any) -> None:
        self.runs[run_id] = replace(self.runs[run_id], **({"updated_at": _now()} | fields))
        self._tell(run_id, "run.status", self.runs[run_id].as_json())

    def finish(self, run_id: str, text: str | None = None, *, status: str = "completed", **fields: Any) -> None:
        """End the run; ``citations``, ``contains_untrusted`` belong to its output, the rest to the run."""
        output = {
            "text": text,
            "citations": fields.pop("citations", []),
            "contains_untrusted": fields.pop("contains_untrusted", False),
        }
        self.change(run_id, status=status, output=output if text is not None else None, waiting=None, **fields)
        assert self.runs[run_id].status in TERMINAL
        self._tell(run_id, "done", self.runs[run_id].as_json())

    def _tell(self, run_id: str, kind: Any, data: Mapping[str, Any]) -> None:
        run = replace(self.runs[run_id], last_seq=self.runs[run_id].last_seq + 1)
        self.runs[run_id] = run
        event = Event(kind, data, run.last_seq)
        self.heard[run_id].append(event)
        for queue in self._followers[run_id]:
            queue.put_nowait(event)

    @staticmethod
    def _visible(ctx: Context, run: Run) -> bool:
        return ctx.is_operator or run.principal["id"] == ctx.principal.id


def question(
    run: Run, function: str, arguments: Mapping[str, Any], approvers: tuple[str, ...], **fields: Any
) -> Approval:
    """Make a question about one exact call of a run."""
    values: dict[str, Any] = {
        "tenant": run.tenant,
        "id": f"apr_{run.id[-24:]}",
        "run_id": run.id,
        "step_id": "stp_call",
        "kind": "approval",
        "status": "pending",
        "function": function,
        "arguments": arguments,
        "summary": function,
        "reason": "Orders above 1,000 EUR need the manager.",
        "policies": ("order-large",),
        "influenced_by": (),
        "requester_id": run.principal["id"],
        "requester_name": run.principal["id"].capitalize(),
        "approvers": approvers,
        "digest": "sha256:" + "c4" * 32,
        "created_at": _now(),
        "expires_at": _now() + timedelta(hours=72),
    }
    return Approval(**(values | fields))


def _page(found: list[Any], cursor: str | None, limit: int) -> Page:
    start = int(cursor or 0)
    more = str(start + limit) if len(found) > start + limit else None
    return Page(found[start : start + limit], more)


def _now() -> datetime:
    return datetime.now(UTC)
