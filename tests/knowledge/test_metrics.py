"""What the evaluation counts, and the set it counts over."""

from math import log2

import pytest

from charter.knowledge.evaluation.asked import Asked, plain, questions
from charter.knowledge.evaluation.metrics import mean, ndcg, recall, reciprocal


@pytest.mark.promise("knowledge.evaluated")
def test_the_set_is_large_and_of_every_kind_in_both_halves() -> None:
    whole = questions()
    answerable = [each for each in whole if each.answerable]

    assert len(answerable) >= 200
    assert len(whole) - len(answerable) >= 30
    assert len({each.text for each in whole if not each.before}) == len([each for each in whole if not each.before])
    kinds = {each.kind for each in whole}
    assert kinds == {
        "natural", "keywords", "letters", "paraphrases", "german", "french", "threads", "unanswerable",
    }  # fmt: skip
    for half in ("tuning", "held out"):
        assert {each.kind for each in whole if each.half == half} == kinds
        assert 0.4 < sum(each.half == half for each in whole) / len(whole) < 0.6


def test_a_passage_answers_by_its_words_whatever_the_marks() -> None:
    asked = Asked("natural", "How long?", "a.md", "the number of days")

    assert asked.answered_by("Settings", "The **number**\n  of `days` to keep.")
    assert asked.answered_by("The number of days", "")
    assert not asked.answered_by("Settings", "The number of hours.")
    assert not Asked("unanswerable", "Who?").answered_by("", "")
    assert plain("A  `b`\nC") == "a b c"


@pytest.mark.promise("knowledge.evaluated")
def test_an_order_is_worth_what_stands_first() -> None:
    order, right = ["x", "a", "y", "b"], {"a", "b"}

    assert recall(order, right) == 1
    assert recall(order, right, at=1) == 0
    assert recall([], right) == 0
    assert reciprocal(order, right) == 0.5
    assert reciprocal(["x"], right) == 0
    best = 1 + 1 / log2(3)
    assert ndcg(order, right) == pytest.approx((1 / log2(3) + 1 / log2(5)) / best)
    assert ndcg(["a", "b"], right) == 1
    assert ndcg(["a", "b"], set()) == 0
    assert ndcg(["x"] * 10 + ["a"], right) == 0


def test_a_mean_tells_how_sure_it_is_and_tells_the_same_each_time() -> None:
    few, many = mean([0.0, 1.0] * 10), mean([0.0, 1.0] * 1000)

    assert few.value == many.value == 0.5
    assert few.low < 0.4 < 0.6 < few.high
    assert many.high - many.low < 0.06
    assert mean([0.0, 1.0] * 10) == few
    assert mean([]).count == 0
