"""The form of an answer: what makers are asked for, and what is held against it here."""

from typing import Any

import pytest

from charter.models import form, tokens
from charter.models.chat import Image, Message
from charter.models.form import Unfit

SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Leave",
    "additionalProperties": False,
    "required": ["days", "title", "rest"],
    "properties": {
        "days": {"type": "integer", "minimum": 0, "maximum": 30},
        "title": {"type": "string", "maxLength": 5, "description": "A property may be called like a keyword."},
        "rest": {
            "anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "string", "format": "date"}, "maxItems": 2}]
        },
    },
}
GOOD = '{"days": 3, "title": "yes", "rest": null}'


@pytest.mark.promise("models.form")
def test_bounds_that_not_every_maker_takes_are_left_out_and_nothing_else() -> None:
    assert form.asked(SCHEMA) == {
        "type": "object",
        "additionalProperties": False,
        "required": ["days", "title", "rest"],
        "properties": {
            "days": {"type": "integer"},
            "title": {"type": "string", "description": "A property may be called like a keyword."},
            "rest": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "string"}}]},
        },
    }


@pytest.mark.promise("models.form")
@pytest.mark.parametrize("text", [GOOD, f"\n{GOOD}\n", f"```json\n{GOOD}\n```", f"```\n{GOOD}\n```"])
def test_an_answer_with_the_form_is_its_value(text: str) -> None:
    assert form.read(text, SCHEMA) == (GOOD, {"days": 3, "title": "yes", "rest": None})


@pytest.mark.promise("models.form")
@pytest.mark.parametrize(("text", "words"), [
    ("Three days.", "not JSON"),
    (f"Here it is: {GOOD}", "not JSON"),
    ('{"days": 3, "title": "yes", "rest": null', "not JSON"),
    ('{"days": 31, "title": "yes", "rest": null}', "At /days: 31 is greater than the maximum of 30"),
    ('{"days": 3, "title": "yes indeed", "rest": null}', "At /title"),
    ('{"days": 3, "title": "yes"}', "'rest' is a required property"),
    ('{"days": 3, "title": "yes", "rest": null, "more": 1}', "'more' was unexpected"),
    ('{"days": 3, "title": "\\u0000", "rest": null}', "null character"),
    ("[]", "At /"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(Unfit) as fault:
        form.read(text, SCHEMA)
    assert words in fault.value.public
    assert len(fault.value.public) <= 300


@pytest.mark.promise("models.images")
def test_an_image_counts_as_the_largest_that_a_maker_makes_of_one() -> None:
    plain = Message("user", "What is this?")
    shown = Message("user", "What is this?", images=(Image("image/png", b"1"), Image("image/png", b"2" * 100_000)))
    assert tokens.of(shown) - tokens.of(plain) == 2 * max(tokens.IMAGE.values())
    assert tokens.IMAGE["openai"] == 1445
