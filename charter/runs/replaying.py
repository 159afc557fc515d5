"""Go through a run again with what was recorded of it: the model's answers and the functions' results come from the
journal, everything else is done anew. Nothing is called, nothing is written.

Done anew are the functions that are offered, the passage of the model's wire, the check of arguments, the gate with the
policies and the managers of today, labels, and the answer with its citations. The first thing that comes out otherwise is
told, with the step it belongs to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from charter.catalog.spec import AgentSpec
from charter.errors import CharterError, Conflict
from charter.governance import approvals
from charter.governance.approvals import Approval
from charter.governance.arguments import InvalidArguments, validated
from charter.governance.gate import Call
from charter.governance.labels import Label, label_of
from charter.kernel.session import Session
from charter.models.chat import Message, Reply, ToolCall, Usage
from charter.models.journaled import journaled_route
from charter.runs import answer, conversation, files, formed, images, journal
from charter.runs.building import Edition
from charter.runs.calling import refusal
from charter.runs.editions import Editions
from charter.runs.records import Claim
from charter.runs.run import Run, Step
from charter.runs.shown import Shown
from charter.runs.work import recall_passages
from charter.settings import Runs
from charter.store.database import Database


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first thing that came out otherwise: ``what`` it is, as it ``was`` and as it ``is`` now."""

    step_id: str
    what: str
    was: Any
    now: Any

    def as_json(self) -> dict[str, Any]:
        return {"step_id": self.step_id, "what": self.what, "was": self.was, "now": self.now}


@dataclass(frozen=True, slots=True)
class Replayed:
    """How far a replay came: ``steps`` went as before; without a ``divergence``, all did."""

    run: str
    bundle: str
    steps: int
    divergence: Divergence | None = None

    def as_json(self) -> dict[str, Any]:
        told = self.divergence.as_json() if self.divergence else None
        return {"run": self.run, "bundle": self.bundle, "steps": self.steps, "divergence": told}


class _Diverged(Exception):
    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence.what)
        self.divergence = divergence


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A run as the journal has it."""

    run: Run
    claim: Claim
    steps: Sequence[Step]
    approvals: Mapping[str, Approval]
    before: Sequence[Message]
    label: Label
    said: Message


class Replaying:
    """Replays runs that are over."""

    def __init__(self, database: Database, editions: Editions, limits: Runs) -> None:
        self._database = database
        self._editions = editions
        self._limits = limits

    async def replay(self, run: Run, claim: Claim, *, current: bool = False) -> Replayed:
        """Replay a run on the bundle that it began with, or on the ``current`` one of its agent.

        Raises:
            Conflict: it is not over yet.
            BundleUnavailable: its bundle was not kept, or its agent is there no more.
        """
        if not run.finished:
            raise Conflict("The run is not over yet.", action="Replay it when it is.")
        edition = self._editions.current if current else await self._editions.of(run.agent, run.bundle)
        agent = edition.catalog.agents.get(run.agent)
        if agent is None:
            raise Conflict(f"There is no agent {run.agent} any more.", action="Replay it on its own bundle.")
        return await _Pass(edition, agent, await self._recorded(run, claim), self._limits).go()

    async def _recorded(self, run: Run, claim: Claim) -> _Recorded:
        async with self._database.session(claim.ctx) as db:
            steps = await journal.steps(db, run.id)
            asked = await approvals.of_run(db, run.id)
            pictures = await images.of_run(db, run.id) if run.images else ()
            enclosed = files.shown(await files.of_run(db, run.id)) if run.files else []
            before, label = await conversation.history(db, claim, self._limits.history_tokens)
        return _Recorded(
            run, claim, steps, {each.step_id: each for each in asked}, [*before, *enclosed],
            label.joined(images.label_of(len(pictures))).joined(files.label_of(run.files)), Message("user", run.input, images=pictures),
        )  # fmt: skip


class _Pass:
    """One passage through a recorded run."""

    def __init__(self, edition: Edition, agent: AgentSpec, recorded: _Recorded, limits: Runs) -> None:
        self._edition = edition
        self._agent = agent
        self._recorded = recorded
        self._turns = [step for step in recorded.steps if step.type == "model" and step.status == "done"]
        self._by_id = {step.id: step for step in recorded.steps}
        self._label = recorded.label
        instructions = conversation.system(agent, recorded.claim, recorded.claim.created_at.date())
        self._shown = Shown([instructions, *recorded.before], recorded.said, limits.work_tokens)
        self._functions = edition.gate.visible(recorded.claim.ctx, agent)
        self._again = False
        self._steps = 0

    async def go(self) -> Replayed:
        route = journaled_route(self._agent.tier, [_reply(step) for step in self._turns])
        session = self._edition.sessions[self._agent.name].over(route)
        try:
            for step in self._turns:
                await self._turn(session, step)
        except _Diverged as found:
            return Replayed(self._recorded.run.id, self._agent.bundle, self._steps, found.divergence)
        finally:
            await route.close()
        return Replayed(self._recorded.run.id, self._agent.bundle, self._steps)

    async def _turn(self, session: Session, step: Step) -> None:
        try:
            reply = await session.turn(
                self._shown.messages(), functions=self._functions, schema=self._agent.output, seconds=10
            )
        except CharterError as fault:
            raise _Diverged(Divergence(step.id, "the model's turn", "answered", fault.detail)) from fault
        # The wire of a replay has no word for a refusal or a filter: why the answer ended is the journal's.
        reply = replace(reply, finish_reason=step.output.get("finish_reason", "stop"))
        self._same(step, "what the model said", step.output["text"], reply.text)
        self._steps += 1
        self._shown.append(Message("assistant", reply.text, reply.calls))
        for call, step_id in conversation.calls_of(step):
            if (ended := self._by_id.get(step_id)) is None or ended.status in {"running", "waiting"}:
                return  # the run ended here: cancelled, or failed
            await self._call(call, ended)
        if not reply.calls:
            self._answer(step, reply)

    async def _call(self, call: ToolCall, step: Step) -> None:
        try:
            if call.name not in self._agent.functions:
                raise InvalidArguments(f"There is no function {call.name[:80]}.")
            function = self._edition.catalog.function(call.name)
            arguments = validated(function, call.arguments)
        except InvalidArguments as fault:
            refused = step.decision is None and step.status == "failed"
            was = step.output["error"] if refused else "the arguments were taken"
            self._same(step, f"the arguments of {call.name}", was, fault.public)
        else:
            if step.decision is None:
                self._same(step, f"the arguments of {call.name}", step.output["error"], "the arguments were taken")
            approval = self._recorded.approvals.get(step.id)
            decision = refusal(approval) or await self._edition.gate.check(
                self._recorded.claim.ctx, Call(function, arguments, step.id), self._label,
                level=step_level(self._turns, step), approval=approval,
            )  # fmt: skip
            self._same(
                step, f"the decision about {call.name}", _decided(step), _outcome(decision.outcome, decision.policies)
            )
            if step.status == "done":
                label = label_of(function, step.output)
                self._same(step, f"the label of what {call.name} returned", _label(step.label), _label(label.as_json()))
        self._label = self._label.joined(Label.from_json(step.label))
        self._shown.append(conversation.result(call, step.output))
        self._steps += 1

    def _answer(self, step: Step, reply: Reply) -> None:
        before = [each for each in self._recorded.steps if each.seq < step.seq]
        passages = recall_passages(before)
        answered = formed.formed(self._agent, reply, passages, again=self._again)
        self._same(step, "what is wrong with the answer", formed.unfit(step), answered.unfit)
        if answered.unfit:
            self._again = True
            self._shown.append(formed.correction(answered.unfit))
            return
        output = self._recorded.run.output
        if output is not None and step is self._turns[-1]:
            made = answer.output(
                answered.text, passages, self._label, data=answered.data, finish_reason=reply.finish_reason
            )
            for part in ("text", "citations", "contains_untrusted", "data"):
                self._same(step, f"the answer's {part.replace('_', ' ')}", output.get(part), made[part])

    @staticmethod
    def _same(step: Step, what: str, was: Any, now: Any) -> None:
        if was != now:
            raise _Diverged(Divergence(step.id, what, was, now))


def _reply(step: Step) -> Reply:
    calls = tuple(
        ToolCall(call.id, call.name.replace(".", "-", 1), call.arguments) for call, _ in conversation.calls_of(step)
    )
    said: Mapping[str, Any] = step.output
    return Reply(said["text"], calls, Usage(), said["model"], said["level"], said.get("finish_reason", "stop"))


def step_level(turns: Sequence[Step], step: Step) -> Any:
    """Return the level of the model that asked for this step."""
    asked = next(
        (turn for turn in turns if any(step_id == step.id for _, step_id in conversation.calls_of(turn))), None
    )
    return asked.output.get("level", "yours") if asked else "yours"


def _decided(step: Step) -> Mapping[str, Any]:
    decision = step.decision or {}
    return _outcome(decision.get("outcome", ""), decision.get("policies", ()))


def _outcome(outcome: str, policies: Sequence[str]) -> Mapping[str, Any]:
    return {"outcome": outcome, "policies": sorted(policies)}


def _label(label: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: label.get(name) for name in ("integrity", "readers")}
