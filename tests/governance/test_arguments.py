from dataclasses import replace
from typing import Any

import pytest

from charter.governance.arguments import LIMIT, InvalidArguments, check, validated
from charter.governance.summary import summary
from tests.governance.world import FUNCTIONS, LARGE, parameters

ORDER = FUNCTIONS["create_order"]


def refused(raw: str, **schema: Any) -> str:
    function = replace(ORDER, parameters=parameters((), **schema)) if schema else ORDER
    with pytest.raises(InvalidArguments) as found:
        validated(function, raw)
    assert str(found.value) == found.value.public
    return found.value.public


def test_arguments_that_fit_are_returned_as_they_are() -> None:
    raw = '{"item": "desk", "total": {"minor": 1, "currency": "EUR"}}'
    assert validated(ORDER, raw) == {"item": "desk", "total": {"minor": 1, "currency": "EUR"}}


def test_no_text_means_no_arguments() -> None:
    assert validated(replace(ORDER, parameters=parameters()), " ") == {}


@pytest.mark.promise("governance.arguments")
def test_an_unknown_argument_is_refused_and_the_known_ones_are_named() -> None:
    public = refused('{"item": "d", "total": {"minor": 1, "currency": "EUR"}, "user": "bob"}')
    assert public == "procurement.create_order has no argument 'user'; it takes item, total, note."


@pytest.mark.promise("governance.arguments")
def test_an_unknown_argument_is_refused_even_where_the_schema_is_open() -> None:
    function = replace(ORDER, parameters={"type": "object", "properties": {}})
    with pytest.raises(InvalidArguments, match="has no argument 'x'; it takes no arguments"):
        validated(function, '{"x": 1}')


@pytest.mark.promise("governance.arguments")
def test_an_unknown_field_inside_an_argument_is_refused() -> None:
    assert "total" in refused('{"item": "d", "total": {"minor": 1, "currency": "EUR", "x": 1}}')


@pytest.mark.promise("governance.arguments")
@pytest.mark.parametrize(
    "raw", ["[]", "null", '"x"', "7", "{", "{'item': 1}", '{"a": NaN}', '{"a": "\\ud800"}', "[" * 5000]
)
def test_what_is_not_one_json_object_is_refused(raw: str) -> None:
    assert "procurement.create_order" in refused(raw)


def test_a_missing_and_a_wrong_argument_are_named() -> None:
    assert refused('{"item": "d"}') == "The call of procurement.create_order is wrong: 'total' is a required property."
    public = refused('{"item": "d", "total": {"minor": "1", "currency": "EUR"}}')
    assert public == "The argument total.minor of procurement.create_order is wrong: '1' is not of type 'integer'."


@pytest.mark.parametrize("value", ["2026-02-30", "tomorrow", "01.02.2026"])
def test_a_date_has_to_be_one(value: str) -> None:
    assert "is not a 'date'" in refused(f'{{"d": "{value}"}}', d={"type": "string", "format": "date"})


def test_sentences_and_arguments_have_a_limit() -> None:
    assert len(refused(f'{{"item": ["{"x" * 5000}"]}}')) < 400
    assert "longer than" in refused("x" * (LIMIT + 1))


def test_a_null_character_is_refused_before_it_reaches_a_database() -> None:
    assert "null character" in refused('{"d": "a\\u0000b"}', d={"type": "string"})


@pytest.mark.promise("governance.arguments")
def test_a_schema_that_cannot_be_applied_refuses() -> None:
    assert "cannot be checked" in refused('{"d": "x"}', d={"type": "string", "pattern": "("})
    assert "cannot be checked" in refused('{"d": "x"}', d={"$ref": "#/nowhere"})
    with pytest.raises(InvalidArguments, match="cannot be checked"):
        check(ORDER, {"item": object()})


def test_a_summary_says_the_exact_call_in_plain_words() -> None:
    assert (
        summary("procurement.create_order", LARGE) == "procurement.create_order: item standing desk, total 1,450.00 EUR"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"total": {"minor": 1500, "currency": "JPY"}}, "total 1,500 JPY"),
        ({"total": {"minor": -5, "currency": "EUR"}}, "total -0.05 EUR"),
        ({"total": {"minor": 1234, "currency": "KWD"}}, "total 1.234 KWD"),
        ({"leave_type": "annual", "half_day": True}, "leave type annual, half day yes"),
        ({"tags": ["a", 2], "note": None}, "tags [a, 2]"),
        ({"address": {"city": "Bonn"}}, "address (city Bonn)"),
        ({"note": 'a, total "1.00 EUR"'}, "note \"a, total '1.00 EUR'\""),
        ({"note": "line\n\u202eone\tmore"}, "note line one more"),
        ({"note": ""}, 'note ""'),
        ({"total": {"minor": 1, "currency": 'EUR", x "1'}}, "total 0.01 \"EUR', x '1\""),
    ],
)
def test_values_in_a_summary_cannot_pose_as_other_words(arguments: dict[str, Any], words: str) -> None:
    assert summary("a.b", arguments) == f"a.b: {words}"


def test_a_long_value_is_cut_and_says_so() -> None:
    said = summary("a.b", {"note": "x" * 1240})
    assert len(said) < 250
    assert "(1,240 characters)" in said


def test_a_call_without_arguments_says_so() -> None:
    assert summary("a.b", {}) == "a.b, without arguments"
