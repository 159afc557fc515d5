"""The guards of what reaches people in Teams and what they press, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_DOOR = "charter/channels/teams/"
_WIRE, _CLICKS = "tests/teams/test_wire.py", "tests/teams/test_clicks.py"
_TELLING, _APPROVING = "tests/teams/test_telling.py", "tests/teams/test_approving.py"
_LATER = (f"{_APPROVING}::test_who_adds_the_app_after_they_were_to_be_asked_is_asked_then_and_once",)

WIRE = (
    Mutant(
        "a stream without an end goes on growing", f"{_DOOR}connector/link.py", "if shown.left:", "if False:",
        (f"{_WIRE}::test_whatever_befalls_a_stream_its_answer_is_there_once",),
    ),
    Mutant(
        "Stop is heard at the next word only", f"{_DOOR}answering.py",
        "                stream.update(growing.doing)\n        return", "                pass\n        return",
        (f"{_WIRE}::test_stop_cancels_the_turn_of_a_model_that_thinks_and_says_so",),
    ),
    Mutant(
        "a stopped stream keeps its chat", f"{_DOOR}answering.py", 'await stream.close(messages.plain(""))', "pass",
        (f"{_WIRE}::test_stop_cancels_the_turn_of_a_model_that_thinks_and_says_so",),
    ),
    Mutant(
        "Stop leaves the run alone", f"{_DOOR}answering.py", "await self._desk.service.cancel(task.ctx, task.run_id)", "pass",
        (f"{_WIRE}::test_stop_cancels_the_turn_of_a_model_that_thinks_and_says_so",),
    ),
    Mutant(
        "what is withdrawn is gone on with", f"{_DOOR}answering.py",
        'growing.turn, growing.broken = "", bool(growing.text) or growing.broken', 'growing.turn = ""',
        ("tests/teams/test_withdrawn.py",),
    ),
    Mutant(
        "a verb that nobody knows approves", f"{_DOOR}clicks.py", "if verb in _DECISIONS:", "if True:",
        (f"{_CLICKS}::test_what_a_button_carries_is_believed_in_nothing",),
    ),
    Mutant(
        "a click decides on the newest call", f"{_DOOR}clicks.py",
        'digest = _text(data, "digest") if ours else ""', "digest = (await service.approval(ctx, identifier)).digest",
        (f"{_CLICKS}::test_what_a_button_carries_is_believed_in_nothing",),
    ),
    Mutant(
        "cards that asked stay as they are", f"{_DOOR}approving.py", "await self._settle(session, row)]", "[]]",
        (f"{_CLICKS}::test_who_is_asked_by_their_role_sees_what_another_of_them_decided",),
    ),
    Mutant(
        "nobody looks for what was left behind", f"{_DOOR}telling.py", "        if everything:  # However", "        if False:  # However",
        (f"{_TELLING}::test_what_ended_while_nobody_was_there_to_hear_it_is_told_by_who_comes",),
    ),
    Mutant(
        "a doubt is told nobody", f"{_DOOR}telling.py", 'if waits.get("for") != "unknown_effect" or step is None:', "if True:",
        (f"{_TELLING}::test_who_asked_is_told_when_nobody_knows_whether_it_happened",),
    ),
    Mutant(
        "nothing is ever forgotten", f"{_DOOR}room.py",
        "(sender, worker, telling, approving, forgetting)", "(sender, worker, telling, approving)",
        (f"{_TELLING}::test_a_running_host_forgets_what_is_over_its_days",),
    ),
    Mutant(
        "who waits hears nothing", f"{_DOOR}approving.py",
        'if number == len(self._desk.settings.reminders) and approval.kind == "approval":', "if False:",
        (f"{_APPROVING}::test_who_does_not_decide_is_reminded_and_who_waits_is_told_each_once",),
    ),
    Mutant(
        "reminders without a number", f"{_DOOR}approving.py", 'f"reminder:{approval.id}:{number}:{person}"',
        'f"reminder:{approval.id}:{person}"',
        (f"{_APPROVING}::test_who_does_not_decide_is_reminded_and_who_waits_is_told_each_once",),
    ),
    Mutant(
        "who approved in vain is told nothing", f"{_DOOR}approving.py", 'if not row["undone"] or', "if True or",
        (f"{_APPROVING}::test_for_somebody_who_is_disabled_meanwhile_nothing_is_done_and_both_are_told",),
    ),
    Mutant(
        "nobody hears of who cannot be reached", f"{_DOOR}telling.py", '        if kind == "approval":\n', "        if False:\n",
        (f"{_APPROVING}::test_who_asks_hears_that_the_approver_has_taken_the_app_away",),
    ),
    Mutant(
        "an image keeps the rest from being done", f"{_DOOR}talk.py", "if not (images and (asked.text or files)):", "if True:",
        ("tests/teams/test_talk.py::test_where_the_model_sees_no_images_the_rest_is_done_and_that_is_said",),
    ),
    Mutant(
        "who comes later is asked nothing", f"{_DOOR}approving.py", "self._asks, self._meets,", "self._asks,", _LATER,
    ),
    Mutant(
        "who comes later is asked once more",
        f"{_DOOR}asked.py",
        "replace($3, '*', a.id) and o.state <> 'given_up'", "replace($3, '*', a.id) and false", _LATER,
    ),
    Mutant(
        "a reaction to anything", f"{_DOOR}clicks.py", 'key.startswith("answer:") and reaction', "False",
        ("tests/teams/test_liked.py",),
    ),
)  # fmt: skip
