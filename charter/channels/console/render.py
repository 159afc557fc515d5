"""What the pages show, made from the public shapes. Pure: the templates only lay it out."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from charter.channels import wording
from charter.channels.console import markdown, words
from charter.channels.console.markdown import Cited
from charter.context import Context

Json = Mapping[str, Any]
View = dict[str, Any]
PassageAddress = Callable[[str, str], str]
"""Takes a document's and a passage's id and returns where the passage opens."""

_WAITING = {
    "event": "Waiting for an event from another system.",
    "unknown_effect": "A system stopped answering in the middle of a change. Nobody knows whether it happened, so nothing is "
    "repeated until somebody who has looked says so.",
}


def turn(run: Json, approval: Json | None, ctx: Context, now: datetime, passage_at: PassageAddress) -> View:
    """One question and its answer in a thread."""
    output: Json = run["output"] or {}
    waiting: Json = run["waiting"] or {}
    sources = _sources(output.get("citations", ()), passage_at)
    cited = {source["n"]: Cited(source["address"], source["title"]) for source in sources}
    return {
        "id": run["id"],
        "agent": wording.title(run["agent"]),
        "question": run["input"],
        "images": words.images(run.get("images", 0)),
        "status": run["status"],
        "live": run["status"] in {"queued", "running", "waiting"},
        "busy": run["status"] in {"queued", "running"},
        "doing": words.doing(run),
        "cancelled": words.cancelled(run["effects"]) if run["status"] == "cancelled" else "",
        "answer": markdown.answer(str(output.get("text", "")), cited) if output.get("text") else None,
        "untrusted": bool(output.get("contains_untrusted")),
        "sources": sources,
        "effects": [_effect(effect) for effect in run["effects"]],
        "approval": approval_card(approval, ctx, now) if approval else None,
        "waits": _WAITING.get(str(waiting.get("for"))) if not approval else None,
        "error": run["error"],
        "asked_at": run["created_at"],
        "took": words.duration(run["created_at"], run["updated_at"]) if run["status"] == "completed" else "",
        "tokens": words.tokens(run["usage"]),
        "cost": words.cost(run["usage"]),
    }


def _sources(citations: Sequence[Json], passage_at: PassageAddress) -> list[View]:
    return [
        {"n": c["n"], "title": str(c["title"]), "address": passage_at(str(c["document_id"]), str(c["passage_id"]))}
        for c in citations
    ]


def _effect(effect: Json) -> View:
    name, plugin = wording.call_name(effect["function"])
    return {**effect, "name": name, "plugin": plugin, "said": words.said_of(effect)}


def approval_card(approval: Json, ctx: Context, now: datetime) -> View:
    """A question to a person: what exactly is to be done, for whom, why it is asked, and what may be answered."""
    name, plugin = wording.call_name(approval["function"])
    me = ctx.principal.id
    mine = approval["requester"]["id"] == me
    confirmation = approval.get("kind") == "confirmation" or list(approval["approvers"]) in (
        ["requester"],
        [f"user:{approval['requester']['id']}"],
    )
    pending = approval["status"] == "pending"
    expires = words.parsed(approval["expires_at"])
    open_still = pending and (expires is None or expires > now)
    return {
        **approval,
        "name": name,
        "plugin": plugin,
        "details": _details(approval),
        "exact": exact(approval["arguments"]),
        "mine": mine,
        "confirmation": confirmation,
        "open": open_still,
        "status_words": "Expired" if pending and not open_still else words.STATUS[approval["status"]],
        "may_decide": open_still and _may_decide(approval["approvers"], ctx, mine=mine, confirmation=confirmation),
        "who": words.listed([words.approver(who, me) for who in approval["approvers"]]),
        "remaining": words.remaining(approval["expires_at"], now) if pending else "",
        "opens_run": mine or ctx.is_operator,
    }


def _details(approval: Json) -> list[tuple[str, str]]:
    """Every argument in words, in the order of the summary."""
    arguments: Json = approval["arguments"]
    names = wording.arranged(arguments, str(approval["summary"]))
    return [(wording.title(name), words.value(arguments[name])) for name in names]


def _may_decide(approvers: Sequence[str], ctx: Context, *, mine: bool, confirmation: bool) -> bool:
    """Whether to offer the buttons. The gate decides for itself; this only spares people a refusal."""
    if confirmation or mine:
        return confirmation and mine
    names = {f"user:{ctx.principal.id}", *(f"role:{role}" for role in ctx.principal.roles)}
    return not names.isdisjoint(approvers)


def run_row(run: Json, ctx: Context) -> View:
    """One line of the list of runs."""
    return {
        **run,
        "agent_name": wording.title(run["agent"]),
        "status_words": _status_words(run),
        "mine": run["principal"]["id"] == ctx.principal.id,
        "cost": words.cost(run["usage"]),
        "tokens": words.tokens(run["usage"]),
        "took": words.duration(run["created_at"], run["updated_at"])
        if run["status"] in {"completed", "failed", "cancelled"}
        else "",
    }


def _status_words(run: Json) -> str:
    waiting: Json = run["waiting"] or {}
    return "Needs an answer" if waiting.get("for") == "unknown_effect" else words.STATUS[run["status"]]


def run_page(run: Json, approval: Json | None, ctx: Context, now: datetime, passage_at: PassageAddress) -> View:
    """Everything about one run but its steps."""
    row, view = run_row(run, ctx), turn(run, approval, ctx, now, passage_at)
    return {**row, **view, "took": row["took"], "may_cancel": view["live"] and (row["mine"] or ctx.is_operator)}


def opinion(run: Json, given: Json | None, ctx: Context) -> View | None:
    """What the run's person thinks of its answer, to be said by them and read by others; nothing where there is nothing."""
    mine = run["principal"]["id"] == ctx.principal.id
    if given is None and not (mine and run["status"] in {"completed", "failed"}):
        return None
    said: Json = given or {}
    return {
        "mine": mine,
        "who": run["principal"]["id"],
        "reaction": said.get("reaction", ""),
        "said": words.REACTIONS.get(said.get("reaction", ""), "").lower(),
        "reason": words.visible(said.get("reason", "")),
        "choices": [(reaction, reaction, named) for reaction, named in words.REACTIONS.items()],
    }


def step(given: Json) -> View:
    """One step of the timeline."""
    name, plugin = (
        wording.call_name(str(given["name"]))
        if given["type"] in {"function", "retrieval", "approval"}
        else (str(given["name"]), "")
    )
    decision: Json = given["decision"] or {}
    label: Json = given["label"] or {}
    return {
        **given,
        "kind": "Answer" if _is_answer(given) else words.STEP[given["type"]],
        "title": _step_title(given, name),
        "plugin": plugin,
        "status_words": words.STATUS[given["status"]],
        "effect_words": words.EFFECT.get(given["effect"] or "", ""),
        "took": words.duration(given["started_at"], given["ended_at"]) if given["type"] != "message" else "",
        "tokens": words.tokens(given["usage"]),
        "cost": words.cost(given["usage"]),
        "untrusted": label.get("integrity") == "untrusted",
        "readers": ", ".join(str(reader) for reader in label.get("readers", ())),
        "outcome": {"allow": "Allowed", "ask": "A person is asked", "deny": "Denied"}.get(
            decision.get("outcome", ""), ""
        ),
        "verdict": _verdict(given),
        **_answering(given),
        "input_text": exact(given["input"]),
        "output_text": exact(given["output"]),
    }


def _answering(given: Json) -> View:
    """Which deployment answered a model's turn, and which were asked before in vain."""
    kept: Json = (given["output"] or {}) if given["type"] == "model" else {}
    return {"deployment": kept.get("deployment", ""), "attempts": kept.get("attempts", ())}


def _is_answer(given: Json) -> bool:
    """Whether somebody said here what became of an effect that nobody knew of."""
    return given["type"] == "approval" and bool(given["output"]) and "answer" in given["output"]


def _verdict(given: Json) -> str:
    """Who decided, and what they said; empty for a step that nobody decided."""
    if given["type"] != "approval" or not given["output"]:
        return ""
    said: Json = given["output"]
    if "answer" in said:
        return words.answered(said)
    if not said.get("decided_by"):
        return words.STATUS.get(str(said.get("status")), "")
    comment = f": {wording.visible(str(said['comment']))}" if said.get("comment") else ""
    return f"{words.STATUS.get(str(said.get('status')), 'Decided')} by {said['decided_by']}{comment}"


def _step_title(given: Json, name: str) -> str:
    match given["type"]:
        case "message":
            return "Message from the person" if given["name"] == "user" else f"Message ({name})"
        case "approval":
            return f"{'What became of' if _is_answer(given) else 'Decision on'}: {name}"
        case _:
            return name


def exact(data: Any) -> str:
    """Return data as it is: text as text, anything else as indented JSON; empty for none."""
    if data is None:
        return ""
    return wording.visible(data if isinstance(data, str) else json.dumps(data, indent=2, ensure_ascii=False))


def threads(runs: Sequence[Json], ctx: Context) -> list[View]:
    """Return the person's recent threads, newest first, from their runs, newest first."""
    found: dict[str, View] = {}
    for run in runs:
        if run["principal"]["id"] == ctx.principal.id:
            known = found.setdefault(
                run["thread"], {"id": run["thread"], "agent": wording.title(run["agent"]), "at": run["updated_at"]}
            )
            known["title"] = " ".join(run["input"].split())[:80]
    return list(found.values())


def passage(given: Json) -> View:
    """A cited passage within its document: what stands before it, itself, and what follows."""
    whole = given.get("document_text")
    start, end = int(given.get("start") or 0), int(given.get("end") or 0)
    around = isinstance(whole, str) and 0 <= start < end <= len(whole)
    before, cited, behind = (
        (whole[:start], whole[start:end], whole[end:]) if isinstance(whole, str) and around else ("", given["text"], "")
    )
    title, url = str(given["title"]), str(given.get("url") or "")
    # A document often begins with its title, which is the page's heading already.
    shift = 0 if str(whole).startswith(f"# {title}\n") else 1
    before = before.removeprefix(f"# {title}\n")
    return {
        "title": title,
        "untrusted": given.get("integrity") == "untrusted",
        "heading": str(given.get("heading") or ""),
        "url": url if url.startswith(("https://", "http://")) else "",
        "before": markdown.document(before, shift=shift),
        "cited": markdown.document(cited, shift=shift),
        "behind": markdown.document(behind, shift=shift),
    }
