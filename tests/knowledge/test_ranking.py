"""Which of the found passages answer, and in which order."""

import pytest

from charter.knowledge.index import Candidate, Question
from charter.knowledge.ranking import Fit, order, rank
from charter.knowledge.terms import exact_terms


def found(name: str, text: str, similarity: float, heading: str = "") -> Candidate:
    return Candidate("doc", name, "Manual", heading, text, 0, len(text), "trusted", ("tenant",), similarity)


def asked(text: str) -> Question:
    return Question(text, [], tuple(exact_terms(text)))


def names(question: str, *passages: Candidate) -> list[str]:
    return [each.passage_id for each, _ in rank(asked(question), passages, Fit())]


@pytest.mark.promise("knowledge.exact")
@pytest.mark.parametrize(
    "question",
    [
        "MAX_PAGE_SIZE",
        "what does MAX_PAGE_SIZE do?",
        "post_upgrade fails",
        "on_denied()",
        "/worker-status/ is empty",
        "PO-8080",
    ],
)
def test_a_name_that_programs_have_is_found_letter_by_letter(question: str) -> None:
    here = found("here", "MAX_PAGE_SIZE, post_upgrade, on_denied(), /worker-status/ and PO-8080 are told here.", 0.70)
    nearer = found("nearer", "The size of a page, an upgrade, a denial, a status, an order.", 0.86)

    assert names(question, nearer, here)[0] == "here"


@pytest.mark.promise("knowledge.refuses")
@pytest.mark.parametrize("question", ["What does error ORA-00942 mean?", "What is MIN_PAGE_SIZE?"])
def test_what_must_be_found_letter_by_letter_and_stands_nowhere_is_not_answered(question: str) -> None:
    assert names(question, found("a", "An error means that the page size is wrong.", 0.86)) == []


@pytest.mark.promise("knowledge.refuses")
def test_likeness_without_a_word_in_common_is_no_answer_but_nearness_is() -> None:
    others = [found(f"o{n}", f"Passage {n} is about coffee.", 0.7) for n in range(5)]

    assert names("How do I prune a tree?", found("a", "Restart the server.", 0.85), *others) == []
    assert names("How do I prune a tree?", found("a", "Restart the server.", 0.88), *others)[:1] == ["a"]
    assert names("How do I restart a server?", found("a", "Restart the server.", 0.84), *others)[:1] == ["a"]


@pytest.mark.promise("knowledge.finds")
def test_a_question_in_another_language_needs_no_word_in_common() -> None:
    assert names("Wie starte ich den Rechner neu?", found("a", "Restart the server.", 0.81)) == ["a"]
    assert names("Wie starte ich den Rechner neu?", found("a", "Restart the server.", 0.79)) == []


def test_an_order_keeps_what_was_found_whether_it_answers_or_not() -> None:
    both = [found("far", "Nothing.", 0.5), found("near", "Less.", 0.6)]
    assert [each.passage_id for each, _ in order(asked("What is more?"), both, Fit())] == ["near", "far"]
    assert names("What is more?", *both) == []
