"""Cards: what they say, and that whoever wrote a value cannot make them say anything else."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import adaptive_cards
import jsonschema
import pytest

from charter.channels.teams import cards
from charter.channels.teams.cards import element
from charter.channels.teams.commands import COMMANDS
from charter.channels.teams.ports import SignInLink
from charter.channels.teams.speech import LANGUAGES, Speech, speech_of
from charter.errors import CharterError, ModelUnavailable, NotAnApprover
from tests.teams.card_samples import (
    AGENTS,
    BEGUN,
    HOSTILE,
    ORDER,
    PAGE,
    ROLES,
    TRACE,
    approval,
    arguments,
    elements,
    everything,
    run,
    shown,
    step,
)

SCHEMA = json.loads((Path(adaptive_cards.__file__).parent / "schemas/schema-1.5.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft6Validator({**SCHEMA, "anyOf": [{"$ref": "#/definitions/AdaptiveCard"}]})
ENGLISH = speech_of("en")


def check(card: Any) -> None:
    """Hold a card against the schema, and against what the schema does not say."""
    fault = next(iter(VALIDATOR.iter_errors(card)), None)
    assert fault is None, f"{list(fault.absolute_path)}: {fault.message[:300]}"
    assert card["version"] == "1.5"
    inputs = [each["id"] for each in elements(card) if each["type"].startswith("Input.")]
    assert len(inputs) == len(set(inputs))
    assert all(each.get("altText") for each in elements(card) if each["type"] == "Image")
    assert all(each.get("title") for each in elements(card) if each["type"].startswith("Action."))
    assert all(each.get("label") for each in elements(card) if each["type"].startswith("Input."))
    assert element.size(card) <= 28_000
    hidden = [
        char for text in element.texts(card) for char in text if not (char.isprintable() or char in "\n\u00a0\u202f")
    ]
    assert [char for char in hidden if char not in "\u3000\u2028\u2003\ufe0f"] == []


def own_words(speech: Speech, text: str) -> bool:
    """Whether a text is a whole sentence of the house, or a time that it asks the client to write."""
    return (
        text in speech.sentences.values()
        or re.fullmatch(r"\{\{DATE\([\d:TZ-]+, SHORT\)\}\} \{\{TIME\([\d:TZ-]+\)\}\}", text) is not None
    )


@pytest.mark.promise("teams.cards")
@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_card_in_every_language_is_a_card_of_version_1_5(locale: str) -> None:
    for card in everything(speech_of(locale)).values():
        check(card)
        assert card["lang"] == locale


@pytest.mark.promise("teams.cards.hostile")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_stranger_is_markup_or_is_hidden_in_any_card(text: str) -> None:
    for name, card in everything(ENGLISH, text).items():
        check(card)
        for each in elements(card):
            if each["type"] == "TextBlock":
                assert own_words(ENGLISH, each["text"]), f"{name}: {each['text']}"
            for run_ in each.get("inlines", ()):
                assert "{{" not in run_["text"], name
        assert "FactSet" not in {each["type"] for each in elements(card)}


@pytest.mark.promise("teams.cards.hostile")
@pytest.mark.parametrize("seed", range(40))
def test_a_call_of_any_arguments_makes_a_card_that_shows_them_all_or_cannot_be_approved(seed: int) -> None:
    asked = approval(arguments=arguments(seed))
    for locale in LANGUAGES:
        card = cards.approval(speech_of(locale), asked, agent="buyer", effect="write", roles=ROLES, url=PAGE)
        check(card)
        check(cards.decided(speech_of(locale), asked, agent="buyer"))
        verbs = [action["verb"] for action in card["actions"] if action["type"] == "Action.Execute"]
        lost = speech_of(locale).say("lost.call") in shown(card)
        assert verbs == (["reject"] if lost else ["approve", "reject"])


@pytest.mark.promise("teams.cards.approval")
def test_an_approval_says_who_wants_what_for_whom_why_and_until_when() -> None:
    card = cards.approval(
        ENGLISH,
        approval(influenced_by=("document:mail",)),
        agent="buyer",
        effect="irreversible",
        roles=ROLES,
        names={"bob": "Bob Builder"},
        url=PAGE,
    )
    lines = shown(card).splitlines()
    assert lines[0] == "Your approval is asked"
    assert "Buyer wants to do this for Alice." in lines[1]
    said = "\n".join(lines)
    for each in (
        "Create order", "standing desk", "EUR 1,450.00", "Tuesday, 1 December 2026", "Before noon, please.",
        "Orders above 1,000 EUR need the manager's approval.", "document:mail", "It cannot be undone.",
        "Bob Builder or anyone with the role buyer", "{{DATE(2026-11-26T09:05:00Z, SHORT)}}", "content from outside",
    ):  # fmt: skip
        assert each in said
    order = [said.index(word) for word in ("standing desk", "Brightline Office", "EUR 1,450.00", "For the new room.")]
    assert order == sorted(order), "what, to whom and how much come first"


@pytest.mark.promise("teams.cards.approval")
def test_the_buttons_carry_the_exact_call_and_a_comment_goes_with_them() -> None:
    card = cards.approval(ENGLISH, approval(), agent="buyer", effect="write", url=PAGE)
    yes, no = card["actions"]
    assert (yes["type"], yes["verb"], yes["data"]) == (
        "Action.Execute",
        "approve",
        {"approval": "apr_1", "digest": "sha256:ab"},
    )
    assert (no["type"], no["verb"], no["data"]) == ("Action.Execute", "reject", yes["data"])
    assert [each["url"] for each in elements(card) if each["type"] == "Action.OpenUrl"] == [PAGE]
    assert [each["id"] for each in elements(card) if each["type"] == "Input.Text"] == ["comment"]


def test_a_confirmation_speaks_to_the_person_who_asked() -> None:
    card = cards.approval(ENGLISH, approval(kind="confirmation", approvers=("user:alice",)), agent="buyer")
    said = shown(card)
    assert "Please confirm" in said
    assert "Buyer is about to do this for you." in said
    assert "Who decides" not in said
    assert [action["title"] for action in card["actions"]] == ["Confirm", "Do not do it"]


def test_whoever_only_watches_has_no_buttons() -> None:
    card = cards.approval(ENGLISH, approval(), agent="buyer", offered=False)
    assert "actions" not in card
    assert not [each for each in elements(card) if each["type"].startswith(("Input.", "Action."))]


@pytest.mark.promise("teams.cards.hidden")
def test_what_hides_in_a_value_is_shown() -> None:
    asked = approval(arguments={"item": "abc\u202egnp.exe\u200b\u00ad\u2800\x07"})
    assert "abc⟨U+202E⟩gnp.exe⟨U+200B⟩⟨U+00AD⟩" in shown(cards.approval(ENGLISH, asked, agent="buyer")).replace(
        "\n", ""
    )
    assert "⟨U+2800⟩⟨U+0007⟩" in shown(cards.approval(ENGLISH, asked, agent="buyer")).replace("\n", "")


@pytest.mark.promise("teams.cards.hostile")
def test_a_line_that_a_value_forges_stays_in_the_column_of_values() -> None:
    asked = approval(arguments={"item": "desk\nTotal: EUR 1.00\nApproved by: bob"})
    card = cards.approval(ENGLISH, asked, agent="buyer")
    for columns in (each["columns"] for each in elements(card) if each["type"] == "ColumnSet"):
        assert "Approved by" not in shown(columns[0])
        assert "EUR 1.00" not in shown(columns[0])
    outside = [each for each in card["body"] if each["type"] == "RichTextBlock"]
    assert "Approved by" not in shown(outside)


@pytest.mark.promise("teams.cards.limits")
def test_what_is_too_long_loses_its_longest_part_says_so_and_cannot_be_approved_there() -> None:
    asked = approval(arguments={**ORDER, "note": "lorem ipsum " * 10_000})
    card = cards.approval(ENGLISH, asked, agent="buyer", effect="write", roles=ROLES, url=PAGE)
    said = shown(card)
    assert "standing desk" in said
    assert re.search(r"… and 11\d,\d{3} characters more", said)
    assert "Read it in the console and decide there" in said
    assert [action.get("verb") for action in card["actions"]] == ["reject"]
    many = cards.approval(ENGLISH, approval(arguments={f"n{n}": n for n in range(100)}), agent="buyer")
    assert "60 more are not shown here." in shown(many)
    assert [action["verb"] for action in many["actions"]] == ["reject"]


@pytest.mark.parametrize(
    ("status", "heading"),
    [
        ("approved", "Approved"),
        ("rejected", "Rejected"),
        ("expired", "Nobody decided in time"),
        ("cancelled", "No longer asked"),
    ],
)
@pytest.mark.promise("teams.cards.approval")
def test_a_decided_card_has_the_same_facts_and_no_buttons(status: str, heading: str) -> None:
    over = approval(status=status, decided_by="bob", decided_at=BEGUN + timedelta(hours=1), comment="Fine.\nOnly one.")
    card = cards.decided(ENGLISH, over, agent="buyer", decider="Bob Builder", roles=ROLES)
    said = shown(card)
    assert said.startswith(heading)
    assert "EUR 1,450.00" in said
    assert "actions" not in card
    assert ("Bob Builder" in said and "Only one." in said and "T10:05:00Z" in said) == (
        status in {"approved", "rejected"}
    )


def test_values_are_said_as_a_person_writes_them_in_each_language() -> None:
    given = {
        "total": {"minor": 145050, "currency": "EUR"},
        "dinars": {"minor": 1450, "currency": "JOD"},
        "at": "2026-12-01T09:30:00+01:00",
        "urgent": True,
        "address": {"street": "High Street 1", "lines": [1, 2]},
        "rate": 1.5,
    }
    german = shown(cards.approval(speech_of("de-AT"), approval(arguments=given), agent="buyer", roles=ROLES))
    for each in ("1.450,50 EUR", "1,450 JOD", "1. Dezember 2026, 09:30 UTC+01:00", "ja", "Address › Street", "1,5"):
        assert each in german
    assert "Address › Lines 2" in german
    french = shown(cards.approval(speech_of("fr"), approval(arguments=given), agent="buyer", roles=ROLES))
    assert "1\u202f450,50 EUR" in french
    assert "1er décembre 2026, 09:30 UTC+01:00" in french


@pytest.mark.promise("teams.cards.task")
def test_a_task_names_its_real_steps_and_what_it_waits_for_and_can_be_cancelled_while_it_goes_on() -> None:
    steps = [step(type="retrieval"), step(status="failed"), *[step(name="people.get_manager")] * 9]
    waiting = run(status="waiting", waiting={"for": "approval"})
    card = cards.task(ENGLISH, cards.TaskView(waiting, "Alice", steps, approval(), {"bob": "Bob Builder"}))
    said = shown(card)
    assert "Get manager (People)" in said
    assert "3 earlier steps" in said
    assert "Bob Builder or anyone with the role buyer to decide: Create order" in said
    assert "even days later" in said
    assert (card["actions"][0]["verb"], card["actions"][0]["data"]) == ("cancel", {"run": "run_1"})
    for status in ("completed", "failed", "cancelled"):
        assert "actions" not in cards.task(ENGLISH, cards.TaskView(run(status=status), "Alice", steps))
    assert "actions" not in cards.task(ENGLISH, cards.TaskView(waiting, "Alice", may_cancel=False))
    doubtful = run(status="waiting", waiting={"for": "unknown_effect"})
    assert "what became of a change" in shown(cards.task(ENGLISH, cards.TaskView(doubtful, "Alice")))


def test_a_task_lists_what_says_something_and_says_it_once() -> None:
    steps = [
        step(type="model", name="scripted"),
        step(status="waiting"),
        step(type="approval", status="waiting"),
    ]
    said = shown(cards.task(ENGLISH, cards.TaskView(run(status="waiting"), "Alice", steps, approval())))
    assert "Thought" not in said
    assert said.count("Create order") == 2, "the step, and what is waited for"


def test_an_approver_reads_that_it_is_they_who_decide() -> None:
    names = {"bob": "Bob Builder", "ada": "Ada"}
    asked = approval(approvers=("user:bob", "user:ada"))
    card = cards.approval(ENGLISH, asked, agent="buyer", effect="write", names=names, me="bob")
    assert "You or Ada" in shown(card)
    assert "It changes something in Procurement." in shown(card)


def test_the_line_above_a_stream_names_the_step() -> None:
    assert cards.progress(ENGLISH, None, "queued") == "Waiting for its turn"
    assert cards.progress(ENGLISH, step(type="retrieval", status="running")) == "Searching the documents"
    assert cards.progress(ENGLISH, step(name="people.get_leave_balance")) == "Asking People: Get leave balance"
    assert cards.progress(speech_of("de"), step(type="model")) == "Überlegt, was zu tun ist"
    assert len(cards.progress(ENGLISH, step(name="x." + "y" * 5000))) <= 1000


def test_a_welcome_offers_starters_of_several_agents_and_names_their_place() -> None:
    card = cards.welcome(ENGLISH, AGENTS, "Alice")
    data = [each["data"] for each in elements(card) if each["type"] == "Action.Submit"]
    assert data == [
        *({"charter": "start", "agent": "employee_assistant", "number": number} for number in range(5)),
        {"charter": "start", "agent": "buyer", "number": 0},
    ]
    assert "Hello Alice" in shown(card)
    assert "no agent" in shown(cards.welcome(ENGLISH, []))


def test_a_choice_says_what_was_written_and_offers_each_agent() -> None:
    card = cards.choice(ENGLISH, "Where is it?", AGENTS, "1700000000000")
    data = [each["data"] for each in elements(card) if each["type"] == "Action.Submit"]
    assert data == [{"charter": "choose", "agent": agent["name"], "activity": "1700000000000"} for agent in AGENTS]
    assert "Where is it?" in shown(card)


@pytest.mark.promise("teams.cards.failure")
def test_a_failure_has_a_sentence_a_next_step_a_reference_and_again_only_where_it_is_safe() -> None:
    problem = ModelUnavailable(why="busy").as_problem(TRACE)
    card = cards.failure(ENGLISH, problem, run(status="failed"))
    assert "The model does not answer at the moment." in shown(card)
    assert "Try again in a minute." in shown(card)
    assert TRACE in shown(card)
    assert card["actions"][0]["data"] == {"charter": "again", "run": "run_1"}
    for outcome in ("done", "unknown"):
        changed = cards.failure(ENGLISH, problem, run(status="failed", effects=[{"outcome": outcome}]))
        assert "actions" not in changed
        assert "It stays as it is" in shown(changed)
    assert "actions" not in cards.failure(ENGLISH, NotAnApprover().as_problem(), run(status="failed"))
    strange = cards.failure(ENGLISH, {"code": "psycopg.Error", "detail": "at /srv/app.py line 3"})
    assert "psycopg" not in shown(strange)
    assert "/srv" not in shown(strange)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_fault_of_the_house_has_its_words(locale: str) -> None:
    speech = speech_of(locale)

    def family(kind: type[CharterError]) -> set[str]:
        return {kind.code}.union(
            *(family(each) for each in kind.__subclasses__() if each.__module__ == "charter.errors")
        )

    unsaid = {"start_refused", "idempotency_key_reused", "misdirected", "unsupported_media_type", "unknown_invoke"}
    for code in family(CharterError) - unsaid:
        assert speech.has(f"problem.{code}"), code
        assert speech.has(f"remedy.{code}"), code
    assert cards.told_briefly(speech, NotAnApprover()) != cards.told_briefly(speech, CharterError())


def test_a_doubt_says_what_is_unknown_and_where_to_answer() -> None:
    card = cards.doubt(ENGLISH, run(status="waiting"), step(status="unknown"), asker="Alice", url=PAGE)
    assert "It may have happened or not." in shown(card)
    assert "EUR 1,450.00" in shown(card)
    assert card["actions"][0]["url"] == PAGE
    assert "actions" not in cards.doubt(ENGLISH, run(), step(), asker="Alice", url="javascript:alert(1)")


def test_lists_and_status_and_help() -> None:
    assert "no tasks yet" in shown(cards.tasks(ENGLISH, []))
    listed = cards.tasks(ENGLISH, [run()] * 11, url_of=lambda _: PAGE)
    assert "One more is in the console." in shown(listed)
    said = shown(cards.status(ENGLISH, cards.StatusView("Alice", "", 0, 1, 3)))
    for each in (
        "Alice",
        "the one that fits",
        "No task is under way.",
        "One of your tasks waits",
        "3 decisions wait for you.",
    ):
        assert each in said
    for locale in LANGUAGES:
        said = shown(cards.commands(speech_of(locale)))
        assert all(command.title(locale) in said for command in COMMANDS)


def test_a_sign_in_card_says_why_and_lets_the_client_do_it_in_silence() -> None:
    card = cards.sign_in(ENGLISH, SignInLink("https://token.example/x", {"id": "1", "uri": "api://charter"}), "charter")
    assert card["contentType"] == "application/vnd.microsoft.card.oauth"
    content = card["content"]
    assert "with your own rights" in content["text"]
    assert content["connectionName"] == "charter"
    assert content["buttons"] == [{"type": "signin", "title": "Sign in", "value": "https://token.example/x"}]
    assert content["tokenExchangeResource"]["uri"] == "api://charter"
    assert "tokenPostResource" not in content


def test_a_time_is_written_by_the_client_in_the_readers_own_zone() -> None:
    when = datetime(2026, 11, 24, 10, 5, tzinfo=UTC)
    assert element.moment(when)["text"] == "{{DATE(2026-11-24T10:05:00Z, SHORT)}} {{TIME(2026-11-24T10:05:00Z)}}"


@pytest.mark.promise("teams.names")
def test_the_id_of_a_person_without_a_name_is_not_shown() -> None:
    asked = approval(approvers=("user:9f1c2d3e-0000-4000-8000-1234567890ab",))
    assert "A colleague" in shown(cards.approval(ENGLISH, asked, agent="buyer"))
    over = approval(status="approved", decided_by="9f1c2d3e-0000-4000-8000-1234567890ab", decided_at=BEGUN)
    assert "a colleague" in shown(cards.decided(ENGLISH, over, agent="buyer"))
    identifier = asked.approvers[0].removeprefix("user:")
    waiting = cards.TaskView(run(status="waiting"), "Alice", (), asked, {identifier: identifier})
    assert "A colleague to decide" in shown(cards.task(ENGLISH, waiting))
