"""What the model is shown: the agent's instructions, the thread so far, and this run's own steps."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg

from charter.catalog.spec import AgentSpec
from charter.governance.labels import Label, joined, untrusted
from charter.models import tokens
from charter.models.chat import Message, Reply, ToolCall
from charter.runs import answering, formed, journal
from charter.runs.records import Claim
from charter.runs.run import Step
from charter.runs.shown import Shown, extract
from charter.store.database import Session

_LOOKED_AT = 100
"""Earlier runs of a thread that are looked at, however long it is."""
_EXTRACT = 400
"""Characters read of what is only mentioned."""
_ASKED, _ANSWERED = 100, 160
"""Characters that the digest keeps of a question and of its answer."""
_NAMED = 8
"""Earlier answers that a label names one by one."""
_DIGEST = "Earlier in this conversation, shortened:"

# Only what was over when this run began: a run that is opened again is shown the same thread. Long texts stay in the
# database: beyond the budget, an extract is read.
_EARLIER = (
    "with newest as (select id, created_at, input, output ->> 'text' as answer, "
    "coalesce((output ->> 'contains_untrusted')::boolean, true) as untrusted from runs where thread = $1 and id <> $2 "
    "and status = 'completed' and created_at < $3 and updated_at < $3 order by created_at desc, id desc limit $4), "
    "sized as (select *, coalesce(sum(length(input) + length(answer)) over (order by created_at desc, id desc "
    "rows between unbounded preceding and 1 preceding), 0) as newer from newest) "
    "select id, created_at, untrusted, left(input, case when newer < $5::int then $5::int else $6::int end) as input, "
    "left(answer, case when newer < $5::int then $5::int else $6::int end) as answer from sized order by created_at desc, id desc"
)


async def history(session: Session, claim: Claim, budget: int) -> tuple[list[Message], Label]:
    """Return the thread's earlier messages within ``budget`` tokens, oldest first, and what may have influenced them.

    The newest exchanges are whole; those before them are one digest, an assistant's message. Answers in the digest, and
    those that it has no room for, count for the label too.
    """
    rows = await session.fetch(
        _EARLIER, claim.thread, claim.run_id, claim.created_at, _LOOKED_AT, (budget + 1) * tokens.BYTES, _EXTRACT
    )
    exchanges = [(Message("user", row["input"]), Message("assistant", row["answer"] or "")) for row in rows]
    whole = _whole(exchanges, budget)
    messages = [message for exchange in reversed(exchanges[:whole]) for message in exchange]
    if whole < len(rows):
        room = budget // 4 if whole else 0
        if not whole:
            whole, messages = 1, _cut(exchanges[0], budget)
        digest = _digest(rows[whole:], room)
        messages = [*digest, *messages]
    return messages, _label(rows)


def _whole(exchanges: Sequence[tuple[Message, Message]], budget: int) -> int:
    """Return how many of the newest exchanges are shown whole; a quarter of the budget is for the others, if any."""
    used = within = 0
    for place, (asked, answered) in enumerate(exchanges, 1):
        used += tokens.of(asked) + tokens.of(answered)
        if used > budget:
            return within
        if used <= budget - budget // 4:
            within = place
    return len(exchanges)


def _cut(exchange: tuple[Message, Message], budget: int) -> list[Message]:
    asked, answered = exchange
    room = budget - 2 * tokens.PER_MESSAGE
    asked = replace(asked, text=tokens.shortened(asked.text, room // 2))
    return [asked, replace(answered, text=tokens.shortened(answered.text, room - tokens.estimate(asked.text)))]


def _digest(rows: Sequence[asyncpg.Record], room: int) -> list[Message]:
    room -= tokens.of(Message("assistant", _DIGEST)) + 1
    lines: list[str] = []
    for row in rows:
        asked, answered = extract(row["input"], _ASKED), extract(row["answer"] or "", _ANSWERED)
        line = f"- {row['created_at']:%Y-%m-%d}, asked: {asked} - answered: {answered}"
        room -= tokens.estimate(line) + 1
        if room < 0:
            break
        lines.append(line)
    return [Message("assistant", "\n".join([_DIGEST, *reversed(lines)]))] if lines else []


def _label(rows: Sequence[asyncpg.Record]) -> Label:
    sources = [f"an earlier answer ({row['id']})" for row in rows if row["untrusted"]]
    # Every step of the run keeps its label: a long thread must not make all of them long.
    if len(sources) > _NAMED:
        sources[_NAMED:] = [f"{len(sources) - _NAMED} answers before those"]
    return joined(untrusted(source) for source in sources)


def system(agent: AgentSpec, claim: Claim, today: date) -> Message:
    """Return the first message. Never a template: braces in instructions are just braces."""
    return Message(
        "system",
        f"{agent.instructions.strip()}\n\nToday is {today:%A}, {today.isoformat()}. You act for {claim.ctx.principal.name}.",
    )


def recall(shown: Shown, steps: Sequence[Step]) -> None:
    """Show what the run has done so far: each model step, and the result of each call that has ended."""
    ended = {
        step.id: step
        for step in steps
        if step.type in {"function", "retrieval"} and step.status not in {"running", "waiting"}
    }
    for step in steps:
        if step.type != "model" or step.status != "done":
            continue
        calls = calls_of(step)
        shown.append(Message("assistant", step.output["text"], tuple(call for call, _ in calls)))
        for call, step_id in calls:
            if step_id in ended:
                shown.append(result(call, ended[step_id].output))
        if unfit := formed.unfit(step):
            shown.append(formed.correction(unfit))


def result(call: ToolCall, output: Any) -> Message:
    """Return what the model is given for its call. Keys are sorted, since the journal does not keep their order."""
    return Message("tool", journal.canonical(output).decode(), call_id=call.id, name=call.name)


def said(reply: Reply, pending: Sequence[tuple[ToolCall, str]]) -> dict[str, Any]:
    """Return what a model step keeps of a reply: its words, why they ended, its calls with the steps that will carry them
    out, who answered, and who was asked before.
    """
    calls = [
        {"id": call.id, "name": call.name, "arguments": call.arguments, "step_id": step_id} for call, step_id in pending
    ]
    kept = {
        "text": reply.text,
        "finish_reason": reply.finish_reason,
        "calls": calls,
        "model": reply.model,
        "level": reply.level,
        "deployment": reply.deployment,
    }
    return {**kept, "attempts": answering.told(reply.attempts)} if reply.attempts else kept


def calls_of(step: Step) -> list[tuple[ToolCall, str]]:
    """Return the calls that a model step asked for, each with the id of the step that carries it out."""
    return [(ToolCall(c["id"], c["name"], c["arguments"]), c["step_id"]) for c in step.output.get("calls", ())]
