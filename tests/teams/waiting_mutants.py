"""The guards of what happens behind the door in time, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_DOOR = "charter/channels/teams/"
_WAITING = "tests/teams/test_waiting.py::test_"

WAITING = (
    Mutant(
        "what is left untold is looked for in quiet hours", f"{_DOOR}telling.py", "everything = now - looked >= _LOOK_SECONDS",
        "everything = not heard", (f"{_WAITING}what_a_dead_process_left_untold_is_told_however_busy_the_others_are",),
    ),
    Mutant(
        "one run is told after the other", f"{_DOOR}telling.py", "            self._begin(tenant, run_id)\n        if everything:",
        "            await self.tell(tenant, run_id)\n        if everything:",
        (f"{_WAITING}a_chat_whose_members_are_slow_to_be_told_keeps_no_other_waiting",),
    ),
    Mutant(
        "a tenant takes all slots", f"{_DOOR}slots.py", "self._most = max(1, most - most // 4)", "self._most = most",
        (f"{_WAITING}a_tenant_with_much_to_be_worked_on_does_not_keep_another_waiting",),
    ),
    Mutant(
        "a message overtakes the one before", f"{_DOOR}pending.py", "and (e.received_at, e.activity) < (i.received_at, i.activity))",
        "and false)", ("tests/teams/test_pending.py",),
    ),
    Mutant(
        "what was put back is new", f"{_DOOR}pending.py", "attempts = greatest(attempts - 1, 1)", "attempts = attempts - 1",
        ("tests/teams/test_pending.py",),
    ),
    Mutant(
        "whoever had it once has it still", f"{_DOOR}pending.py", "and state = 'new' and attempts = $4\"", "and $4 > 0\"",
        ("tests/teams/test_pending.py",),
    ),
    Mutant(
        "what kills every process is tried for ever", f"{_DOOR}work.py", "if taken.hopeless:", "if False:",
        (f"{_WAITING}what_every_process_died_over_is_given_up_and_told",),
    ),
    Mutant(
        "reminders of what is decided leave", f"{_DOOR}approving.py", 'for kind in ("reminder", "escalation"):', "for kind in ():",
        ("tests/teams/test_approving.py::test_nobody_is_reminded_of_what_was_decided_before_the_reminder_could_leave",),
    ),
    Mutant(
        "a reminder that is leaving is tried again", f"{_DOOR}outbox.py", "{_BEGINS} and state in ('waiting', 'sending')",
        "{_BEGINS} and state = 'waiting'",
        ("tests/teams/test_outbox_rows.py::test_what_is_withdrawn_while_it_leaves_is_not_tried_again",),
    ),
    Mutant(
        "an answer of a dead process grows for ever", f"{_DOOR}telling.py", "if task.shown and place:", "if False:",
        ("tests/teams/test_broken_off.py",),
    ),
)  # fmt: skip
