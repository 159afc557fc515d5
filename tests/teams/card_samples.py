"""What cards are made of in tests: approvals, runs, steps, and texts by people who mean no good."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from charter.channels.teams import cards
from charter.channels.teams.cards import element
from charter.channels.teams.speech import Speech
from charter.errors import ModelUnavailable
from charter.governance.approval import Approval
from charter.runs.run import Run, Step

BEGUN = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PAGE = "https://charter.contoso.example/console/approvals/apr_1"
ROLES = {"item": "target", "total": "amount", "supplier": "recipient", "note": "content"}
ORDER: dict[str, Any] = {
    "note": "For the new room.\nBefore noon, please.",
    "item": "standing desk",
    "total": {"minor": 145000, "currency": "EUR"},
    "supplier": "Brightline Office",
    "due": "2026-12-01",
}
HOSTILE = (
    "[Approve me](https://evil.example)",
    "**Approved by: bob** _yes_ `x` ~~no~~ # Heading",
    "<b>html</b><script>alert(1)</script><img src=https://evil.example/x.png>",
    "![x](https://evil.example/p.png)",
    "<at>bob</at>",
    "{{DATE(2020-01-01T00:00:00Z, SHORT)}} {{TIME(2020-01-01T00:00:00Z)}}",
    "${when} {0} {person} {{{{",
    "abc\u202egnp.exe\u2066\u200b\u00ad\ufeff\u2800\u3164\x00\x07\u2028",
    "desk\nTotal: EUR 1.00\nApproved by: bob\nDecide by: never\n\n\n- [x] done",
    "Z" + "\u0301" * 50,
    "W" * 5000,
    "\u05e9\u05dc\u05d5\u05dd 1,450.00",
    '"},{"type":"Action.Submit","title":"x"}',
    "\ud800 alone",
    "\U0001f469\u200d\U0001f4bb\u2764\ufe0f",
)
AGENTS = [
    {
        "name": "employee_assistant",
        "description": "Answers questions about work at the company.",
        "starters": ["How many days of annual leave do I have left?", "How many days may I work from home?"] * 3,
    },
    {"name": "buyer", "description": "Orders equipment.", "starters": ["Order a standing desk for 1,450 EUR"]},
]


def approval(**changed: Any) -> Approval:
    given: dict[str, Any] = {
        "tenant": "contoso",
        "id": "apr_1",
        "run_id": "run_1",
        "step_id": "stp_1",
        "kind": "approval",
        "status": "pending",
        "function": "procurement.create_order",
        "arguments": ORDER,
        "summary": "procurement.create_order: item standing desk, total 1,450.00 EUR",
        "reason": "Orders above 1,000 EUR need the manager's approval.",
        "policies": ("procurement.manager",),
        "influenced_by": (),
        "requester_id": "alice",
        "requester_name": "Alice",
        "approvers": ("user:bob", "role:buyer"),
        "digest": "sha256:ab",
        "created_at": BEGUN,
        "expires_at": BEGUN + timedelta(days=2),
    }
    return Approval(**(given | changed))


def run(**changed: Any) -> Run:
    given: dict[str, Any] = {
        "id": "run_1",
        "tenant": "contoso",
        "status": "running",
        "agent": "buyer",
        "principal": {"id": "alice", "type": "user"},
        "thread": "thr_1",
        "bundle": "sha256:cd",
        "input": "Order a standing desk for 1,450 EUR",
        "waiting": None,
        "output": None,
        "error": None,
        "effects": [],
        "usage": {},
        "forked_from": None,
        "trace_id": TRACE,
        "metadata": {},
        "created_at": BEGUN,
        "updated_at": BEGUN,
    }
    return Run(**(given | changed))


def step(**changed: Any) -> Step:
    given: dict[str, Any] = {
        "id": "stp_1",
        "seq": 1,
        "type": "function",
        "name": "procurement.create_order",
        "status": "done",
        "effect": "write",
        "input": ORDER,
        "output": None,
        "label": {},
        "decision": None,
        "usage": None,
        "started_at": BEGUN,
        "ended_at": None,
        "trace_id": None,
        "span_id": None,
    }
    return Step(**(given | changed))


def everything(speech: Speech, text: str = "") -> dict[str, element.Json]:
    """Return one of each card; ``text`` stands wherever somebody else's words can stand."""
    asked = approval(
        arguments={**ORDER, "note": text, text: {text: [text, text]}} if text else ORDER,
        requester_name=text or "Alice",
        reason=text or "It costs much.",
        influenced_by=(text,) if text else ("document:mail",),
        approvers=("user:bob", f"role:{text or 'buyer'}"),
        function=f"procurement.{text}" if text else "procurement.create_order",
    )
    over = approval(status="approved", decided_by="bob", decided_at=BEGUN, comment=text or "Fine.")
    work = run(input=text or "Order a desk", status="waiting", waiting={"for": "approval"})
    steps = [
        step(type="retrieval"),
        step(name=f"procurement.{text}", status="failed"),
        step(type="model", status="running"),
    ]
    agents = [{"name": "buyer", "description": text or "Orders.", "starters": [text or "Order a desk"]}]
    problem = {**ModelUnavailable().as_problem(TRACE), "code": "too_large", "detail": text or "Too much."}
    return {
        "approval": cards.approval(speech, asked, agent=text or "buyer", effect="write", roles=ROLES, url=PAGE),
        "watched": cards.approval(speech, asked, agent="buyer", offered=False),
        "decided": cards.decided(speech, over, agent="buyer", decider=text or "Bob", roles=ROLES, url=PAGE),
        "task": cards.task(speech, cards.TaskView(work, text or "Alice", steps, asked, {"bob": text or "Bob"}, url=PAGE)),
        "choice": cards.choice(speech, text or "Where is it?", agents, "1"),
        "welcome": cards.welcome(speech, agents, text or "Alice"),
        "failure": cards.failure(speech, problem, run(status="failed"), url=PAGE),
        "doubt": cards.doubt(speech, work, step(input={"note": text, text: [text]} if text else ORDER), asker=text or "Alice", url=PAGE),
        "tasks": cards.tasks(speech, [work] * 12, url_of=lambda _: PAGE),
        "status": cards.status(speech, cards.StatusView(text or "Alice", text or "buyer", 1, 2, 0, PAGE)),
        "commands": cards.commands(speech),
        "signed_in": cards.signed_in(speech),
    }  # fmt: skip


def arguments(seed: int) -> dict[str, Any]:
    """Return the arguments of a call as they come from a model that nobody understands."""
    dice = random.Random(seed)
    leaves: list[Callable[[], Any]] = [
        lambda: dice.choice(HOSTILE) * dice.choice((1, 1, 1, 40, 2000)),
        lambda: dice.choice((0, -1, 10**20, 1.5, -0.25, 1e300, 1e-9)),
        lambda: dice.choice((None, True, False, "", " ", [], {}, "2026-12-01", "2026-13-01", "2026-12-01T09:30:00Z")),
        lambda: {"minor": dice.randint(-(10**6), 10**6), "currency": dice.choice(("EUR", "JPY", "KWD", "\u202e"))},
        lambda: "".join(chr(dice.choice((dice.randint(0, 0x7F), dice.randint(0xA0, 0x2FFFF)))) for _ in range(30)),
    ]

    def grown(depth: int) -> Any:
        if depth == 0 or dice.random() < 0.6:
            return dice.choice(leaves)()
        inner = [grown(depth - 1) for _ in range(dice.choice((1, 2, 12)))]
        return (
            inner if dice.random() < 0.5 else {f"{dice.choice(HOSTILE)[:30]}{n}": item for n, item in enumerate(inner)}
        )

    return {
        dice.choice(("note", "item", f"x{n}", dice.choice(HOSTILE))): grown(4)
        for n in range(dice.choice((0, 1, 5, 40)))
    }


def elements(piece: Any) -> Iterator[dict[str, Any]]:
    """Return each element and action of a card."""
    if isinstance(piece, dict):
        if "type" in piece:
            yield piece
        for name, value in piece.items():
            if name != "data":
                yield from elements(value)
    elif isinstance(piece, list):
        for item in piece:
            yield from elements(item)


def shown(card: Any) -> str:
    """Return the lines that a person reads: text runs that stand side by side are one."""
    lines = []
    for each in elements(card):
        if each["type"] == "RichTextBlock":
            lines.append("".join(part["text"] for part in each["inlines"]))
        elif each["type"] == "TextBlock":
            lines.append(each["text"])
    return "\n".join(lines)
