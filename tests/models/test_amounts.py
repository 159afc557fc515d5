"""Money and numbers in running text."""

import random

import pytest

from charter.models.embedded.amounts import amounts, numbers


@pytest.mark.promise("models.values")
@pytest.mark.parametrize(
    ("said", "minor", "currency"),
    [
        ("for 1,450 EUR", 145000, "EUR"),
        ("for 1.450,00 EUR", 145000, "EUR"),
        ("389.90 euros", 38990, "EUR"),
        ("329,90 Euro", 32990, "EUR"),
        ("1.399 €", 139900, "EUR"),
        ("€36", 3600, "EUR"),
        ("EUR 1450", 145000, "EUR"),
        ("$99.5", 9950, "USD"),
        ("1'450.50 CHF", 145050, "CHF"),
        ("20 pounds", 2000, "GBP"),
        ("1.234.567,89 €", 123456789, "EUR"),
    ],
)
def test_an_amount_is_read_in_english_and_german_spelling(said: str, minor: int, currency: str) -> None:
    assert [(a.minor, a.currency) for a in amounts(said)] == [(minor, currency)]


def test_any_amount_survives_both_spellings() -> None:
    dice = random.Random(7)
    for _ in range(300):
        minor = dice.randrange(1, 10_000_000)
        english = f"{minor / 100:,.2f}"
        german = english.translate(str.maketrans(",.", ".,"))
        for spelled in (f"costs {english} EUR", f"kostet {german} Euro", f"€ {english}", f"{german} €"):
            assert [a.minor for a in amounts(spelled)] == [minor], spelled


@pytest.mark.parametrize("said", ["for 500", "PO-1450 EUR-less", "INV-2050", "euro", "3 chairs"])
def test_a_number_without_a_currency_is_no_amount(said: str) -> None:
    assert amounts(said) == []


def test_numbers_are_read_in_digits_and_words_but_not_in_ids() -> None:
    assert [int(n.value) for n in numbers("a room for twelve people, PO-7781, 48210 kilometres")] == [12, 48210]
