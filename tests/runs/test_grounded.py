"""An answer of a writer is held against the passages that it cites, sentence by sentence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from charter.knowledge.grounding import lacking, sentences
from charter.models.chat import UNSUPPORTED
from charter.runs.grounded import checked

SENTENCES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "knowledge" / "grounding.yaml").read_text("utf-8")
)
REMOTE = (
    "Employees whose task allows it may work remotely up to three days a week. The team agrees on one common day at the "
    "office, as a rule Wednesday. New employees come to the office at least three days a week during their first three months."
)
PASSAGES = [
    {"n": 1, "title": "Remote work", "heading": "How often", "text": REMOTE, "integrity": "trusted"},
    {"n": 2, "title": "Brochure", "heading": "", "text": "The chair costs 90 EUR.", "integrity": "untrusted"},
]
DRAFT = """# Remote work

Dear colleagues,

## How often

You may work remotely up to three days a week, if your task allows it [1]. The common day at the office is Wednesday. [1]
"""


def test_a_text_whose_sentences_are_supported_stays_as_it_is() -> None:
    found = checked(DRAFT, PASSAGES)

    assert found.faults == ()
    assert found.text == DRAFT.replace("Wednesday. [1]", "Wednesday [1].").strip()


@pytest.mark.promise("writer.grounded")
@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("You may work remotely up to four days a week if your task allows it [1].", "say 4 day"),
        ("Remote days are popular.", "cites no passage"),
        ("The chair costs 90 EUR [2].", "no approved passage"),
        ("You may work remotely up to three days a week [7].", "no approved passage"),
        ("The common day at the office is Tuesday [1].", "say tuesday"),
        ("New employees never come to the office [1].", "denies"),
        (
            "Only new employees come to the office at least three days a week during their first three months [1].",
            "only",
        ),
        ("Employees may work remotely from Madrid up to three days a week [1].", "name madrid"),
        ("## Fifty days of leave for everybody", "speaks of it"),
        ("Did you know that everybody gets 50 days of leave?", "speaks of it"),
        ("Employees who work remotely up to three days a week get the bonus [1].", "mention bonus"),
    ],
)
def test_a_sentence_that_no_approved_source_says_is_left_out(sentence: str, why: str) -> None:
    found = checked(f"{DRAFT}\n{sentence}\n", PASSAGES)

    assert [why in fault.why for fault in found.faults] == [True], found.faults
    assert re.sub(r"\s*\[\d\]", "", sentence) not in found.text
    assert "three days a week, if your task allows it [1]" in found.text


def test_a_heading_goes_with_the_last_sentence_below_it() -> None:
    found = checked(f"{DRAFT}\n## Prices\n\nWhat it costs:\n\n- The chair costs 90 EUR [2].\n", PASSAGES)

    assert "Prices" not in found.text
    assert "What it costs" not in found.text
    assert "# Remote work" in found.text


@pytest.mark.promise("writer.nothing")
@pytest.mark.parametrize(
    "text", ["", "# Pay\n\nEverybody gets 5 percent more.\n", "Shall I write about pay?", "Hello there,"]
)
def test_a_text_of_which_nothing_is_supported_is_answered_so(text: str) -> None:
    assert checked(text, PASSAGES).text == UNSUPPORTED
    assert checked(text, []).text == UNSUPPORTED


def _judged(part: str, kind: str, house: Path) -> Iterator[bool]:
    library = house / "plugins" / "knowledge" / "library" / "contoso"
    for group in SENTENCES[part]:
        name, heading = group["passage"]
        text = next(library.rglob(name)).read_text("utf-8")
        below = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
        for sentence in group[kind]:
            yield lacking(sentence, [f"# {heading}\n{below.strip()}"]) is None


@pytest.mark.promise("writer.grounded")
@pytest.mark.parametrize("part", ["chosen", "unseen"])
def test_what_a_passage_does_not_say_is_told_from_what_it_says(part: str, house: Path) -> None:
    wrong, right = list(_judged(part, "does_not", house)), list(_judged(part, "says", house))

    assert not any(wrong), "a sentence passed that its passage does not say"
    assert sum(right) / len(right) >= 0.55


def _library(house: Path) -> Iterator[tuple[str, str]]:
    """Each sentence of the sample library with its section."""
    for path in sorted((house / "plugins" / "knowledge" / "library").rglob("*.md")):
        for section in path.read_text("utf-8").partition("\n---\n")[2].split("\n## ")[1:]:
            heading, _, body = section.partition("\n")
            for sentence in sentences(body):
                if len(sentence.split()) > 5 and not sentence.endswith((":", "?")) and not sentence.startswith("|"):
                    yield re.sub(r"^[-*] ", "", sentence), f"# {heading}\n{body.strip()}"


def _changed(sentence: str) -> Iterator[str]:
    """The sentence with another number, day or denial."""
    if found := re.search(r"\b\d+\b", sentence):
        yield f"{sentence[: found.start()]}{int(found[0]) + 713}{sentence[found.end() :]}"
    for day, other in (("Monday", "Sunday"), ("Wednesday", "Sunday"), ("December", "August"), ("March", "August")):
        if day in sentence and other not in sentence:
            yield sentence.replace(day, other)
    if found := re.search(r"\b(?:is|are|may|can|must)\b(?! not)", sentence):
        if not re.search(r"\b(?:no|not|never|nobody|none|nothing|neither|nor|cannot)\b|n't", sentence, re.IGNORECASE):
            yield f"{sentence[: found.end()]} not{sentence[found.end() :]}"
    elif sentence.count(" not ") == 1 and not re.search(r"\b(?:no|never|nobody|nothing)\b", sentence):
        yield sentence.replace(" not ", " ")


@pytest.mark.promise("writer.grounded")
def test_every_sentence_of_a_document_is_its_own_and_none_with_another_number_day_or_denial(house: Path) -> None:
    library = list(_library(house))
    own = [lacking(sentence, [section]) is None for sentence, section in library]
    changed = [(other, section) for sentence, section in library for other in _changed(sentence)]
    passed = [other for other, section in changed if lacking(other, [section]) is None]

    assert len(library) > 200
    assert all(own), [s for (s, _), mine in zip(library, own, strict=True) if not mine]
    assert len(changed) > 150
    assert passed == []
