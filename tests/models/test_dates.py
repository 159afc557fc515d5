"""Days as people say them, seen from Monday, 23 November 2026."""

from datetime import date

import pytest

from charter.models.embedded.dates import months, period

TODAY = date(2026, 11, 23)


@pytest.mark.promise("models.values")
@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("from 14 to 18 December", "2026-12-14", "2026-12-18"),
        ("between December 14 and 18, 2026", "2026-12-14", "2026-12-18"),
        ("14th of December until 3 January", "2026-12-14", "2027-01-03"),
        ("from 2026-12-21 to 2026-12-24", "2026-12-21", "2026-12-24"),
        ("on the 10th and 11th of December", "2026-12-10", "2026-12-11"),
        ("Monday, December 7 to Friday, December 11", "2026-12-07", "2026-12-11"),
        ("on 4 March", "2027-03-04", "2027-03-04"),
        ("today and tomorrow", "2026-11-23", "2026-11-24"),
        ("the day after tomorrow", "2026-11-25", "2026-11-25"),
        ("on Thursday", "2026-11-26", "2026-11-26"),
        ("next Thursday", "2026-12-03", "2026-12-03"),
        ("Friday next week", "2026-12-04", "2026-12-04"),
        ("next week Monday to Wednesday", "2026-11-30", "2026-12-02"),
        ("next week", "2026-11-30", "2026-12-04"),
        ("in two weeks on Tuesday", "2026-12-08", "2026-12-08"),
        ("for three days from 7 December", "2026-12-07", "2026-12-09"),
        ("5 days starting 10 December", "2026-12-10", "2026-12-16"),
        ("for 2 weeks from 7 December", "2026-12-07", "2026-12-18"),
        ("Christmas Eve", "2026-12-24", "2026-12-24"),
        ("last Friday", "2026-11-20", "2026-11-20"),
        ("I paid on 3 November", "2026-11-03", "2026-11-03"),
        ("vom 7. bis 11. Dezember", "2026-12-07", "2026-12-11"),
        ("14.-18.12.", "2026-12-14", "2026-12-18"),
        ("vom 14.12. bis 18.12.2026", "2026-12-14", "2026-12-18"),
        ("von Montag bis Mittwoch nächster Woche", "2026-11-30", "2026-12-02"),
        ("nächste Woche Dienstag", "2026-12-01", "2026-12-01"),
        ("übermorgen", "2026-11-25", "2026-11-25"),
        ("heute bis Freitag", "2026-11-23", "2026-11-27"),
    ],
)
def test_days_are_understood_in_english_and_german(said: str, first: str, last: str) -> None:
    found = period(said, TODAY)
    assert found is not None
    assert (str(found.first), str(found.last)) == (first, last)


@pytest.mark.parametrize(
    ("said", "first", "last", "days"),
    [
        ("starting on 21 December", "2026-12-21", None, None),
        ("ab Donnerstag", "2026-11-26", None, None),
        ("from Thursday on", "2026-11-26", None, None),
        ("until 23 December", None, "2026-12-23", None),
        ("for three days", None, None, 3),
        ("on Monday and Wednesday", None, None, None),
    ],
)
def test_what_is_left_open_is_not_guessed(said: str, first: str | None, last: str | None, days: int | None) -> None:
    found = period(said, TODAY)
    assert found is not None
    told = [day and str(day) for day in (found.first, found.last)]
    assert (*told, found.days) == (first, last, days)


@pytest.mark.parametrize(
    "said", ["", "Guten Morgen", "May I?", "I sat on a chair", "PO-1014", "29 February 2027", "12 desks"]
)
def test_words_that_name_no_day_give_none(said: str) -> None:
    assert period(said, TODAY) is None


def test_a_leap_day_is_a_day_in_a_leap_year_only() -> None:
    found = period("29 February 2028", TODAY)
    assert found is not None
    assert str(found.first) == "2028-02-29"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("my payslip for October", ["2026-10"]),
        ("for December", ["2025-12"]),
        ("last month", ["2026-10"]),
        ("vom August", ["2026-08"]),
        ("for August and September", ["2026-08", "2026-09"]),
        ("2026-03", ["2026-03"]),
        ("May I see it?", []),
        ("for May", ["2026-05"]),
    ],
)
def test_a_month_without_a_year_has_begun_already(said: str, expected: list[str]) -> None:
    assert [value for value, _ in months(said, TODAY)] == expected
