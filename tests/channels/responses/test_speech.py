"""Live text and recorded turns, in every order in which they can arrive, become each text once."""

import itertools
from collections.abc import Iterable, Sequence

import pytest

from charter.channels.responses.speech import Closed, Opened, Said, Speech, Utterance

LOOK, ANSWER = "I look it up.", "You have 12 days."


def pieces(text: str) -> list[tuple[str, str]]:
    return [("live", word + " ") for word in text.split()[:-1]] + [("live", text.rsplit(maxsplit=1)[-1])]


def play(happenings: Iterable[tuple[str, str]]) -> list[Utterance]:
    speech, told = Speech(), list[Utterance]()
    for kind, text in happenings:
        step = {"live": speech.heard, "turn": speech.turned, "end": speech.ended}[kind]
        told += step(text)
    return told


def deltas(told: Sequence[Utterance]) -> dict[int, str]:
    found: dict[int, str] = {}
    for item in told:
        if isinstance(item, Said):
            found[item.index] = found.get(item.index, "") + item.text
    return found


def closed(told: Sequence[Utterance]) -> list[str]:
    return [item.text for item in told if isinstance(item, Closed) and item.whole]


def test_text_before_a_call_is_a_message_of_its_own() -> None:
    told = play([*pieces(LOOK), ("turn", LOOK), *pieces(ANSWER), ("end", ANSWER)])

    assert deltas(told) == {0: LOOK, 1: ANSWER}
    assert [item for item in told if isinstance(item, Closed)] == [Closed(0, LOOK), Closed(1, ANSWER, final=True)]
    assert [item.index for item in told if isinstance(item, Opened)] == [0, 1]


def test_text_that_came_at_once_is_one_piece() -> None:
    assert play([("end", ANSWER)]) == [Opened(0), Said(0, ANSWER), Closed(0, ANSWER, final=True)]


def test_a_turn_that_only_calls_says_nothing() -> None:
    assert play([("turn", ""), ("end", ANSWER)])[0] == Opened(0)


def test_a_run_without_an_answer_breaks_off_what_it_had_begun_to_say() -> None:
    assert play([("live", "You ha"), ("end", "")])[-1] == Closed(0, "You ha", whole=False)
    assert play([("end", "")]) == []


@pytest.mark.promise("responses.each-word-once")
@pytest.mark.parametrize("cut", range(len(pieces(LOOK)) + 1))
def test_a_recorded_turn_that_overtakes_its_live_text_is_told_once(cut: int) -> None:
    live = pieces(LOOK)
    told = play([*live[:cut], ("turn", LOOK), *live[cut:], *pieces(ANSWER), ("end", ANSWER)])

    assert deltas(told) == {0: LOOK, 1: ANSWER}
    assert closed(told) == [LOOK, ANSWER]


@pytest.mark.parametrize("ahead", range(len(pieces(ANSWER)) + 1))
def test_live_text_of_the_next_turn_that_overtakes_the_record_goes_to_its_own_message(ahead: int) -> None:
    live = pieces(ANSWER)
    told = play([*pieces(LOOK), *live[:ahead], ("turn", LOOK), *live[ahead:], ("end", ANSWER)])

    assert closed(told) == [LOOK, ANSWER]
    assert deltas(told)[max(deltas(told))] == ANSWER


@pytest.mark.parametrize("lost", [set(c) for n in range(3) for c in itertools.combinations(range(4), n)])
def test_lost_live_text_does_not_change_what_is_told_in_the_end(lost: set[int]) -> None:
    live = [piece for at, piece in enumerate(pieces(ANSWER)) if at not in lost]
    told = play([*live, ("end", ANSWER)])

    assert closed(told) == [ANSWER]
    whole = [item.index for item in told if isinstance(item, Closed) and item.whole]
    assert [deltas(told)[index] for index in whole] == [ANSWER]


def test_an_answer_of_another_model_after_a_broken_one_is_a_new_message() -> None:
    told = play([("live", "Let me see: 1"), ("end", ANSWER)])
    assert [item for item in told if isinstance(item, Closed)] == [
        Closed(0, "Let me see: 1", whole=False),
        Closed(1, ANSWER, final=True),
    ]


def test_an_answer_that_begins_like_late_text_is_told_whole() -> None:
    told = play([("turn", "No. Wait."), ("live", "No. "), ("live", "Yes."), ("end", "No. Yes.")])
    assert closed(told) == ["No. Wait.", "No. Yes."]
    assert deltas(told) == {0: "No. Wait.", 1: "No. Yes."}
