"""The main journey over REST: ask, wait for the manager, order once, as the person who asked."""

import random

import pytest

from tests.running import RunningHost


@pytest.mark.promise("journey.balance")
async def test_alice_learns_her_leave_balance_from_the_people_system(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "How many days of annual leave do I have left?")

    assert run["status"] == "completed"
    ledger = await host.sandbox("people", "/_sandbox/calls")
    mine = [call for call in ledger["calls"] if call["caller"] == "alice"]
    assert mine, "the people system never saw alice"
    [step] = [s for s in await host.timeline("alice", run["id"]) if s["type"] == "function"]
    assert str(step["output"]["remaining_days"]) in run["output"]["text"]


@pytest.mark.promise("journey.order")
async def test_an_order_above_the_limit_is_placed_once_after_the_manager_approved(host: RunningHost) -> None:
    item, amount = f"standing desk {random.randrange(10**6)}", random.randrange(110_000, 400_000)
    run = await host.ask("alice", "buyer", f"Order a {item} for {amount / 100:.2f} EUR")
    assert run["status"] == "waiting"
    assert run["waiting"]["for"] == "approval"
    assert await _orders(host, item) == []

    approval = await host.pending("bob", run["id"])
    assert approval["arguments"] == {"item": item, "total": {"minor": amount, "currency": "EUR"}}
    assert approval["approvers"] == ["user:bob"]
    answer = await host.decide("bob", approval, "approve", comment="Fine.")
    assert (answer.status, answer.body["status"]) == (200, "approved")
    done = await host.settled("alice", run["id"], "completed")

    [order] = await _orders(host, item)
    assert order["placed_by"] == "alice"
    assert order["order_id"] in done["output"]["text"]
    assert [e["outcome"] for e in done["effects"]] == ["done"]
    again = await host.decide("bob", approval, "approve")
    assert again.status == 200
    assert len(await _orders(host, item)) == 1


async def test_an_order_below_the_limit_needs_nobody(host: RunningHost) -> None:
    item = f"keyboard {random.randrange(10**6)}"
    run = await host.ask("alice", "buyer", f"Order a {item} for 89.90 EUR")

    assert run["status"] == "completed"
    assert [o["total"] for o in await _orders(host, item)] == [{"minor": 8990, "currency": "EUR"}]


@pytest.mark.promise("journey.rejected")
async def test_a_rejected_order_is_not_placed_and_the_model_hears_why(host: RunningHost) -> None:
    item = f"sofa {random.randrange(10**6)}"
    run = await host.ask("alice", "buyer", f"Order a {item} for 2,300 EUR")
    approval = await host.pending("bob", run["id"])
    await host.decide("bob", approval, "reject", comment="Too soft.")
    done = await host.settled("alice", run["id"], "completed")

    assert await _orders(host, item) == []
    assert "Too soft." in done["output"]["text"]


@pytest.mark.promise("approval.not-self")
async def test_the_one_who_asked_cannot_approve_their_own_order(host: RunningHost) -> None:
    run = await host.ask("bob", "buyer", "Pay invoice INV-2001 over 980.00 EUR")
    approval = await host.pending("carol", run["id"])
    answer = await host.decide("bob", approval, "approve")

    assert (answer.status, answer.body["code"]) == (403, "self_approval")
    assert (await host.run("bob", run["id"]))["status"] == "waiting"


@pytest.mark.promise("approval.approver")
async def test_somebody_who_is_not_asked_cannot_approve(host: RunningHost) -> None:
    run = await host.ask("alice", "buyer", "Order a lamp for 1,999 EUR")
    approval = await host.pending("bob", run["id"])
    for name, status in (("dora", 403), ("alice", 403), ("mona", 404)):
        assert (await host.decide(name, approval, "approve")).status == status
    assert (await host.run("alice", run["id"]))["status"] == "waiting"


@pytest.mark.promise("approval.digest")
async def test_a_decision_on_another_call_is_refused(host: RunningHost) -> None:
    run = await host.ask("alice", "buyer", "Order a mirror for 1,250 EUR")
    approval = await host.pending("bob", run["id"])
    answer = await host.decide("bob", {**approval, "digest": "sha256:" + "0" * 64}, "approve")

    assert (answer.status, answer.body["code"]) == (409, "digest_mismatch")
    assert (await host.run("alice", run["id"]))["status"] == "waiting"


async def test_a_call_that_no_policy_permits_is_denied_and_nothing_happens(host: RunningHost) -> None:
    item = f"yacht {random.randrange(10**6)}"
    run = await host.ask("alice", "buyer", f"Order a {item} for 90,000 EUR")

    assert run["status"] == "completed"
    [step] = [s for s in await host.timeline("alice", run["id"]) if s["type"] == "function"]
    assert step["status"] == "denied"
    assert step["decision"]["outcome"] == "deny"
    assert await _orders(host, item) == []


@pytest.mark.promise("labels.untrusted-asks")
async def test_an_order_after_untrusted_text_was_read_asks_the_manager(host: RunningHost) -> None:
    item = f"cable {random.randrange(10**6)}"
    run = await host.ask("alice", "buyer", f"Where is PO-7781, then order a {item} for 20 EUR")

    assert run["status"] == "waiting"
    approval = await host.pending("bob", run["id"])
    assert any("procurement.get_order" in source for source in approval["influenced_by"])
    assert await _orders(host, item) == []


async def _orders(host: RunningHost, item: str) -> list[dict]:
    ledger = await host.sandbox("procurement", "/_sandbox/orders")
    return [order for order in ledger["orders"] if order["item"] == item]
