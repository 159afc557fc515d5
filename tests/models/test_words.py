"""Slips of the pen, and what a request is taken apart into."""

from datetime import date

import pytest

from charter.models.embedded.clauses import split
from charter.models.embedded.everyday import EVERYDAY
from charter.models.embedded.options import meant
from charter.models.embedded.reading import Reading
from charter.models.embedded.words import Speller, Text

SPELLER = Speller({"order", "status", "vacation", "payslip", "from", "open", "december", "list"}, EVERYDAY)


@pytest.mark.parametrize(
    ("raw", "clear"),
    [
        ("ordr a lamp", "order a lamp"),
        ("the staus", "the status"),
        ("my vaction until Decmber", "my vacation until december"),
        ("opne tickets", "open tickets"),
        ("the paysilp", "the payslip"),
    ],
)
def test_slips_are_mended_towards_known_words(raw: str, clear: str) -> None:
    assert SPELLER.read(raw).clear == clear


@pytest.mark.parametrize("raw", ["who sent it", "a sky", "Play some music", "the last line", "orders", "x" * 40_000])
def test_right_words_and_long_ones_stay(raw: str) -> None:
    assert SPELLER.read(raw).clear == raw


def test_what_was_really_written_is_found_again() -> None:
    text = SPELLER.read("ordr a vaction keybord now")
    start = text.clear.index("keybord")
    assert text.original(start, start + 7) == "keybord"
    assert text.original(0, len("order a vacation")) == "ordr a vaction"
    part = text.part(len("order "), len(text.clear))
    assert (part.raw, part.clear) == ("a vaction keybord now", "a vacation keybord now")
    assert part.original(2, 10) == "vaction"


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("Order a desk for 300 EUR", 1),
        ("Show PO-1001 and then show INC-1003", 2),
        ("My mouse and keyboard are broken, please open a ticket", 1),
        ("Take leave between 14 and 18 December", 1),
        ("Buy a lamp for 30 EUR and a clock for 20 EUR", 2),
        ("Who is my manager, and what does the policy say on gifts?", 2),
        ("I want a monitor, please order it", 1),
        ("Show me PO-1008 afterwards.", 1),
        ("Vom 7. bis 11. Dezember Urlaub, und danach zeig mir meine Tickets", 2),
        ("", 0),
        ("order a desk. " * 500, 1),
        ("Order a desk for 5 EUR. " * 30, 6),
    ],
)
def test_a_request_is_parted_where_it_asks_for_something_else(said: str, count: int) -> None:
    assert len(split(Reading(Text(said, said), date(2026, 11, 23)))) == count


SYNONYMS = {"annual": ["vacation", "Urlaub"], "unpaid": ["without pay"], "low": ["not urgent"], "urgent": ["asap"]}


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("vacations", ["annual"]),
        ("Urlaubstage", ["annual"]),
        ("unpaid vacation", ["unpaid", "annual"]),
        ("it is not urgent", ["low"]),
        ("this is urgent", ["urgent"]),
        ("a desk", []),
    ],
)
def test_an_option_is_found_by_its_synonyms_the_surest_first(said: str, values: list[str]) -> None:
    assert meant(said, {value: (value, *words) for value, words in SYNONYMS.items()}) == values
