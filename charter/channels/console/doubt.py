"""The card of an effect of which nobody knows whether it happened, and what people have said about it. Pure."""

from collections.abc import Sequence

from charter.channels import wording
from charter.channels.console import render, words
from charter.channels.console.render import Json, View
from charter.context import Context

ANSWERED = {"happened": "It happened", "retry": "It did not happen; it is tried again", "give_up": "Given up"}


def waits_for(run: Json) -> str | None:
    """Return the step whose effect the run waits to be told of; ``None``: it waits for nothing of the kind."""
    waiting: Json = run["waiting"] or {}
    return str(waiting["step_id"]) if waiting.get("for") == "unknown_effect" else None


def card(run: Json, steps: Sequence[Json], step_id: str, ctx: Context) -> View | None:
    """What was called, for whom, since when it is unclear, who has said what, and whether this person may answer.

    ``None``: the run has no such step.
    """
    step = next((step for step in steps if step["id"] == step_id), None)
    if step is None:
        return None
    name, plugin = wording.call_name(step["name"])
    open_still = waits_for(run) == step_id
    mine = run["principal"]["id"] == ctx.principal.id
    return {
        "id": step_id,
        "run_id": run["id"],
        "name": name,
        "plugin": plugin,
        "function": step["name"],
        "irreversible": step["effect"] == "irreversible",
        "details": _details(step["input"]),
        "exact": render.exact(step["input"]),
        "requester": run["principal"]["id"],
        "mine": mine,
        "called_at": step["started_at"],
        "since": run["waiting"]["since"] if open_still else None,
        "open": open_still,
        "may_answer": open_still and (mine or ctx.is_operator),
        "answers": [_answer(each) for each in steps if _is_about(each, step_id)],
        "note": _note(step["output"]),
    }


def _details(arguments: Json | None) -> list[tuple[str, str]]:
    return [(wording.title(name), words.value(value)) for name, value in (arguments or {}).items()]


def _is_about(step: Json, step_id: str) -> bool:
    if step["type"] != "approval" or not step["output"]:
        return False
    asked: Json = step["input"] or {}
    return "answer" in step["output"] and asked.get("step_id") == step_id


def _answer(step: Json) -> View:
    said: Json = step["output"]
    known = ANSWERED.get(str(said["answer"]), str(said["answer"]))
    return {"words": known, "by": said["answered_by"], "at": step["ended_at"]}


def _note(result: Json | None) -> str:
    """Return what the agent is told in place of a result by somebody who said that it happened."""
    return wording.visible(str(result["note"])) if result and set(result) == {"note"} else ""
