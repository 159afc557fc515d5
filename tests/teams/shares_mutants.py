"""The guards of everybody's share of the host, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_DOOR = "charter/channels/teams/"
_SHARES = ("tests/teams/test_shares.py",)

SHARES = (
    Mutant(
        "one person's messages fill all places", f"{_DOOR}work.py",
        "if (turn := self._turns.get(who)) is not None and turn.locked():", "if False:", _SHARES,
    ),
    Mutant(
        "one person's messages are all taken at once", f"{_DOOR}pending.py",
        "select distinct on (conversation, person) conversation, activity ", "select conversation, activity ", _SHARES,
    ),
)  # fmt: skip
