"""The ERP plugin as employees, buyers and the effect ledger meet it."""

import asyncio

import pytest

from charter.plugin import FunctionFailed
from tests.plugins.calling import Systems

DESK = {"item": "standing desk", "total": {"minor": 145000, "currency": "EUR"}}


@pytest.mark.promise("plugins.caller")
async def test_an_order_is_placed_as_the_person_who_asks(systems: Systems) -> None:
    placed = await systems.call("alice", "procurement.create_order", **DESK)
    assert placed["order_id"] == "PO-8001"
    assert (placed["status"], placed["supplier"]) == ("placed", "Northwind Office Furniture")
    assert placed["total"] == {"minor": 145000, "currency": "EUR"}

    order = await systems.call("alice", "procurement.get_order", order_id="PO-8001")
    assert (order["placed_by"], order["item"], order["description"]) == ("alice", "Standing desk", None)
    [row] = [o for o in (await systems.admin("procurement", "orders"))["orders"] if o["order_id"] == "PO-8001"]
    assert (row["tenant"], row["placed_by"], row["item"]) == ("contoso", "alice", "standing desk")


@pytest.mark.promise("plugins.keys")
async def test_the_same_key_with_the_same_order_is_one_order(systems: Systems) -> None:
    answers = await asyncio.gather(
        *(systems.call("alice", "procurement.create_order", idempotency="run_1.stp_1", **DESK) for _ in range(5))
    )
    assert {answer["order_id"] for answer in answers} == {"PO-8001"}
    other = await systems.call("alice", "procurement.create_order", idempotency="run_1.stp_2", **DESK)
    assert other["order_id"] == "PO-8002"


@pytest.mark.promise("plugins.keys")
async def test_the_same_key_with_another_order_is_refused(systems: Systems) -> None:
    await systems.call("alice", "procurement.create_order", idempotency="run_1.stp_1", **DESK)
    with pytest.raises(FunctionFailed) as refused:
        await systems.call("alice", "procurement.create_order", idempotency="run_1.stp_1", **{**DESK, "item": "mirror"})
    assert refused.value.status == 409
    assert (await systems.call("bob", "procurement.create_order", idempotency="run_1.stp_1", **DESK))[
        "order_id"
    ] == "PO-8002"


@pytest.mark.promise("plugins.procurement")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": {"minor": 0, "currency": "EUR"}}, "total/minor"),
        ({"total": {"minor": 12.5, "currency": "EUR"}}, "total/minor"),
        ({"total": {"minor": 100, "currency": "BTC"}}, "total/currency"),
        ({"item": ""}, "item"),
        ({"supplier": "Nobody Ever"}, "There is no supplier"),
        ({"supplier": "Office"}, "There is no supplier"),
    ],
)
async def test_an_order_that_is_not_valid_is_refused_and_says_where(
    systems: Systems, change: dict[str, object], field: str
) -> None:
    with pytest.raises(FunctionFailed, match=field) as refused:
        await systems.call("alice", "procurement.create_order", **{**DESK, **change})
    assert (refused.value.status, refused.value.happened) == (422, False)


async def test_what_the_catalogue_does_not_have_is_ordered_in_free_words(systems: Systems) -> None:
    placed = await systems.call("alice", "procurement.create_order", item="aquarium", total=DESK["total"])
    assert placed["supplier"] == "Contoso Office Supplies"
    order = await systems.call("alice", "procurement.get_order", order_id=placed["order_id"])
    assert (order["item"], order["description"]) == (None, "aquarium")


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("standing desk", "Standing desk"),
        ("noise cancelling headphones", "Headset"),
        ("höhenverstellbarer Schreibtisch", "Standing desk"),
        ("monitors", "Monitor 27 inch"),
    ],
)
async def test_the_catalogue_is_searched_by_words(systems: Systems, query: str, best: str) -> None:
    found = await systems.call("alice", "procurement.search_catalogue", query=query)
    assert found["articles"][0]["name"] == best
    assert (await systems.call("alice", "procurement.search_catalogue", query="submarine"))["articles"] == []


@pytest.mark.promise("plugins.procurement")
async def test_an_employee_sees_own_orders_and_a_buyer_all_of_the_tenant(systems: Systems) -> None:
    mine = await systems.call("alice", "procurement.list_orders")
    assert {order["placed_by"] for order in mine["orders"]} == {"alice"}
    everybody = await systems.call("bob", "procurement.list_orders")
    assert {order["placed_by"] for order in everybody["orders"]} == {"alice", "bob", "dora"}
    shipped = await systems.call("bob", "procurement.list_orders", status="shipped")
    assert [order["order_id"] for order in shipped["orders"]] == ["PO-7781"]
    for name, order_id in (("alice", "PO-7790"), ("alice", "PO-7501"), ("bob", "PO-7501"), ("alice", "PO-9999")):
        with pytest.raises(FunctionFailed) as refused:
            await systems.call(name, "procurement.get_order", order_id=order_id)
        assert refused.value.status == 404


@pytest.mark.promise("plugins.procurement")
async def test_a_note_is_found_by_the_key_it_was_written_with(systems: Systems) -> None:
    note = {"supplier": "Tailspin IT", "text": "Invoices come late."}
    with pytest.raises(FunctionFailed) as refused:
        await systems.call("bob", "procurement.find_vendor_note", key="run_7.stp_2")
    assert refused.value.status == 404
    written = await systems.call("bob", "procurement.note_vendor", idempotency="run_7.stp_2", **note)
    found = await systems.call("bob", "procurement.find_vendor_note", key="run_7.stp_2")
    assert found == {"note_id": written["note_id"], **note}
    with pytest.raises(FunctionFailed, match="Only buyers"):
        await systems.call("alice", "procurement.note_vendor", **note)


@pytest.mark.promise("plugins.procurement")
async def test_an_invoice_is_paid_in_full_once_and_by_a_buyer(systems: Systems) -> None:
    total = {"minor": 98000, "currency": "EUR"}
    with pytest.raises(FunctionFailed, match="Only buyers"):
        await systems.call("alice", "procurement.pay_invoice", invoice="INV-2001", total=total)
    with pytest.raises(FunctionFailed, match=r"over 980\.00 EUR"):
        await systems.call("bob", "procurement.pay_invoice", invoice="INV-2001", total={**total, "minor": 98001})
    paid = await systems.call("bob", "procurement.pay_invoice", invoice="INV-2001", total=total)
    assert paid["status"] == "paid"
    with pytest.raises(FunctionFailed, match="paid already"):
        await systems.call("bob", "procurement.pay_invoice", invoice="INV-2001", total=total)
    with pytest.raises(FunctionFailed, match="no invoice"):
        await systems.call("bob", "procurement.pay_invoice", invoice="INV-9999", total=total)
    ledger = (await systems.admin("procurement", "payments"))["payments"]
    assert [row["paid_by"] for row in ledger if row["invoice"] == "INV-2001"] == ["bob"]
