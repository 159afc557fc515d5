"""Take each guard of durable runs out of a copy of the house: a small drill must turn red.

usage: python -m tests.drills.mutants [NAME ...] [--json]
"""

import sys

from tests import mutants
from tests.mutants import Mutant

_SMALL = "tests/drills/test_guards.py::"

MUTANTS = (
    Mutant(
        "no fence",
        "charter/runs/journal.py",
        "where id = $1 and epoch = $2 returning last_seq",
        "where id = $1 and $2::bigint is not null returning last_seq",
        (f"{_SMALL}test_a_process_that_wakes_up_late_records_nothing_for_a_run_that_others_finished",),
    ),
    Mutant(
        "no intent",
        "charter/runs/acting.py",
        "await effects.intend(",
        "_ = (",
        (f"{_SMALL}test_an_effect_that_was_sent_is_not_repeated_when_nobody_recorded_its_outcome",),
    ),
    Mutant(
        "no outcome check",
        "charter/runs/effects.py",
        'return {row["step_id"] for row in rows}',
        "return set()",
        (f"{_SMALL}test_an_effect_that_was_sent_is_not_repeated_when_nobody_recorded_its_outcome",),
    ),
    Mutant(
        "pickle allowed",
        "charter/runs/segments.py",
        "_serialization.DBOSDefaultSerializer = RefusingPickle()",
        "_ = RefusingPickle()",
        (f"{_SMALL}test_a_planted_pickle_runs_no_code_and_holds_nobody_up",),
    ),
    Mutant(
        "recv wait",
        "charter/runs/segments.py",
        "is home:\n                return await work(tenant, run_id, epoch)",
        "is home:\n                return [await work(tenant, run_id, epoch), await DBOS.recv_async('decision', timeout_seconds=3600)][0]",
        (f"{_SMALL}test_runs_that_wait_hold_no_place_and_all_go_on",),
    ),
)

if __name__ == "__main__":
    sys.exit(mutants.main(MUTANTS))
