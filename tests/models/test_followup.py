"""Follow-ups to questions that documents answered, as the host sees them on assistance."""

from collections.abc import Awaitable, Callable

import pytest

from charter.knowledge.evaluation.asked import questions
from charter.models.embedded.followup import leans, standalone
from tests.evals.exam import Sitting
from tests.models.conftest import Desk
from tests.models.test_quoting import PASSAGES, quoted

Ask = Callable[..., Awaitable[Sitting]]
HOTEL = "What does the travel policy say about hotels in Munich?"


async def searched(ask: Ask, *said: str) -> str:
    """Say all this and return what was looked for last."""
    name, arguments = (await ask(*said)).calls[-1]
    assert name == "knowledge.search"
    return str(arguments["query"])


@pytest.mark.promise("models.follow-up")
@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("and in Berlin?", "What does the travel policy say about hotels in Berlin?"),
        ("what about Berlin?", "What does the travel policy say about hotels in Berlin?"),
        ("and for managers?", "travel policy say about hotels in Munich: for managers?"),
        ("And how long may I keep it?", "travel policy say about hotels in Munich: how long may I keep it?"),
        ("und wie lange?", "travel policy say about hotels in Munich: wie lange?"),
        ("et pour les cadres ?", "travel policy say about hotels in Munich: pour les cadres ?"),
    ],
)
async def test_a_follow_up_is_looked_for_with_what_it_is_about(ask: Ask, said: str, query: str) -> None:
    assert await searched(ask, HOTEL, said) == query


@pytest.mark.promise("models.follow-up")
async def test_a_second_follow_up_leans_on_the_first(ask: Ask) -> None:
    assert "hotels in Berlin: for managers" in await searched(ask, HOTEL, "and in Berlin?", "and for managers?")


@pytest.mark.promise("models.follow-up")
@pytest.mark.parametrize(
    ("said", "function"),
    [
        ("What is the rule for gifts?", "knowledge.search"),
        ("How many days of annual leave do I have left?", "people.get_leave_balance"),
        ("Order a lamp for 30 EUR", "procurement.create_order"),
        ("and my open tickets?", "service_desk.list_tickets"),
    ],
)
async def test_nothing_is_carried_over_into_a_new_topic(ask: Ask, said: str, function: str) -> None:
    name, arguments = (await ask(HOTEL, said)).calls[-1]
    assert name == function
    assert "hotel" not in str(arguments).lower()
    assert arguments.get("query") in (None, said)


@pytest.mark.promise("models.follow-up")
async def test_words_after_something_else_are_not_made_a_search(ask: Ask) -> None:
    sitting = await ask("Who is my manager?", "and for managers?")
    assert all(name != "knowledge.search" for name, _ in sitting.calls)


async def test_thanks_after_an_answer_are_thanks(ask: Ask) -> None:
    sitting = await ask(HOTEL, "thanks, great")
    assert len(sitting.calls) == 1


@pytest.mark.promise("models.follow-up")
def test_the_follow_ups_of_the_evaluation_are_told_from_new_topics() -> None:
    threads = [each for each in questions() if each.before]
    wrong = [each.text for each in threads if (standalone(each.text, each.before) == each.text) is not each.moved]
    assert wrong == []
    alone = [each.text for each in questions() if not each.before]
    leaning = [text for text in alone if leans(text)]
    assert len(leaning) / len(alone) <= 0.02, leaning


@pytest.mark.promise("models.not-found")
@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("What does the policy say about dragons?", "I found nothing about that"),
        ("Was steht in der Richtlinie über Drachen?", "nichts gefunden"),
        ("Que disent les règles sur les dragons ?", "Je n'ai rien trouvé"),
    ],
)
async def test_that_nothing_was_found_is_said_in_the_persons_language(desk: Desk, question: str, sentence: str) -> None:
    text = await quoted(desk, question, [])
    assert sentence in text
    assert "[" not in text


@pytest.mark.promise("models.not-found")
async def test_only_a_passage_that_was_found_is_cited(desk: Desk) -> None:
    text = await quoted(desk, "May I accept a gift?", PASSAGES[:1])
    assert "[1]" in text
    assert "[2]" not in text
    assert "35 EUR" not in text
