"""The HR plugin as employees meet it."""

from datetime import date, datetime

import pytest

from charter.plugin import FunctionFailed
from tests.plugins.calling import Systems

THIS_YEAR = datetime.now().astimezone().year
YEAR = THIS_YEAR + 1
MARCH = {"leave_type": "annual", "start_date": f"{YEAR}-03-01", "end_date": f"{YEAR}-03-05"}


@pytest.mark.promise("plugins.caller")
async def test_everybody_sees_their_own_leave(systems: Systems) -> None:
    alice = await systems.call("alice", "people.get_leave_balance", leave_type="annual")
    bob = await systems.call("bob", "people.get_leave_balance", leave_type="annual")
    frank = await systems.call("frank", "people.get_leave_balance", leave_type="annual")

    assert alice == {
        "leave_type": "annual",
        "year": THIS_YEAR,
        "entitled_days": 30,
        "booked_days": 9,
        "remaining_days": 21,
    }
    assert (bob["remaining_days"], frank["remaining_days"]) == (15, 12)
    calls = (await systems.admin("people", "calls"))["calls"]
    assert [(call["tenant"], call["caller"]) for call in calls] == [
        ("contoso", "alice"),
        ("contoso", "bob"),
        ("fabrikam", "frank"),
    ]


async def test_a_balance_that_hr_changes_is_told_at_once(systems: Systems) -> None:
    changed = {"tenant": "contoso", "employee": "dora", "leave_type": "annual", "days": 40}
    await systems.admin("people", "entitlements", "PUT", changed)
    balance = await systems.call("dora", "people.get_leave_balance", leave_type="annual")
    assert (balance["entitled_days"], balance["remaining_days"]) == (40, 30)


@pytest.mark.promise("plugins.people")
async def test_leave_counts_working_days_and_takes_them_from_the_balance(systems: Systems) -> None:
    booked = await systems.call("alice", "people.request_leave", **MARCH)
    first = date(YEAR, 3, 1)
    working = sum(date.fromordinal(first.toordinal() + n).weekday() < 5 for n in range(5))
    assert (booked["days"], booked["status"], booked["remaining_days"]) == (working, "booked", 30 - working)
    listed = await systems.call("alice", "people.list_leave_requests", status="booked")
    assert listed["requests"][0]["request_id"] == booked["request_id"]


async def test_leave_over_new_year_is_taken_from_both_years(systems: Systems) -> None:
    days = {"leave_type": "unpaid", "start_date": f"{YEAR}-12-27", "end_date": f"{YEAR + 1}-01-05"}
    booked = await systems.call("alice", "people.request_leave", **days)
    first, last = date(YEAR, 12, 27), date(YEAR, 12, 31)
    in_old_year = sum(date.fromordinal(n).weekday() < 5 for n in range(first.toordinal(), last.toordinal() + 1))
    assert booked["remaining_days"] == 20 - in_old_year
    assert booked["days"] > in_old_year


@pytest.mark.promise("plugins.people")
@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"end_date": f"{YEAR}-05-30"}, 409, "You have 30 days of annual leave left"),
        ({"end_date": f"{YEAR}-02-01"}, 422, "before the first"),
        ({"end_date": f"{YEAR + 2}-03-05"}, 422, "more than a year"),
        ({"start_date": "next Monday"}, 422, "not valid at start_date"),
        ({"leave_type": "sabbatical"}, 422, "not valid at leave_type"),
    ],
)
async def test_leave_that_cannot_be_is_refused_with_a_sentence(
    systems: Systems, change: dict[str, str], status: int, sentence: str
) -> None:
    with pytest.raises(FunctionFailed) as refused:
        await systems.call("alice", "people.request_leave", **{**MARCH, **change})
    assert (refused.value.status, refused.value.happened) == (status, False)
    assert sentence in refused.value.public
    ledger = (await systems.admin("people", "leave"))["leave"]
    assert not [row for row in ledger if row["start_date"] == f"{YEAR}-03-01"]


@pytest.mark.promise("plugins.people")
async def test_overlapping_leave_is_refused_until_the_first_is_cancelled(systems: Systems) -> None:
    booked = await systems.call("alice", "people.request_leave", **MARCH)
    with pytest.raises(FunctionFailed, match="You have leave from"):
        await systems.call("alice", "people.request_leave", **{**MARCH, "leave_type": "sick"})
    cancelled = await systems.call("alice", "people.cancel_leave_request", request_id=booked["request_id"])
    assert cancelled == {"request_id": booked["request_id"], "status": "cancelled"}
    with pytest.raises(FunctionFailed, match="cancelled already"):
        await systems.call("alice", "people.cancel_leave_request", request_id=booked["request_id"])
    assert (await systems.call("alice", "people.request_leave", **MARCH))["status"] == "booked"


async def test_nobody_cancels_the_leave_of_another(systems: Systems) -> None:
    with pytest.raises(FunctionFailed) as refused:
        await systems.call("bob", "people.cancel_leave_request", request_id="LR-1001")
    assert refused.value.status == 404


async def test_manager_and_team_are_those_on_record(systems: Systems) -> None:
    assert (await systems.call("alice", "people.get_manager"))["employee_id"] == "bob"
    team = await systems.call("bob", "people.list_team")
    assert {member["employee_id"] for member in team["members"]} == {"alice", "carol", "dora", "edgar", "gitta"}
    with pytest.raises(FunctionFailed, match="no manager on record"):
        await systems.call("bob", "people.get_manager")


async def test_a_payslip_is_one_of_the_past(systems: Systems) -> None:
    month = f"{THIS_YEAR - 1}-10"
    slip = await systems.call("alice", "people.get_payslip", month=month)
    assert slip["gross"] == {"minor": 432000, "currency": "EUR"}
    assert slip["net"]["minor"] < slip["gross"]["minor"]
    with pytest.raises(FunctionFailed, match="no payslip"):
        await systems.call("alice", "people.get_payslip", month=f"{YEAR}-10")
