"""Turn, gate, act, append, until the run is done or waits. Every pass can be repeated from the journal."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from opentelemetry.trace import SpanKind

from charter.catalog.spec import Catalog
from charter.errors import BudgetExhausted
from charter.governance.gate import Gate
from charter.governance.labels import Label
from charter.kernel.session import OnText, Session
from charter.models.chat import Message, Reply, ToolCall
from charter.runs import answer, conversation, journal
from charter.runs.calling import Calling
from charter.runs.records import Claim
from charter.runs.run import Step, new_id
from charter.runs.work import Work, recall_passages
from charter.store.database import Database
from charter.telemetry import names
from charter.telemetry.tracing import Trace, Tracing

Pending = list[tuple[ToolCall, str]]


class Loop:
    """Advances one claimed segment of a run."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        sessions: Mapping[str, Session],
        gate: Gate,
        calling: Calling,
        tracing: Tracing,
        history: int,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._sessions = sessions
        self._gate = gate
        self._calling = calling
        self._tracing = tracing
        self._history = history

    async def advance(self, claim: Claim, on_text: OnText | None) -> bool:
        """Work until the run ends (``True``) or waits (``False``).

        Raises:
            Fenced: another process works on this run by now.
            CharterError: the run cannot go on; the caller records why.
        """
        work, pending = await self._open(claim, on_text)
        while True:
            for call, step_id in pending:
                if not await self._calling.carry_out(work, call, step_id):
                    return False
            reply = await self._turn(work)
            if not reply.calls:
                return True
            pending = conversation.calls_of(work.steps[next(reversed(work.steps))])

    async def _open(self, claim: Claim, on_text: OnText | None) -> tuple[Work, Pending]:
        agent = self._catalog.agents[claim.agent]
        session = self._sessions[claim.agent]
        async with self._database.session(claim.ctx) as db:
            steps = await journal.steps(db, claim.run_id)
            earlier, label = await conversation.history(db, claim, self._history)
        for step in steps:
            label = label.joined(Label.from_json(step.label))
        messages = [conversation.system(agent, claim, journal.now().date()), *earlier, *conversation.own(claim, steps)]
        work = Work(
            claim=claim,
            agent=agent,
            session=session,
            messages=messages,
            label=label,
            steps={step.id: step for step in steps},
            deadline=journal.now() + timedelta(minutes=agent.budget.minutes),
            functions=self._gate.visible(claim.ctx, agent),
            on_text=on_text,
            turns=claim.model_turns,
            passages=recall_passages(steps),
        )
        return work, self._pending(work, steps)

    @staticmethod
    def _pending(work: Work, steps: list[Step]) -> Pending:
        asked = [step for step in steps if step.type == "model" and step.status == "done"]
        if not asked:
            return []
        work.level = asked[-1].output.get("level", "yours")
        ended = {step.id for step in steps if step.status in {"done", "failed", "denied"}}
        return [(call, step_id) for call, step_id in conversation.calls_of(asked[-1]) if step_id not in ended]

    async def _turn(self, work: Work) -> Reply:
        self._afford(work)
        started = journal.now()
        deployed = work.session.deployed
        attributes = {
            names.PROVIDER: deployed.provider,
            names.SYSTEM: deployed.provider,
            names.REQUEST_MODEL: deployed.model,
        }
        with self._tracing.span("chat", deployed.model, attributes, kind=SpanKind.CLIENT) as span:
            trace = Trace.present()
            left = (work.deadline - started).total_seconds()
            async with asyncio.timeout(max(left, 0.001)):
                reply = await work.session.turn(work.messages, functions=work.functions, on_text=work.on_text)
            span.set_attributes(
                {
                    names.RESPONSE_MODEL: reply.model,
                    names.INPUT_TOKENS: reply.usage.input_tokens,
                    names.OUTPUT_TOKENS: reply.usage.output_tokens,
                    names.FINISH_REASONS: (reply.finish_reason,),
                }
            )
        await self._record(
            work,
            reply,
            journal.Entry("step", "done", type="model", name=deployed.model, started_at=started, trace=trace),
        )
        return reply

    def _afford(self, work: Work) -> None:
        budget = work.agent.budget
        if work.turns >= budget.model_turns:
            raise BudgetExhausted(f"The run used all its {budget.model_turns} model turns.")
        if journal.now() >= work.deadline:
            raise BudgetExhausted(f"The run used all its {budget.minutes} minutes.")

    async def _record(self, work: Work, reply: Reply, entry: journal.Entry) -> None:
        step_id = new_id("stp")
        calls = [{"id": c.id, "name": c.name, "arguments": c.arguments, "step_id": new_id("stp")} for c in reply.calls]
        cost = work.session.deployed.cost(reply.usage)
        usage = {
            "input_tokens": reply.usage.input_tokens,
            "output_tokens": reply.usage.output_tokens,
            "cost": f"{cost:.6f}",
        }
        output = {"text": reply.text, "calls": calls, "model": reply.model, "level": reply.level}
        entries = [
            journal.Entry(
                "step", "done", step_id=step_id, type="model", name=reply.model, output=output, label=work.label.as_json(), usage=usage,
                started_at=entry.started_at, ended_at=journal.now(), trace=entry.trace,
            )
        ]  # fmt: skip
        change = self._change(work, reply, cost)
        if not reply.calls:
            entries.append(journal.Entry("run", "completed"))
        async with self._database.session(work.ctx) as db:
            seq = await journal.append(db, work.ctx.tenant, work.claim.run_id, work.claim.epoch, entries, change)
        work.turns += 1
        work.level = reply.level
        work.messages.append(Message("assistant", reply.text, reply.calls))
        work.steps[step_id] = Step(
            step_id, seq, "model", reply.model, "done", None, None, output, work.label.as_json(), None, usage,
            journal.now(), journal.now(), None, None,
        )  # fmt: skip

    @staticmethod
    def _change(work: Work, reply: Reply, cost: Decimal) -> journal.Change:
        done = not reply.calls
        return journal.Change(
            status="completed" if done else None,
            output=answer.output(reply.text, work.passages, work.label) if done else None,
            model_turns=1,
            input_tokens=reply.usage.input_tokens,
            output_tokens=reply.usage.output_tokens,
            cost=cost,
        )
