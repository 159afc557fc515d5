"""The house's sentences: the same in every language, with the same places for values."""

import re
import string
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from charter.channels.teams.speech import LANGUAGES, speech_of

ROOM = Path(__file__).resolve().parents[2] / "charter/channels/teams"


def places(sentence: object) -> set[str]:
    return (
        {name for _, name, _, _ in string.Formatter().parse(str(sentence)) if name}
        if isinstance(sentence, str)
        else set()
    )


@pytest.mark.promise("teams.speech")
@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_the_same_sentences_with_the_same_places(language: str) -> None:
    english, other = speech_of("en").sentences, speech_of(language).sentences
    assert set(english) == set(other)
    for key, sentence in english.items():
        # "One task" may be a word in one language and a number in another.
        differs = places(sentence) ^ places(other[key])
        assert differs <= ({"count"} if key.endswith(".one") else set()), key
        assert isinstance(other[key], list) == isinstance(sentence, list), key
        assert len(other[key]) == len(sentence) or isinstance(sentence, str), key


@pytest.mark.promise("teams.speech")
@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_sentence_was_left_in_english(language: str) -> None:
    english, other = speech_of("en").sentences, speech_of(language).sentences
    same = {
        key
        for key, text in english.items()
        if other[key] == text and len(str(text).split()) > 3 and "{" not in str(text)
    }
    assert same == set()


def test_every_sentence_that_the_house_names_is_there() -> None:
    code = "\n".join(file.read_text("utf-8") for file in ROOM.rglob("*.py"))
    english = set(speech_of("en").sentences)
    for key in re.findall(r'(?:say|sentence|heading)\((?:speech, )?"([\w./]+)"', code):
        assert key in english or f"{key}.other" in english, key


@pytest.mark.promise("teams.speech")
@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("en-GB", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_CH", "de"),
        ("fr-CA", "fr"),
        ("es-ES", "en"),
        ("", "en"),
        ("../de", "en"),
    ],
)
def test_a_locale_is_answered_in_its_language_or_in_english(locale: str, language: str) -> None:
    assert speech_of(locale).locale == language


def test_values_in_sentences_stay_what_they_are() -> None:
    said = speech_of("en").say("approval.asks", agent="{person} {0}", person="{agent.__class__}")
    assert said.startswith("{person} {0} wants to do this for {agent.__class__}.")
    with pytest.raises(KeyError):
        speech_of("en").say("no.such.sentence")


@pytest.mark.parametrize(
    ("locale", "none", "one", "many"),
    [
        ("en", "No decision waits for you.", "One decision waits for you.", "2 decisions wait for you."),
        (
            "de",
            "Keine Entscheidung wartet auf Sie.",
            "Eine Entscheidung wartet auf Sie.",
            "2 Entscheidungen warten auf Sie.",
        ),
        ("fr", "Aucune décision ne vous attend.", "1 décision vous attend.", "2 décisions vous attendent."),
    ],
)
def test_none_one_and_many_are_told_apart(locale: str, none: str, one: str, many: str) -> None:
    assert [speech_of(locale).say("status.inbox", count=count) for count in (0, 1, 2)] == [none, one, many]


def test_times_keep_their_zone_and_are_said_in_the_language() -> None:
    when = datetime(2026, 3, 1, 9, 5, tzinfo=timezone(timedelta(hours=1)))
    assert speech_of("en").moment(when) == "1 March 2026, 09:05 UTC+01:00"
    assert speech_of("de").moment(when.astimezone(UTC)) == "1. März 2026, 08:05 UTC"
    assert speech_of("fr").moment(when.replace(tzinfo=None)) == "1er mars 2026, 09:05"
    assert speech_of("fr").day(date(2026, 12, 1)) == "mardi 1er décembre 2026"
    assert [speech_of(locale).span(93_784) for locale in LANGUAGES] == ["1 d 2 h", "1 Tg. 2 Std.", "1 j 2 h"]
    assert speech_of("en").span(0) == "0 s"


@pytest.mark.parametrize(
    ("minor", "currency", "english", "german"),
    [
        (145000, "EUR", "EUR 1,450.00", "1.450,00 EUR"),
        (-5, "EUR", "EUR -0.05", "-0,05 EUR"),
        (1450, "JPY", "JPY 1,450", "1.450 JPY"),
        (1450, "JOD", "JOD 1.450", "1,450 JOD"),
        (9007199254740993, "EUR", "EUR 90,071,992,547,409.93", "90.071.992.547.409,93 EUR"),
    ],
)
def test_money_keeps_every_digit(minor: int, currency: str, english: str, german: str) -> None:
    assert speech_of("en").money(minor, currency) == english
    assert speech_of("de").money(minor, currency) == german


def test_people_are_named_by_what_may_decide() -> None:
    speech = speech_of("en")
    assert speech.listed([speech.person(each) for each in ("user:bob", "role:buyer", "requester")]) == (
        "bob, anyone with the role buyer or you"
    )
    assert speech.person("user:bob", me="bob") == "you"
