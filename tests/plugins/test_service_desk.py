"""The service desk plugin as employees meet it."""

import pytest

from charter.plugin import FunctionFailed
from tests.plugins.calling import Systems


@pytest.mark.promise("plugins.service_desk")
async def test_a_ticket_lives_from_its_opening_to_its_end(systems: Systems) -> None:
    opened = await systems.call("alice", "service_desk.create_ticket", title="The screen flickers", priority="high")
    ticket_id = opened["ticket_id"]
    assert (ticket_id, opened["status"], opened["priority"]) == ("INC-1101", "open", "high")

    await systems.call("alice", "service_desk.add_comment", ticket_id=ticket_id, text="Only in the morning.")
    foreign = {"author": "Service Desk 1", "text": "Please try another cable."}
    await systems.admin("service_desk", f"tickets/{ticket_id}/comments", "POST", foreign)
    await systems.admin("service_desk", f"tickets/{ticket_id}", "PATCH", {"assigned_to": "Service Desk 1"})
    ticket = await systems.call("alice", "service_desk.get_ticket", ticket_id=ticket_id)
    assert (ticket["assigned_to"], ticket["category"]) == ("Service Desk 1", "other")
    assert [comment["author"] for comment in ticket["comments"]] == ["alice", "Service Desk 1"]

    closed = await systems.call("alice", "service_desk.close_ticket", ticket_id=ticket_id)
    assert closed == {"ticket_id": ticket_id, "status": "closed"}
    for function, more in (("close_ticket", {}), ("add_comment", {"text": "Still there."})):
        with pytest.raises(FunctionFailed, match="is closed") as refused:
            await systems.call("alice", f"service_desk.{function}", ticket_id=ticket_id, **more)
        assert refused.value.status == 409


async def test_everybody_sees_their_own_tickets(systems: Systems) -> None:
    mine = await systems.call("alice", "service_desk.list_tickets", status="open")
    assert {ticket["ticket_id"] for ticket in mine["tickets"]} == {"INC-1001", "INC-1003"}
    everything = await systems.call("alice", "service_desk.list_tickets")
    assert len(everything["tickets"]) == 3
    with pytest.raises(FunctionFailed, match="You have no ticket INC-1004"):
        await systems.call("alice", "service_desk.get_ticket", ticket_id="INC-1004")


@pytest.mark.promise("plugins.service_desk")
async def test_a_password_is_reset_once_an_hour_and_never_shown(systems: Systems) -> None:
    sent = await systems.call("alice", "service_desk.reset_password", idempotency="k", system="vpn")
    assert (sent["status"], sent["system"]) == ("sent", "vpn")
    assert "password" not in sent
    assert await systems.call("alice", "service_desk.reset_password", idempotency="k", system="vpn") == sent
    with pytest.raises(FunctionFailed, match="within the last hour"):
        await systems.call("alice", "service_desk.reset_password", system="vpn")
    [row] = (await systems.admin("service_desk", "resets"))["resets"]
    assert (row["tenant"], row["person"]) == ("contoso", "alice")


async def test_a_ticket_without_a_title_is_refused(systems: Systems) -> None:
    with pytest.raises(FunctionFailed, match="not valid") as refused:
        await systems.call("alice", "service_desk.create_ticket", title="x")
    assert refused.value.status == 422
