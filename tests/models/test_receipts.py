"""Receipts: templates of plugins over results of anywhere."""

import pytest

from charter.models.chat import Hint
from charter.models.embedded.receipts import Receipts, day, money


def receipt(template: str, result: object) -> str:
    return Receipts().receipt(Hint("p-do_it", "", "write", (), receipt=template), "p-do_it", {"note": "n"}, result)


def test_money_and_days_are_written_for_people() -> None:
    assert money({"minor": 145000, "currency": "EUR"}) == "1,450.00 EUR"
    assert money({"minor": 5, "currency": "USD"}) == "0.05 USD"
    assert (day("2026-12-14"), day("2026-12-14T09:00:00Z")) == ("14 December 2026", "14 December 2026")


def test_a_receipt_has_the_result_and_the_arguments() -> None:
    template = "{{ result.id }} for {{ result.total | money }}{% for line in result.lines %}\n- {{ line }}{% endfor %} ({{ arguments.note }})"
    result = {"id": "PO-1", "total": {"minor": 100, "currency": "EUR"}, "lines": ["a", "b"]}
    assert receipt(template, result) == "PO-1 for 1.00 EUR\n- a\n- b (n)"


@pytest.mark.promise("models.receipts")
@pytest.mark.parametrize(
    "template",
    [
        "{{ result.missing }}",
        "{{ result.id.__class__.__mro__ }}",
        "{{ result.update(id=1) }}",
        "{% broken",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_that_fails_or_reaches_out_gives_the_plain_fields(template: str) -> None:
    assert receipt(template, {"id": "PO-1", "items": [1]}) == "Done: do it (id PO-1)."


def test_words_of_the_result_are_not_taken_for_a_template() -> None:
    assert receipt("{{ result.text }}", {"text": "{{ 7 * 7 }}"}) == "{{ 7 * 7 }}"
