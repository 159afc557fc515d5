"""Answers from documents, word for word."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.evals.exam import Sitting
from tests.models.conftest import Desk
from tests.models.test_assistance import body, called

TRAVEL = (
    "Business trips need the approval of the line manager. In cities of class A a hotel night may cost up to 180 EUR "
    "including breakfast, in class B up to 140 EUR. Rental cars are booked through the travel desk, e.g. by telephone. "
    "Receipts are handed in within 30 days."
)
GIFTS = "Gifts worth more than 35 EUR are declined politely. Invitations to meals are fine when they are customary."
PASSAGES = [{"n": 1, "title": "Travel policy", "text": TRAVEL}, {"n": 2, "title": "Code of conduct", "text": GIFTS}]


async def quoted(desk: Desk, question: str, passages: list[dict[str, Any]]) -> str:
    result = called("knowledge-search", {"query": question}, {"passages": passages})
    return (await desk.model.answer(body(desk, {"role": "user", "content": question}, *result))).text


@pytest.mark.promise("models.quotes")
@pytest.mark.parametrize(
    ("question", "answer", "n"),
    [
        ("How much may a hotel cost?", "180 EUR", 1),
        ("When do I have to hand in receipts?", "within 30 days", 1),
        ("May I accept a gift?", "35 EUR", 2),
        ("Was darf ein Hotel kosten?", "180 EUR", 1),
    ],
)
async def test_the_sentence_that_answers_is_quoted_with_its_source(
    desk: Desk, question: str, answer: str, n: int
) -> None:
    text = await quoted(desk, question, PASSAGES)
    assert answer in text
    assert f"[{n}]" in text
    assert PASSAGES[n - 1]["title"] in text


@pytest.mark.promise("models.quotes")
async def test_every_quotation_stands_in_a_passage_word_for_word(desk: Desk) -> None:
    for question in ("What about hotels?", "What about gifts and meals?", "Who approves trips?", "rental cars"):
        text = await quoted(desk, question, PASSAGES)
        sentences = re.findall(r"“(.+?)” \[(\d)\]", text)
        assert 1 <= len(sentences) <= 2
        assert all(sentence in PASSAGES[int(n) - 1]["text"] for sentence, n in sentences)


@pytest.mark.promise("models.quotes")
async def test_an_abbreviation_at_the_end_of_a_line_leaves_the_quotation_as_it_stands(desk: Desk) -> None:
    text = "Hotels are booked in TravelDesk, by telephone, by mail, etc.\nRental cars  need the approval of a manager."
    answer = await quoted(desk, "How are hotels booked?", [{"n": 1, "title": "Travel", "text": text}])
    sentences = re.findall(r"“(.+?)” \[1\]", answer, re.DOTALL)
    assert sentences
    assert all(sentence in text for sentence in sentences)


async def test_an_abbreviation_does_not_end_a_sentence(desk: Desk) -> None:
    text = await quoted(desk, "How do I book a rental car?", PASSAGES)
    assert "e.g. by telephone." in text


@pytest.mark.promise("models.quotes")
async def test_nothing_found_is_said(desk: Desk) -> None:
    assert "nothing" in await quoted(desk, "What is the dress code?", [])


async def test_a_question_for_the_rules_is_looked_up(ask: Callable[..., Awaitable[Sitting]]) -> None:
    sitting = await ask("Am I allowed to fly business class?")
    assert sitting.calls == [("knowledge.search", {"query": "Am I allowed to fly business class?"})]
