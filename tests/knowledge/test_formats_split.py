"""How texts with tables, lists and code are cut, over many texts of chance with fixed seeds."""

import random
from itertools import pairwise
from time import process_time

import pytest

from charter.knowledge.blocks import blocks
from charter.knowledge.formats.content import Body
from charter.knowledge.formats.tables import parts, table
from charter.knowledge.split import Piece, headings, split

MOST = 300


def _text(chance: random.Random) -> str:
    return "\n\n".join(_stretch(chance) for _ in range(chance.randint(1, 12))) + "\n"


def _stretch(chance: random.Random) -> str:
    match chance.randrange(6):
        case 0:
            return "#" * chance.randint(1, 4) + " " + _words(chance, 4)
        case 1:
            rows = [[_words(chance, 3) for _ in range(3)] for _ in range(chance.randint(2, 30))]
            return "\n".join(["| a | b | c |", "|---|:-:|---|", *("| " + " | ".join(row) + " |" for row in rows)])
        case 2:
            mark = chance.choice(["-", "*", "1."])
            return "\n".join(
                f"{chance.choice(['', '', '  '])}{mark} {_words(chance, 12)}" for _ in range(chance.randint(1, 14))
            )
        case 3:
            return (
                "```\n"
                + "\n".join(chance.choice(["# no heading", "", "x = 1", "| a | b |"]) for _ in range(9))
                + "\n```"
            )
        case _:
            return ". ".join(_words(chance, 14) for _ in range(chance.randint(1, 12)))


def _words(chance: random.Random, most: int) -> str:
    return " ".join(
        chance.choice(["ein", "Haus", "🚆", "PO-8080", "e\u0301", "costs", "140"])
        for _ in range(chance.randint(1, most))
    )


@pytest.mark.promise("formats.pieces")
@pytest.mark.parametrize("seed", range(300))
def test_of_any_text_nothing_is_lost_doubled_or_torn(seed: int) -> None:
    text = _text(random.Random(seed))
    pieces = split(text, most=MOST)
    cuts = {at for piece in pieces for at in (piece.start, piece.end)}

    for piece in pieces:
        said = text[piece.start : piece.end]
        assert 0 < len(said) <= MOST
        assert said == said.strip()
    for one, other in pairwise(pieces):
        assert one.end <= other.start
    lines = [(start, end) for start, end, _, _ in headings(text)]
    outside = "".join(text[a.end : b.start] for a, b in pairwise([Piece(0, 0), *pieces, Piece(len(text), len(text))]))
    assert "".join(outside.split()) == "".join("".join(text[start:end].split()) for start, end in lines)
    for block in blocks(text, 0, len(text)):
        whole = block.end - block.start <= MOST
        for start, end in pairwise([*block.parts, block.end] if not whole else [block.start, block.end]):
            words = text[start:end].strip()
            first = end - len(text[start:end].lstrip())
            within = {at for at in cuts if first < at < first + len(words)}
            assert not within or len(words) > MOST, words


@pytest.mark.promise("formats.pieces")
def test_each_later_piece_of_a_table_has_its_header_above_it() -> None:
    rows = "".join(f"| C-{n} | {n} EUR |\n" for n in range(100))
    text = f"# Limits\n\nBefore.\n\n| Class | Price |\n|---|---|\n{rows}\nBehind."

    pieces = split(text, most=MOST)
    inside = [piece for piece in pieces if text[piece.start : piece.end].startswith("| C-")]

    assert len(inside) > 5
    assert {piece.heading for piece in inside} == {"Limits › Class | Price"}
    assert {piece.heading for piece in pieces if piece not in inside} == {"Limits"}
    assert any("| Class | Price |\n|---|---|\n| C-0 |" in text[piece.start : piece.end] for piece in pieces)


@pytest.mark.promise("formats.pieces")
def test_lists_and_code_that_fit_are_kept_together_and_others_are_cut_between_their_parts() -> None:
    few = "\n".join(f"- point {n} of the list" for n in range(8))
    code = "```\n" + "\n".join(f"line {n}" for n in range(20)) + "\n\n# still code\n```"
    many = "\n".join(f"{n}. point of the long list.\n   With more. And more." for n in range(40))
    text = f"{'Words. ' * 30}\n\n{few}\n\n{code}\n\n{many}"

    said = [text[piece.start : piece.end] for piece in split(text, most=MOST)]

    assert sum(few in words for words in said) == 1
    assert sum(code in words for words in said) == 1
    assert all(words[0].isdigit() and words.endswith("And more.") for words in said if "long list" in words)


@pytest.mark.promise("formats.pieces")
def test_a_row_that_is_longer_than_a_passage_is_cut_like_any_text() -> None:
    text = f"| a | b |\n|---|---|\n| {'word ' * 300}| x |\n| 1 | 2 |"

    assert all(piece.end - piece.start <= MOST for piece in split(text, most=MOST))


def test_wrapped_lines_are_cut_where_a_sentence_ends() -> None:
    text = "The first sentence goes on\nover two lines. The second one\ngoes on as well. The third\none ends here."

    assert [text[piece.start : piece.end] for piece in split(text, most=50)] == [
        "The first sentence goes on\nover two lines.",
        "The second one\ngoes on as well.",
        "The third\none ends here.",
    ]


@pytest.mark.promise("formats.pieces")
@pytest.mark.parametrize("seed", range(60))
def test_each_part_of_a_long_table_has_the_header_and_every_row_once(seed: int) -> None:
    chance = random.Random(seed)
    rows = [[_words(chance, 8) for _ in range(chance.randint(1, 4))] for _ in range(chance.randint(1, 120))]
    header, found = table(rows[:1]), list(parts(rows)) if len(rows[0]) == max(map(len, rows)) else []

    assert all(part.text.startswith(header) for part in found)
    assert all(len(part.text) <= 900 for part in found)
    assert [(one.last + 1) for one in found[:-1]] == [other.first for other in found[1:]]
    body = Body()
    for part in found:
        body.say("## Place")
        body.add(part.text, "Place")
    content = body.content()
    assert [content.body[piece.start : piece.end] for piece in content.pieces] == [part.text for part in found]


@pytest.mark.parametrize(
    "text",
    [
        "# a" + " " * 200_000 + "b",
        "| " + " " * 200_000 + "x\n" + " " * 200_000 + "| y",
        "x" * 1_000_000,
        "a" + " " * 1_000_000 + "b",
        "\n" * 1_000_000 + "b",
        "- a\n" * 250_000,
        "|a|b|\n|-|-|\n\n" * 80_000,
        "```\n" * 250_000,
        "|" + "-|" * 500_000 + "\n|" + "-|" * 500_000,
        "- " * 500_000,
        ". " * 500_000,
        "\u2028" * 300_000,
    ],
    ids=range(12),
)
@pytest.mark.promise("formats.hostile")
def test_no_text_takes_long_to_cut(text: str) -> None:
    started = process_time()

    split(text)

    assert process_time() - started < 20
