"""Turn, gate, act, append, until the run is done or waits. Every pass can be repeated from the journal."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

from opentelemetry.trace import SpanKind

from charter.catalog.spec import AgentSpec
from charter.errors import AnswerUnfit, BudgetExhausted
from charter.governance.labels import TRUSTED, Label
from charter.models.chat import Image, Message, Reply, ToolCall, Usage
from charter.models.route import Unanswered
from charter.runs import answer, answering, conversation, effects, files, formed, images, journal
from charter.runs.calling import Calling
from charter.runs.editions import Editions
from charter.runs.following import Voice
from charter.runs.grip import Grip
from charter.runs.records import Claim
from charter.runs.run import Step, new_id
from charter.runs.shown import Shown
from charter.runs.work import Work, recall_passages
from charter.runs.writing import Writer
from charter.settings import Runs
from charter.store.database import Database
from charter.telemetry.tracing import Trace, Tracing
from charter.tenancy.entitlement import Entitlement

Pending = list[tuple[ToolCall, str]]


class Loop:
    """Advances one claimed segment of a run."""

    def __init__(
        self,
        database: Database,
        editions: Editions,
        calling: Calling,
        writer: Writer,
        tracing: Tracing,
        settings: Runs,
        entitlement: Entitlement,
    ) -> None:
        self._database = database
        self._editions = editions
        self._calling = calling
        self._tracing = tracing
        self._settings = settings
        self._writer = writer
        self._entitlement = entitlement

    async def advance(self, claim: Claim, grip: Grip, voice: Voice) -> bool:
        """Work until the run ends (``True``) or waits (``False``).

        Raises:
            Fenced: another process works on this run by now.
            HandedOver: this host goes down, and the run stands at a boundary.
            CharterError: the run cannot go on; the caller records why.
        """
        work, pending = await self._open(claim, grip, voice)
        while True:
            for call, step_id in pending:
                grip.check()
                if not await self._calling.carry_out(work, call, step_id):
                    return False
            grip.check()
            pending = await self._turn(work)
            if pending is None:
                return True

    async def agent(self, claim: Claim) -> AgentSpec:
        """Return the agent of the bundle that the run began with.

        Raises:
            BundleUnavailable: it was not kept, was altered, or cannot be loaded on this host any more.
        """
        return (await self._editions.of(claim.agent, claim.bundle)).catalog.agents[claim.agent]

    async def _open(self, claim: Claim, grip: Grip, voice: Voice) -> tuple[Work, Pending]:
        edition = await self._editions.of(claim.agent, claim.bundle)
        agent = edition.catalog.agents[claim.agent]
        steps, doubtful, pictures, earlier, label = await self._recall(claim)
        label = label.joined(images.label_of(len(pictures))).joined(files.label_of(claim.files))
        for step in steps:
            label = label.joined(Label.from_json(step.label))
        instructions = conversation.system(agent, claim, journal.now().date())
        shown = Shown(
            [instructions, *earlier], Message("user", claim.input, images=pictures), self._settings.work_tokens
        )
        conversation.recall(shown, steps)
        work = Work(
            claim=claim,
            edition=edition,
            agent=agent,
            session=edition.sessions[claim.agent],
            messages=shown,
            label=label,
            steps={step.id: step for step in steps},
            doubtful=doubtful,
            deadline=journal.now() + timedelta(minutes=agent.budget.minutes) - claim.worked,
            functions=edition.gate.visible(claim.ctx, agent),
            grip=grip,
            seq=claim.seq,
            voice=voice,
            turns=claim.model_turns,
            passages=recall_passages(steps),
            corrected=formed.corrected(steps),
        )
        return work, self._pending(work, steps)

    async def _recall(self, claim: Claim) -> tuple[list[Step], set[str], tuple[Image, ...], list[Message], Label]:
        if claim.opens_thread and not claim.images and not claim.files:
            return [], set(), (), [], TRUSTED
        async with self._database.session(claim.ctx) as db:
            steps = await journal.steps(db, claim.run_id) if claim.epoch > 1 else []
            doubtful = await effects.in_doubt(db, claim.run_id) if claim.epoch > 1 else set[str]()
            pictures = await images.of_run(db, claim.run_id) if claim.images else ()
            enclosed = files.shown(await files.of_run(db, claim.run_id)) if claim.files else []
            earlier, label = await conversation.history(db, claim, self._settings.history_tokens)
            return steps, doubtful, pictures, [*earlier, *enclosed], label

    @staticmethod
    def _pending(work: Work, steps: list[Step]) -> Pending:
        asked = [step for step in steps if step.type == "model" and step.status == "done"]
        if not asked:
            return []
        work.level = asked[-1].output.get("level", "yours")
        ended = {step.id for step in steps if step.status in {"done", "failed", "denied"}}
        return [(call, step_id) for call, step_id in conversation.calls_of(asked[-1]) if step_id not in ended]

    async def _turn(self, work: Work) -> Pending | None:
        """Ask the model once; return the calls to carry out, ``None`` where the run is completed."""
        self._afford(work)
        started = journal.now()
        regions = self._entitlement.regions(work.ctx.tenant)
        likely = work.session.route.likely(regions)
        with self._tracing.span("chat", *answering.asked(likely), kind=SpanKind.CLIENT) as span:
            trace = Trace.present()
            left = max((work.deadline - started).total_seconds(), 0.001)
            streams = formed.streams(work.agent) and work.voice.begin()
            try:
                async with asyncio.timeout(left):
                    turn = work.session.turn(
                        work.messages.messages(),
                        functions=work.functions,
                        hearer=work.voice if streams else None,
                        history=work.history,
                        regions=regions,
                        seconds=left,
                        schema=work.agent.output,
                    )
                    reply = await self._writer.meanwhile(work, work.grip.while_held(turn))
            except Unanswered as fault:
                answering.tell_attempts(span, fault.attempts)
                await self._note(work, fault, started, trace)
                raise
            if streams:
                await work.voice.end()
            answering.tell(span, work.session.route, reply)
        return await self._record(work, reply, started, trace)

    def _afford(self, work: Work) -> None:
        budget = work.agent.budget
        if work.turns >= budget.model_turns:
            raise BudgetExhausted(f"The run used all its {budget.model_turns} model turns.")
        if journal.now() >= work.deadline:
            raise BudgetExhausted(f"The run used all its {budget.minutes} minutes.")

    async def _note(self, work: Work, fault: Unanswered, started: datetime, trace: Trace) -> None:
        """Keep in the journal who was asked in vain; the run's end follows."""
        if not fault.attempts:
            return
        used = answering.used(fault.attempts)
        cost = work.session.route.spent(fault.attempts, started.date())
        entry = journal.Entry(
            "step", "failed", step_id=new_id("stp"), type="model", name=work.session.route.tier,
            output={"attempts": answering.told(fault.attempts)}, label=work.label.as_json(),
            usage=answering.usage(used, cost), started_at=started, ended_at=journal.now(), trace=trace,
        )  # fmt: skip
        change = journal.Change(
            model_turns=1, input_tokens=used.input_tokens, output_tokens=used.output_tokens, cost=cost
        )
        await self._writer.write(work, [entry], change)

    async def _record(self, work: Work, reply: Reply, started: datetime, trace: Trace) -> Pending | None:
        pending = [(call, new_id("stp")) for call in reply.calls]
        answered = formed.formed(work.agent, reply, work.passages, again=work.corrected)
        cost = work.session.route.cost(reply, started.date())
        used = answering.used(reply.attempts, reply.usage)
        output = {**conversation.said(reply, pending), **formed.noted(answered.unfit)}
        entry = journal.Entry(
            "step", "done", step_id=new_id("stp"), type="model", name=reply.model, output=output, label=work.label.as_json(),
            usage=answering.usage(used, cost), started_at=started, ended_at=journal.now(), trace=trace,
        )  # fmt: skip
        work.turns += 1
        work.level = reply.level
        work.messages.append(Message("assistant", reply.text, reply.calls))
        spent = _spent(used, cost)
        if answered.unfit:
            await self._correct(work, entry, spent, answered.unfit)
        elif reply.calls:
            work.put_off([entry], spent)
        else:
            await self._complete(work, entry, spent, answered, reply.finish_reason)
            return None
        return pending

    async def _complete(
        self, work: Work, entry: journal.Entry, spent: journal.Change, answered: formed.Formed, finish_reason: str
    ) -> None:
        output = answer.output(
            answered.text, work.passages, work.label, data=answered.data, finish_reason=finish_reason
        )
        completed = journal.Change(status="completed", output=output)
        await self._writer.write(work, [entry, journal.Entry("run", "completed")], spent | completed)

    async def _correct(self, work: Work, entry: journal.Entry, spent: journal.Change, unfit: str) -> None:
        """Have the answer asked for once more, and no more than once in a run.

        Raises:
            AnswerUnfit: that was done already.
        """
        if work.corrected:
            await self._writer.write(work, [entry], spent)
            raise AnswerUnfit(f"The model's answer has not the form that this agent promises, twice. {unfit}")
        work.corrected = True
        work.put_off([entry], spent)
        work.messages.append(formed.correction(unfit))


def _spent(used: Usage, cost: Decimal) -> journal.Change:
    return journal.Change(model_turns=1, input_tokens=used.input_tokens, output_tokens=used.output_tokens, cost=cost)
