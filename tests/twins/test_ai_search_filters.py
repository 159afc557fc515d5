"""Filters of the AI Search twin: random ones held against an evaluation that shares nothing with it, and hostile ones."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from charter.twins.ai_search import filters
from charter.twins.ai_search.fields import Field, field
from charter.twins.ai_search.refusals import Refused

FIELDS: dict[str, Field] = {
    each.name: each
    for each in (
        field(given, permissions=False)
        for given in (
            {"name": "id", "type": "Edm.String", "key": True},
            {"name": "name", "type": "Edm.String"},
            {"name": "pages", "type": "Edm.Int32"},
            {"name": "price", "type": "Edm.Double"},
            {"name": "open", "type": "Edm.Boolean"},
            {"name": "order", "type": "Edm.DateTimeOffset"},
            {"name": "tags", "type": "Collection(Edm.String)"},
            {"name": "sizes", "type": "Collection(Edm.Int32)"},
            {"name": "hidden", "type": "Edm.String", "filterable": False},
        )
    )
}
NAMES = ["", "O'Neill", "a|b", "a, b", "Größe", "line\nbreak", "') or true or ('", "and", "null", "日本", "x"]
MOMENTS = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-12-31T23:59:59.5Z"]
Pair = tuple[str, Callable[[dict[str, Any]], bool]]
"""A filter as text, and what it means."""


def _document(random: Random, at: int) -> dict[str, Any]:
    return {
        "id": f"d{at}",
        "name": random.choice([*NAMES, None]),
        "pages": random.choice([None, -1, 0, 1, 2, 3]),
        "price": random.choice([None, 0.5, 1.0, 2.5]),
        "open": random.choice([None, True, False]),
        "order": random.choice([None, *MOMENTS]),
        "tags": random.sample(NAMES, random.randint(0, 3)),
        "sizes": [random.randint(0, 4) for _ in range(random.randint(0, 3))],
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _spelt(random: Random, name: str, word: str, value: Any, wanted: str) -> Pair:
    turned = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}.get(word, word)
    text = f"{name} {word} {wanted}" if random.random() < 0.7 else f"{wanted} {turned} {name}"

    def means(document: dict[str, Any]) -> bool:
        own = document[name]
        match word:
            case "eq":
                return own == value
            case "ne":
                return own != value
            case _ if own is None or value is None:
                return False
            case "gt":
                return own > value
            case "ge":
                return own >= value
            case "lt":
                return own < value
            case _:
                return own <= value

    return text, means


def _comparison(random: Random) -> Pair:
    word = random.choice(["eq", "ne", "gt", "ge", "lt", "le"])
    match random.choice(["name", "pages", "price", "open"]):
        case "name":
            value = random.choice([*NAMES, None])
            return _spelt(random, "name", word, value, "null" if value is None else _quoted(value))
        case "pages":
            number = random.choice([-1, 0, 1, 2, None])
            return _spelt(random, "pages", word, number, json.dumps(number))
        case "price":
            price = random.choice([0.5, 1, 2.5, 1e0])
            return _spelt(random, "price", word, price, json.dumps(price))
        case _:
            value = random.choice([True, False, None])
            return _spelt(random, "open", random.choice(["eq", "ne"]), value, json.dumps(value))


def _collection(random: Random) -> Pair:
    some = random.sample(NAMES, 2)
    match random.randint(0, 4):
        case 0:
            return f"tags/any(t: t eq {_quoted(some[0])} or t eq {_quoted(some[1])})", lambda d: any(
                t in some for t in d["tags"]
            )
        case 1:
            return f"tags/all(t: t ne {_quoted(some[0])})", lambda d: some[0] not in d["tags"]
        case 2:
            return "tags/any()", lambda d: bool(d["tags"])
        case 3:
            listed = [each for each in some if each and "\x1f" not in each]
            return (
                f"tags/any(t: search.in(t, {_quoted(chr(31).join(listed))}, '{chr(31)}'))",
                lambda d: any(t in listed for t in d["tags"]),
            )
        case _:
            number = random.randint(0, 4)
            return f"sizes/all(s: s lt {number} or s ge 4)", lambda d: all(s < number or s >= 4 for s in d["sizes"])


def _filter(random: Random, depth: int) -> Pair:
    if depth == 0 or random.random() < 0.2:
        return random.choice([_comparison, _collection])(random)
    if random.random() < 0.25:
        text, means = _filter(random, depth - 1)
        return f"not ({text})", lambda d: not means(d)
    parts = [_filter(random, depth - 1) for _ in range(random.randint(2, 3))]
    word, joined = random.choice([("and", all), ("or", any)])
    inner = [f"({text})" for text, _ in parts]
    return f" {word} ".join(inner), lambda d: joined(means(d) for _, means in parts)


@pytest.mark.promise("twins.search-filters")
def test_two_thousand_random_filters_mean_what_an_independent_evaluation_says() -> None:
    random = Random(5)
    documents = [_document(random, at) for at in range(40)]
    for _ in range(2_000):
        text, means = _filter(random, random.randint(0, 3))
        test = filters.tested(text, FIELDS)
        assert [test(each) for each in documents] == [means(each) for each in documents], text


@pytest.mark.promise("twins.search-filters")
@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("pages eq 1 or pages eq 2 and pages eq 3", True), ("(pages eq 1 or pages eq 2) and pages eq 3", False),
        ("not (pages eq 2) and pages eq 1", True), ("open", True), ("not open", False), ("true", True), ("false", False),
        ("order eq 2026-01-01T01:00:00+01:00", True), ("order lt 2026-01-01T00:00Z", False), ("price lt 1e1", True),
        ("search.in(name, 'a b,x')", True), ("search.in(name, 'x y|z', '|')", False), ("search.in(name, 'z|x', '|')", True),
        ("name eq 'x'and pages eq 1", True), ("price lt INF", True), ("\n pages\teq 1 ", True),
    ],
)  # fmt: skip
def test_precedence_literals_and_functions_are_the_services(text: str, holds: bool) -> None:
    document: dict[str, Any] = {
        "name": "x",
        "pages": 1,
        "price": 2.5,
        "open": True,
        "order": MOMENTS[0],
        "tags": [],
        "sizes": [],
    }
    assert filters.tested(text, FIELDS)(document) is holds


@pytest.mark.promise("twins.search-filters")
@pytest.mark.parametrize(
    "text",
    [
        "", "pages", "name", "not pages eq 1", "pages eq", "eq 1", "pages = 1", "pages eq '1'", "name eq 1", "open gt true",
        "nobody eq 1", "hidden eq 'x'", "tags eq 'x'", "name/any(n: n eq 'x')", "tags/any(t: t ne 'x')", "tags/any(t: t gt 'x')",
        "tags/all(t: t eq 'x')", "tags/any(t: t eq 'x' and t eq 'y')", "tags/any(t: name eq 'x')", "tags/any(t: true)",
        "tags/any(name: name eq 'x')", "tags/any(t: tags/any(u: u eq 'x'))", "search.in(pages, '1')", "search.in(name)",
        "name eq 'x' --", "name eq 'x'; drop", "name eq 'x' or 'y'", "name eq \"x\"", "name eq 'x", "name in ('x')",
        "search.ismatch('x')", "geo.distance(name, geography'POINT(1 2)') lt 3", "contains(name, 'x')", "1 eq 1",
        "order eq 2026-13-01T00:00:00Z", "order eq '2026-01-01'", "(" * 50_000, "not (" * 20_000 + "true" + ")" * 20_000,
        " or ".join(["pages eq 1"] * 4_000), "search.in(name, 'x', '')", "a/b eq 1", "pages eq 1 AND pages eq 2",
    ],
)  # fmt: skip
def test_what_is_no_filter_of_these_fields_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        filters.tested(text, FIELDS)
    assert refusal.value.status == 400
