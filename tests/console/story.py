"""A morning at contoso: agents, documents, and runs in every state a page has to show."""

from datetime import UTC, datetime, timedelta
from typing import Any

from charter.context import Context
from charter.runs.run import Run
from tests.console.memory import MemoryRuns, question

HOSTILE = '<script>window.taken = true</script><img src=x onerror="window.taken = true">'

AGENTS: list[dict[str, Any]] = [
    {
        "name": "employee_assistant",
        "description": "Answers questions about leave, travel and equipment, and files requests for you.",
        "owner": "hr@contoso.example",
        "model": {"tier": "standard", "level": "assistance"},
        "functions": [
            {"name": "people.get_leave_balance", "effect": "read"},
            {"name": "people.request_leave", "effect": "write"},
            {"name": "knowledge.search", "effect": "read"},
        ],
        "starters": [
            "How many days of annual leave do I have left?",
            "What may a hotel cost in Munich?",
            "Request annual leave from 1 to 5 December",
        ],
    },
    {
        "name": "buyer",
        "description": "Orders equipment within the purchasing policy.",
        "owner": "procurement@contoso.example",
        "model": {"tier": "standard", "level": "assistance"},
        "functions": [
            {"name": "procurement.search_catalogue", "effect": "read"},
            {"name": "procurement.create_order", "effect": "write"},
            {"name": "procurement.pay_invoice", "effect": "irreversible"},
        ],
        "starters": ["Order a standing desk for 1,450 EUR from Nordic Desks", "Where is my order PO-8080?"],
    },
    {
        "name": "service_desk",
        "description": "Opens and follows tickets when something does not work.",
        "owner": "it@contoso.example",
        "model": {"tier": "fast", "level": "yours"},
        "functions": [{"name": "service_desk.create_ticket", "effect": "write"}],
        "starters": ["My laptop does not start", "What is the state of my tickets?"],
    },
]

_POLICY = """# Travel policy

This policy holds for everyone who travels for Contoso, in Germany and abroad.

## Booking

Book trains and flights through the travel desk at least **seven days** before you leave. Economy class is the rule; on
flights of more than six hours premium economy may be booked with the manager's consent.

## Hotels

A night may cost up to 140 EUR in Munich, Hamburg and Frankfurt, and up to 110 EUR elsewhere in Germany. Breakfast is
paid in addition. Where a fair makes this impossible, ask your manager *before* you book.

| Place | Most per night |
|---|---|
| Munich, Hamburg, Frankfurt | 140 EUR |
| Elsewhere in Germany | 110 EUR |
| Abroad | as the table of the tax office says |

## Expenses

Hand in receipts within 30 days after the journey. What comes later is not paid.
"""
_START = _POLICY.index("A night may cost")
_END = _POLICY.index("\n\n|")
_HOSTILE_TEXT = f"Before. {HOSTILE} Behind."

PASSAGES: dict[tuple[str, str], dict[str, Any]] = {
    ("doc_travel", "psg_hotels"): {
        "title": "Travel policy",
        "heading": "Hotels",
        "url": "https://intranet.contoso.example/travel-policy",
        "text": _POLICY[_START:_END],
        "start": _START,
        "end": _END,
        "document_text": _POLICY,
        "integrity": "trusted",
        "tenants": ("contoso",),
    },
    ("doc_hostile", "psg_hostile"): {
        "title": f"Notes {HOSTILE}",
        "heading": HOSTILE,
        "url": "javascript:window.taken=true",
        "text": HOSTILE,
        "start": 8,
        "end": 8 + len(HOSTILE),
        "document_text": _HOSTILE_TEXT,
        "integrity": "untrusted",
        "tenants": ("contoso",),
    },
}

ORDER = {
    "item": "Standing desk, oak, 160 × 80 cm",
    "supplier": "Nordic Desks",
    "total": {"minor": 145000, "currency": "EUR"},
    "deliver_by": "2026-12-12",
}


def used(turns: int, tokens_in: int, tokens_out: int, amount: str) -> dict[str, Any]:
    return {
        "model_turns": turns,
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "cost": {"amount": amount, "currency": "EUR"},
    }


def _ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def balance(runs: MemoryRuns, alice: Context) -> Run:
    """A finished question with one call."""
    begun = _ago(hours=26)
    run = runs.add(alice, "employee_assistant", "How many days of annual leave do I have left?", created_at=begun)
    runs.step(run.id, "message", "user", "done", input=run.input, started_at=begun, ended_at=begun)
    tokens = {"input_tokens": 812, "output_tokens": 24, "cost": "0.000900"}
    runs.step(
        run.id, "model", "embedded", "done", usage=tokens, started_at=begun, ended_at=begun + timedelta(milliseconds=340),
        output={"text": "", "calls": [{"name": "people.get_leave_balance", "arguments": '{"leave_type":"annual"}'}]},
    )  # fmt: skip
    runs.step(
        run.id, "function", "people.get_leave_balance", "done", effect="read", input={"leave_type": "annual"},
        output={"leave_type": "annual", "days_left": 12.5},
        decision={"outcome": "allow", "policies": ["own-leave"], "reason": "Everyone may read their own leave."},
        started_at=begun, ended_at=begun + timedelta(milliseconds=95),
    )  # fmt: skip
    runs.finish(
        run.id, "You have **12.5 days** of annual leave left this year.", usage=used(2, 1650, 61, "0.0019"),
        updated_at=begun + timedelta(seconds=1.2),
    )  # fmt: skip
    return runs.runs[run.id]


def hotel(runs: MemoryRuns, alice: Context, thread: str) -> Run:
    """A finished question that a document answers."""
    begun = _ago(hours=25)
    run = runs.add(alice, "employee_assistant", "What may a hotel cost in Munich?", thread=thread, created_at=begun)
    runs.step(
        run.id,
        "retrieval",
        "knowledge.search",
        "done",
        effect="read",
        input={"query": "hotel Munich"},
        started_at=begun,
    )
    cited = {
        "n": 1, "document_id": "doc_travel", "passage_id": "psg_hotels", "title": "Travel policy",
        "url": "https://intranet.contoso.example/travel-policy", "start": _START, "end": _END,
    }  # fmt: skip
    runs.finish(
        run.id, "A night may cost up to 140 EUR in Munich, Hamburg and Frankfurt; breakfast is paid in addition. [1]",
        citations=[cited], usage=used(2, 2210, 88, "0.0026"), updated_at=begun + timedelta(seconds=2.4),
    )  # fmt: skip
    return runs.runs[run.id]


def order(runs: MemoryRuns, alice: Context, **fields: Any) -> Run:
    """An order that waits for the manager."""
    arguments = fields.pop("arguments", ORDER)
    begun = _ago(minutes=9)
    run = runs.add(alice, "buyer", "Order a standing desk for 1,450 EUR from Nordic Desks", created_at=begun)
    runs.step(run.id, "message", "user", "done", input=run.input, started_at=begun, ended_at=begun)
    runs.step(
        run.id, "function", "procurement.create_order", "waiting", key="call", effect="write", input=arguments, started_at=begun,
        decision={
            "outcome": "ask", "policies": ["order-large"], "reason": "Orders above 1,000 EUR need the manager.",
        },
    )  # fmt: skip
    runs.park(run.id, question(run, "procurement.create_order", arguments, ("user:bob",), **fields))
    return runs.runs[run.id]


def confirmation(runs: MemoryRuns, alice: Context) -> Run:
    """A request that alice herself must confirm, because a small model filled it in."""
    begun = _ago(minutes=3)
    run = runs.add(alice, "employee_assistant", "Request annual leave from 1 to 5 December", created_at=begun)
    arguments = {"leave_type": "annual", "start": "2026-12-01", "end": "2026-12-05"}
    runs.step(run.id, "function", "people.request_leave", "waiting", key="call", effect="write", input=arguments)
    reason = "A small model read these values from your words. Check them before anything is changed."
    runs.park(
        run.id,
        question(
            run, "people.request_leave", arguments, ("user:alice",), kind="confirmation", reason=reason,
            policies=("embedded-confirms",), expires_at=datetime.now(UTC) + timedelta(hours=71, minutes=57),
        ),
    )  # fmt: skip
    return runs.runs[run.id]


def payment(runs: MemoryRuns, alice: Context) -> Run:
    """A payment of which nobody knows whether it happened."""
    begun = _ago(minutes=6)
    run = runs.add(alice, "buyer", "Pay invoice 4711 of Nordic Desks", created_at=begun)
    runs.step(run.id, "message", "user", "done", input=run.input, started_at=begun, ended_at=begun)
    arguments = {
        "invoice": "4711",
        "supplier": "Nordic Desks",
        "amount": {"minor": 145000, "currency": "EUR"},
        "pay_on": "2026-12-12",
    }
    step = runs.step(
        run.id, "function", "procurement.pay_invoice", "running", key="call", effect="irreversible", input=arguments,
        started_at=begun, decision={"outcome": "allow", "policies": ["pay"], "reason": "Approved by bob."},
    )  # fmt: skip
    runs.doubt(run.id, step)
    return runs.runs[run.id]


def ordered(runs: MemoryRuns, alice: Context) -> Run:
    """An order that was approved, placed, and has a receipt."""
    begun = _ago(days=3)
    run = runs.add(alice, "buyer", "Order two monitors for 1,180 EUR from Bright Screens", created_at=begun)
    arguments = {
        "item": "Monitor, 27 inch",
        "quantity": 2,
        "supplier": "Bright Screens",
        "total": {"minor": 118000, "currency": "EUR"},
    }
    asked = question(
        run, "procurement.create_order", arguments, ("user:bob",), status="approved", decided_by="bob",
        decided_at=begun + timedelta(hours=5), comment="Fine, they replace the broken ones.",
    )  # fmt: skip
    runs.questions[asked.id] = asked
    runs.step(
        run.id, "function", "procurement.create_order", "done", key="call", effect="write", input=arguments,
        output={"order_id": "PO-8081", "status": "placed"}, started_at=begun, ended_at=begun + timedelta(hours=5),
        decision={"outcome": "allow", "policies": ["order-large"], "reason": "Approved by bob."},
    )  # fmt: skip
    effects = [{"step_id": f"stp_{run.id[-4:]}_call", "function": "procurement.create_order", "outcome": "done"}]
    runs.finish(
        run.id, "Order **PO-8081** has been placed with Bright Screens: 2 × Monitor, 27 inch, EUR 1,180.00.", effects=effects,
        usage=used(2, 1912, 74, "0.0022"), updated_at=begun + timedelta(hours=5, seconds=2),
    )  # fmt: skip
    return runs.runs[run.id]


def broken(runs: MemoryRuns, alice: Context) -> Run:
    """A run that failed, with what to do."""
    run = runs.add(alice, "service_desk", "What is the state of my tickets?", created_at=_ago(days=2))
    runs.step(
        run.id, "function", "service_desk.list_tickets", "denied", effect="read", input={}, output={"error": "Not permitted."},
        decision={"outcome": "deny", "policies": ["no-guests"], "reason": "Guests see no tickets."},
    )  # fmt: skip
    problem = {
        "title": "The model does not answer.", "detail": "The model did not answer within 60 seconds.",
        "action": "Try again shortly.", "status": 503, "code": "model_unavailable", "trace_id": run.trace_id,
    }  # fmt: skip
    runs.finish(run.id, status="failed", error=problem)
    return runs.runs[run.id]


def hostile(runs: MemoryRuns, alice: Context) -> Run:
    """A run whose every text tries to become part of the page."""
    run = runs.add(alice, "employee_assistant", HOSTILE, created_at=_ago(minutes=40))
    runs.step(
        run.id, "function", "people.get_leave_balance", "done", effect="read", input={"leave_type": HOSTILE},
        output={"note": HOSTILE}, label={"integrity": "untrusted", "readers": [HOSTILE]},
        decision={"outcome": "allow", "policies": [HOSTILE], "reason": HOSTILE},
    )  # fmt: skip
    cited = {
        "n": 1,
        "document_id": "doc_hostile",
        "passage_id": "psg_hostile",
        "title": HOSTILE,
        "url": "",
        "start": 0,
        "end": 1,
    }
    text = f"{HOSTILE} [1] [a link](javascript:window.taken=true) ![a picture](https://evil.example/p.png)\n\n```\n{HOSTILE}\n```"
    runs.finish(run.id, text, citations=[cited], contains_untrusted=True)
    return runs.runs[run.id]


def morning(runs: MemoryRuns, people: dict[str, Context]) -> None:
    """Put everything in."""
    alice, bob = people["alice"], people["bob"]
    ordered(runs, alice)
    broken(runs, alice)
    first = balance(runs, alice)
    hotel(runs, alice, first.thread)
    order(runs, alice, influenced_by=("a supplier's remark",))
    confirmation(runs, alice)
    cancelled = runs.add(bob, "buyer", "Pay invoice 4711", created_at=_ago(days=1))
    runs.finish(cancelled.id, status="cancelled")
