import random
from itertools import pairwise
from time import process_time

import pytest

from charter.knowledge.split import Piece, cut, split
from charter.knowledge.terms import exact_terms, is_english

NASTY = [
    "",
    "\n\n",
    "no heading at all",
    "# Only a heading",
    "# A\n## B\n### C\ntext\n## D\nmore",
    "## Closed ##\ntext",
    "#no space is no heading\ntext",
    "```\n# a comment in code\n```\n# Real\ntext",
    "````\n```\n# still code\n```\n````\n# Real\ntext",
    "x" * 5000,
    "word " * 2000,
    "Ein Satz. " * 500,
    "🙂é\u2028line\x0cform feed " * 300,
    "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 400,
]


@pytest.mark.promise("knowledge.citations")
@pytest.mark.parametrize("text", NASTY)
def test_no_text_is_lost_doubled_or_too_long(text: str) -> None:
    pieces = split(text, most=300)

    for piece in pieces:
        said = text[piece.start : piece.end]
        assert 0 < len(said) <= 300
        assert said == said.strip()
    for one, other in pairwise(pieces):
        assert one.end <= other.start
    kept = "".join("".join(text[piece.start : piece.end].split()) for piece in pieces)
    assert kept == "".join("".join(line.split()) for line in _without_headings(text))


def _without_headings(text: str) -> list[str]:
    """Return what is not a heading by asking the pieces for the lines they leave out: each must begin with #."""
    pieces = split(text, most=10**6)
    gaps = [0, *(at for piece in pieces for at in (piece.start, piece.end)), len(text)]
    for start, end in zip(gaps[::2], gaps[1::2], strict=True):
        assert all(line.startswith("#") for line in text[start:end].splitlines() if line.strip()), text[start:end]
    return [text[piece.start : piece.end] for piece in pieces]


def test_a_passage_has_the_path_of_headings_above_it() -> None:
    text = "intro\n# A\na\n## B\nb\n### C\nc\n## D\nd\n# E\ne\n```\n# no heading\n```"

    assert [(text[p.start], p.heading) for p in split(text)] == [
        ("i", ""),
        ("a", "A"),
        ("b", "A › B"),
        ("c", "A › B › C"),
        ("d", "A › D"),
        ("e", "E"),
    ]


def test_a_long_section_is_cut_between_paragraphs_rather_than_sentences_rather_than_words() -> None:
    paragraph = "One sentence here. Another sentence there."
    text = f"{paragraph}\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}"

    assert {text[p.start : p.end] for p in cut(text, 0, len(text), most=100)} == {f"{paragraph}\n\n{paragraph}"}
    assert [paragraph[p.start : p.end] for p in cut(paragraph, 0, len(paragraph), most=30)] == [
        "One sentence here.",
        "Another sentence there.",
    ]


def test_random_texts_keep_every_character() -> None:
    chance = random.Random(7)
    for _ in range(200):
        text = "".join(chance.choice(["a", " ", "\n", "\n\n", "# ", "## x\n", ". ", "ß", "```\n"]) for _ in range(300))
        kept = [text[piece.start : piece.end] for piece in split(text, most=40)]
        assert "".join("".join(kept).split()) == "".join("".join(_without_headings(text)).split())


def test_an_empty_stretch_gives_no_piece() -> None:
    assert cut(" \n ", 0, 3) == []
    assert cut("ab", 0, 2) == [Piece(0, 2)]


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("Where is PO-8080?", ["PO-8080"]),
        ("error VPN-809 and form TRV-F7, please", ["VPN-809", "TRV-F7"]),
        ("What is ISO 27001?", ["ISO 27001"]),
        ("code 0x80070005", ["0x80070005"]),
        ('Find "third Sunday of the month" and „Kündigungsfrist“', ["third Sunday of the month", "Kündigungsfrist"]),
        ("An order of 1,450 EUR on 24 December 2026 at 14:30 for 3 people, 50km away, 30 days", []),
        ("What is the employee's, not the manager's, share?", []),
        ("", []),
    ],
)
def test_ids_codes_and_quotations_are_told_from_plain_words(question: str, terms: list[str]) -> None:
    assert exact_terms(question) == terms


@pytest.mark.parametrize(
    ("question", "english"),
    [
        ("How many days of leave do I have?", True),
        ("hotel limit", True),
        ("Thanks, that was helpful", True),
        ("KIT", True),
        ("Wie viele Urlaubstage habe ich?", False),
        ("Combien de jours de congé ai-je ?", False),
        ("Может ли я работать из дома", False),
    ],
)
def test_a_question_in_another_language_is_noticed(question: str, english: bool) -> None:
    assert is_english(question) is english


@pytest.mark.promise("formats.hostile")
@pytest.mark.parametrize(
    "question", ['"' + " " * 997 + "x", '" ' * 499 + "x", '"' + "a " * 498, "a/" * 499, "a_" * 499]
)
def test_no_question_keeps_the_host_from_others(question: str) -> None:
    begun = process_time()

    exact_terms(question)

    assert process_time() - begun < 0.2


@pytest.mark.promise("formats.hostile")
def test_a_long_heading_does_not_cost_its_length_for_each_passage_below_it() -> None:
    pieces = split("# " + "a" * 20_000 + "\n" + "## b\nc\n" * 500)

    assert len(pieces) == 500
    assert max(len(piece.heading) for piece in pieces) < 400
