"""A brief becomes a text of the sources' own sentences, in the form of the document it came with."""

import re
from pathlib import Path
from typing import Any

import pytest

from charter.models.chat import UNSUPPORTED
from charter.models.embedded.briefs import Brief, brief_of
from charter.models.embedded.drafting import draft
from charter.models.embedded.layout import layout_of
from charter.models.embedded.vectors import Sentences
from charter.runs.grounded import Checked, checked

MEMO = """PARKING AT THE CAMPUS

Hello everybody,

- The gates open at six.
- Guests ring the bell.
- Bicycles stand below the roof.

Kind regards,
Your campus team
"""
LETTER = """# Lunch

Dear colleagues,

The canteen opens at eleven. Bring your badge.

Please bring your own cup. It is refilled for free.
"""


@pytest.fixture(scope="module")
def engine() -> Sentences:
    return Sentences()


def _passages(house: Path, name: str, *headings: str) -> list[dict[str, Any]]:
    text = next((house / "plugins" / "knowledge" / "library" / "contoso").rglob(name)).read_text("utf-8")
    title = re.findall(r"^# (.+)", text, re.MULTILINE)[0]
    return [
        {"n": n, "title": title, "heading": heading, "integrity": "trusted",
         "text": text.partition(f"## {heading}\n")[2].partition("\n## ")[0].strip()}
        for n, heading in enumerate(headings, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ("Write a notice about working from abroad", "working from abroad"),
        ("Please draft a short article for new colleagues about annual leave.", "annual leave"),
        ("Can you write an overview on business travel in our house style", "business travel"),
        ("Schreib bitte einen Aushang über Urlaub", "Urlaub"),
        ("Schreibe einen Artikel über mobiles Arbeiten", "mobiles Arbeiten"),
        ("Compose an announcement regarding desk sharing", "desk sharing"),
    ],
)
def test_a_brief_is_known_by_what_it_asks_for(said: str, subject: str | None) -> None:
    found = brief_of(said)

    assert (found.subject if found else None) == subject


@pytest.mark.parametrize(
    "said",
    [
        "Write a note on INC-1002 that it is solved",
        "How many days may I work from home?",
        "Open a ticket about my laptop",
        "What does the summary say?",
        "Write to my manager",
    ],
)
def test_other_requests_are_no_briefs(said: str) -> None:
    assert brief_of(said) is None


@pytest.mark.promise("writer.form")
def test_the_document_below_the_brief_gives_the_form_and_nothing_of_its_content(house: Path, engine: Sentences) -> None:
    brief = brief_of(f"Write a notice about working from abroad in the style of this document:\n{MEMO}")
    assert brief == brief_of(f"Write a notice about working from abroad\n\nStyle:\n{MEMO}")
    assert brief is not None
    assert brief.subject == "working from abroad"

    lines = draft(brief, _passages(house, "remote-work.md", "Working from abroad"), engine).splitlines()

    assert lines[0] == "REMOTE WORK"
    assert lines[2] == "Hello everybody,"
    assert lines[-2:] == ["Kind regards,", "Your campus team"]
    body = [line for line in lines[3:-2] if line]
    assert len(body) >= 2
    assert all(line.startswith("- ") and line.endswith("[1].") for line in body)
    assert not any(word in "\n".join(body) for word in ("gates", "Guests", "Bicycles"))


@pytest.mark.promise("writer.form")
@pytest.mark.parametrize("model", ["", MEMO, LETTER])
def test_a_draft_in_any_form_is_let_through_whole(house: Path, engine: Sentences, model: str) -> None:
    passages = _passages(house, "remote-work.md", "Working from abroad")
    text = draft(Brief("working from abroad", model), passages, engine)

    assert checked(text, passages) == Checked(text)


@pytest.mark.promise("writer.form")
def test_paragraphs_are_as_long_as_the_documents(house: Path, engine: Sentences) -> None:
    brief = Brief("working from abroad", LETTER)
    text = draft(brief, _passages(house, "remote-work.md", "Working from abroad"), engine)

    assert text.startswith("# Remote work\n\nDear colleagues,\n\n")
    paragraphs = text.split("\n\n")[2:]
    assert [len(re.findall(r"\[1\]\.", each)) for each in paragraphs[:-1]] == [2] * (len(paragraphs) - 1)


@pytest.mark.promise("writer.grounded")
def test_each_sentence_is_the_sources_own_and_names_its_passage(house: Path, engine: Sentences) -> None:
    passages = _passages(house, "annual-leave.md", "How many days", "Carrying days over")
    text = draft(Brief("annual leave"), passages, engine)
    stated = re.findall(r"([^\n]+?) \[(\d)\]\.", text)

    assert len(stated) >= 3
    assert all(sentence.strip(" .") in passages[int(n) - 1]["text"] for sentence, n in stated)


@pytest.mark.promise("writer.nothing")
def test_what_only_an_unapproved_source_says_is_not_written(house: Path, engine: Sentences) -> None:
    passages = [{**p, "integrity": "untrusted"} for p in _passages(house, "annual-leave.md", "How many days")]

    assert draft(Brief("annual leave"), passages, engine) == UNSUPPORTED
    assert draft(Brief("annual leave"), [], engine) == UNSUPPORTED


def test_a_document_without_headings_gives_none() -> None:
    form = layout_of("We meet on Monday. Bring coffee.\n\nSee you there.\n")

    assert (form.title, form.section, form.item, form.paragraph) == (None, None, "", 2)
