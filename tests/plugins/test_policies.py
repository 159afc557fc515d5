"""What the shipped policies say, through the shipped agents."""

from dataclasses import replace
from typing import Any

import pytest

from charter import settings
from charter.catalog import loader
from charter.context import Context, Principal
from charter.governance.labels import TRUSTED
from charter.governance.policy import Policies

CATALOG = loader.load(settings.read())
POLICIES = Policies(CATALOG)


def order(minor: int, currency: str = "EUR", **more: Any) -> dict[str, Any]:
    return {"item": "desk", "total": {"minor": minor, "currency": currency}, **more}


def leave(kind: str, end: str = "2027-03-05") -> dict[str, Any]:
    return {"leave_type": kind, "start_date": "2027-03-01", "end_date": end}


@pytest.mark.promise("plugins.policy")
@pytest.mark.parametrize(
    ("name", "agent", "function", "arguments", "outcome", "asks"),
    [
        ("alice", "buyer", "procurement.create_order", order(100_000), "allow", ()),
        ("alice", "buyer", "procurement.create_order", order(100_001), "ask", ("manager",)),
        ("alice", "buyer", "procurement.create_order", order(5_000_000, supplier="Tailspin IT"), "ask", ("manager",)),
        ("alice", "buyer", "procurement.create_order", order(5_000_001), "deny", ()),
        ("alice", "buyer", "procurement.create_order", order(100, "USD"), "deny", ()),
        ("alice", "buyer", "procurement.get_order", {"order_id": "PO-1"}, "allow", ()),
        ("alice", "buyer", "procurement.note_vendor", {"supplier": "x", "text": "y"}, "deny", ()),
        ("bob", "buyer", "procurement.note_vendor", {"supplier": "x", "text": "y"}, "allow", ()),
        ("alice", "buyer", "procurement.pay_invoice", {"invoice": "INV-1", **order(100)}, "deny", ()),
        ("bob", "buyer", "procurement.pay_invoice", {"invoice": "INV-1", **order(100)}, "ask", ("role:buyer",)),
        ("bob", "buyer", "procurement.pay_invoice", {"invoice": "INV-1", **order(1_000_001)}, "deny", ()),
        (
            "alice",
            "employee_assistant",
            "service_desk.create_ticket",
            {"title": "VPN", "priority": "urgent"},
            "allow",
            (),
        ),
        ("alice", "service_desk", "service_desk.close_ticket", {"ticket_id": "INC-1001"}, "ask", ("requester",)),
        ("alice", "employee_assistant", "service_desk.reset_password", {"system": "vpn"}, "ask", ("requester",)),
        ("alice", "employee_assistant", "people.get_leave_balance", {"leave_type": "annual"}, "allow", ()),
        ("alice", "employee_assistant", "people.request_leave", leave("annual"), "allow", ()),
        ("alice", "employee_assistant", "people.request_leave", leave("sick", "2027-04-05"), "allow", ()),
        ("alice", "employee_assistant", "people.request_leave", leave("annual", "2027-04-06"), "ask", ("manager",)),
        ("alice", "employee_assistant", "people.request_leave", leave("unpaid"), "ask", ("manager",)),
        ("alice", "employee_assistant", "people.request_leave", leave("parental"), "ask", ("role:hr",)),
        ("alice", "employee_assistant", "people.request_leave", leave("annual", "next week"), "deny", ()),
        ("mona", "employee_assistant", "people.get_payslip", {"month": "2026-10"}, "allow", ()),
    ],
)
def test_the_house_rules_on_orders_leave_and_support(
    people: dict[str, Context],
    name: str,
    agent: str,
    function: str,
    arguments: dict[str, Any],
    outcome: str,
    asks: tuple,
) -> None:
    spec = CATALOG.function(function)
    verdict = POLICIES.decide(people[name], CATALOG.agents[agent], spec, arguments, label=TRUSTED, level="yours")
    assert (verdict.outcome, verdict.asks) == (outcome, asks)


@pytest.mark.promise("plugins.policy")
@pytest.mark.parametrize(
    "function", sorted(f.full_name for p in CATALOG.plugins.values() for f in p.functions.values())
)
def test_somebody_who_is_no_employee_may_do_nothing(people: dict[str, Context], function: str) -> None:
    stranger = replace(people["alice"], principal=replace(people["alice"].principal, roles=frozenset()))
    agents = [agent for agent in CATALOG.agents.values() if function in agent.functions]
    assert agents
    assert all(function not in POLICIES.visible(stranger, agent) for agent in agents)


def test_a_payslip_is_not_shown_in_teams(people: dict[str, Context]) -> None:
    spec = CATALOG.function("people.get_payslip")
    ctx = replace(people["alice"], channel="teams")
    agent = CATALOG.agents["employee_assistant"]
    verdict = POLICIES.decide(ctx, agent, spec, {"month": "2026-10"}, label=TRUSTED, level="yours")
    assert (verdict.outcome, verdict.policies) == ("deny", ("assistant-payslip-channel",))
    assert "console" in verdict.public


@pytest.mark.promise("plugins.policy")
def test_a_workload_looks_after_orders_and_does_nothing_else() -> None:
    erp = Context("contoso", Principal("erp", "workload", "ERP", frozenset({"workload"})))
    seen = {name: POLICIES.visible(erp, agent) for name, agent in CATALOG.agents.items()}
    assert seen.pop("buyer") == {"procurement.get_order", "procurement.list_orders"}
    assert set(seen.values()) == {frozenset()}
