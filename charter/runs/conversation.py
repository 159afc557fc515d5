"""What the model is shown: the agent's instructions, the thread so far, and this run's own steps."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson

from charter.catalog.spec import AgentSpec
from charter.governance.labels import TRUSTED, Label, untrusted
from charter.models.chat import Message, Reply, ToolCall
from charter.runs.records import Claim
from charter.runs.run import Step
from charter.store.database import Session


async def history(session: Session, claim: Claim, limit: int) -> tuple[list[Message], Label]:
    """Return the thread's earlier messages, oldest first, and what they may have been influenced by."""
    rows = await session.fetch(
        "select id, input, output from runs where thread = $1 and id <> $2 and status = 'completed' and created_at < $3 "
        "order by created_at desc limit $4",
        claim.thread,
        claim.run_id,
        claim.created_at,
        limit // 2,
    )
    messages: list[Message] = []
    label = TRUSTED
    for row in reversed(rows):
        messages += [Message("user", row["input"]), Message("assistant", row["output"]["text"])]
        if row["output"]["contains_untrusted"]:
            label = label.joined(untrusted(f"an earlier answer ({row['id']})"))
    return messages, label


def system(agent: AgentSpec, claim: Claim, today: date) -> Message:
    """Return the first message. Never a template: braces in instructions are just braces."""
    return Message(
        "system",
        f"{agent.instructions.strip()}\n\nToday is {today:%A}, {today.isoformat()}. You act for {claim.ctx.principal.name}.",
    )


def own(claim: Claim, steps: Sequence[Step]) -> list[Message]:
    """Return this run's messages: the input, each model step, and the result of each call that has ended."""
    messages = [Message("user", claim.input)]
    ended = {
        step.id: step
        for step in steps
        if step.type in {"function", "retrieval"} and step.status not in {"running", "waiting"}
    }
    for step in steps:
        if step.type != "model" or step.status != "done":
            continue
        calls = calls_of(step)
        messages.append(Message("assistant", step.output["text"], tuple(call for call, _ in calls)))
        messages += [
            Message("tool", orjson.dumps(ended[step_id].output).decode(), call_id=call.id, name=call.name)
            for call, step_id in calls
            if step_id in ended
        ]
    return messages


def said(reply: Reply, pending: Sequence[tuple[ToolCall, str]]) -> dict[str, Any]:
    """Return what a model step keeps of a reply: its words, and its calls with the steps that will carry them out."""
    calls = [
        {"id": call.id, "name": call.name, "arguments": call.arguments, "step_id": step_id} for call, step_id in pending
    ]
    return {"text": reply.text, "calls": calls, "model": reply.model, "level": reply.level}


def calls_of(step: Step) -> list[tuple[ToolCall, str]]:
    """Return the calls that a model step asked for, each with the id of the step that carries it out."""
    return [(ToolCall(c["id"], c["name"], c["arguments"]), c["step_id"]) for c in step.output.get("calls", ())]
