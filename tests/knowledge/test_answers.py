"""Whether a model's answer keeps to what it cites."""

import pytest

from charter import settings
from charter.cli import answering
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.evaluation.answers import NOT_FOUND, Judged, faithful, judge, prompt
from charter.knowledge.evaluation.asked import Asked
from charter.knowledge.evaluation.asking import Outcome
from charter.plugin import Passage

TEXT = "A hotel night in Munich may cost 160 EUR. Book it in TravelDesk, at least three days before the trip."
PASSAGE = Passage("doc", "psg", "Travel", "/", 0, len(TEXT), TEXT)


def outcome(*, answerable: bool = True) -> Outcome:
    asked = Asked("natural", "What may a hotel cost?", "travel.md" if answerable else "", "160 EUR")
    return Outcome(asked, asked.text, frozenset({"psg"}), {}, ("psg",), True, (), True, (PASSAGE,))


@pytest.mark.promise("knowledge.faithful")
@pytest.mark.parametrize(
    ("answer", "judged"),
    [
        ("A hotel night in Munich may cost 160 EUR [1].", Judged(1, 1, 1, False)),
        ("A hotel night in Munich may cost 180 EUR [1].", Judged(1, 1, 0, False)),
        ("A hotel night in Hamburg may cost 160 EUR [1].", Judged(1, 1, 0, False)),
        ("A hotel night in Munich may cost 160 EUR [2].", Judged(1, 1, 0, False)),
        ("A hotel night in Munich may cost 160 EUR.", Judged(1, 0, 0, False)),
        ("Bananas grow best in warm and wet countries near the sea [1].", Judged(1, 1, 0, False)),
        (NOT_FOUND, Judged(0, 0, 0, True)),
    ],
)
async def test_a_cited_sentence_is_held_against_its_passage(embedder: E5Embedder, answer: str, judged: Judged) -> None:
    assert await judge(answer, outcome(), embedder) == judged


@pytest.mark.promise("knowledge.faithful")
async def test_a_models_answers_are_counted(embedder: E5Embedder) -> None:
    given: list[str] = []

    async def answer(text: str) -> str:
        given.append(text)
        return "A hotel night in Munich may cost 160 EUR [1]. Dinner is free [1]." if len(given) == 1 else NOT_FOUND

    told = await faithful([outcome(), outcome(answerable=False)], answer, embedder)

    assert given[0] == prompt(outcome())
    assert "[1] Travel\n" in given[0]
    assert told["answers"] == 2
    assert told["shares"]["cited sentences that are supported"]["value"] == 0.5
    assert told["shares"]["unanswerable, and said so"]["value"] == 1


def test_without_a_model_of_ones_own_no_answer_is_judged_and_a_sentence_says_so() -> None:
    tree = settings.read()
    own = tree.model_copy(update={"models": {"standard": (settings.Deployment(kind="openai", model="m"),)}})

    assert "CHARTER_MODELS__STANDARD" in answering.why_not(tree, "standard")
    assert "CHARTER_MODELS__FAST" in answering.why_not(tree, "fast")
    assert answering.why_not(own, "standard") == ""
