import pytest

from tests.knowledge.conftest import Shelf

HANDBOOK = {
    "travel.md": "# Travel\n\nA hotel night in Munich may cost 160 EUR. Book it in TravelDesk.",
    "leave.md": "# Leave\n\nEvery employee has 30 working days of annual leave per year.",
    "vpn.md": "# Remote access\n\nError VPN-809 means that the network blocks the protocol; use the fallback.",
    "vpn2.md": "# Remote access errors\n\nError VPN-691 means that the password was changed; enter it anew.",
    "maintenance.md": "# Servers\n\nSystems are maintained on the third Sunday of the month in the morning.",
    "gifts.md": "# Gifts\n\nA gift from a supplier may be worth up to 35 EUR.",
}


@pytest.fixture
async def handbook(shelf: Shelf) -> Shelf:
    for name, text in HANDBOOK.items():
        shelf.write(name, text)
    await shelf.sync()
    return shelf


async def best(shelf: Shelf, question: str) -> str | None:
    found = await shelf.ask(question)
    return found[0].title if found else None


@pytest.mark.promise("knowledge.finds")
@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What may a hotel cost?", "Travel"),
        ("How much may a present from a supplier be worth?", "Gifts"),
        ("Was darf ein Hotel in München kosten?", "Travel"),
        ("Combien de jours de congé ai-je par an ?", "Leave"),
    ],
)
async def test_a_question_finds_its_passage_in_other_words_and_other_languages(
    handbook: Shelf, question: str, title: str
) -> None:
    assert await best(handbook, question) == title


@pytest.mark.promise("knowledge.exact")
@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("VPN-809", "Remote access"),
        ("VPN-691", "Remote access errors"),
        ("vpn-691 appears, what now?", "Remote access errors"),
        ('Where does it say "third Sunday of the month"?', "Servers"),
        ("Wo steht „third Sunday of the month“?", "Servers"),
        ("TravelDesk", "Travel"),
    ],
)
async def test_full_text_decides_for_ids_names_and_quotations(handbook: Shelf, question: str, title: str) -> None:
    assert await best(handbook, question) == title


@pytest.mark.promise("knowledge.refuses")
@pytest.mark.parametrize(
    "question",
    [
        "Who composed the Ninth Symphony?",
        "How do I bake a chocolate cake?",
        "Wann wurde Goethe geboren?",
        "What is the capital of France?",
        "",
        " \n\t",
        "\0",
        "\ud800",
    ],
)
async def test_a_question_that_no_document_answers_finds_nothing(handbook: Shelf, question: str) -> None:
    assert await handbook.ask(question) == []


@pytest.mark.promise("knowledge.finds")
async def test_the_best_come_first_and_no_more_than_asked_for(handbook: Shelf) -> None:
    found = await handbook.ask("VPN error", top=2)

    assert len(found) <= 2
    assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)


@pytest.mark.promise("knowledge.exact")
@pytest.mark.parametrize(
    "question", ["'; drop table passages; --", "a & | ! <-> (b", '"\' or 1=1 \\"', "PO-8080' & '", "%_\\", "🙂" * 3000]
)
async def test_a_question_is_never_read_as_a_query_language(handbook: Shelf, question: str) -> None:
    await handbook.ask(question)

    assert await best(handbook, "What may a hotel cost?") == "Travel"


@pytest.mark.promise("knowledge.finds")
async def test_a_very_long_question_is_answered_by_its_beginning(handbook: Shelf) -> None:
    assert await best(handbook, "What may a hotel night in Munich cost? " + "Please answer. " * 5_000) is not None
