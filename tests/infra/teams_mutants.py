"""The guards of Teams' registration, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_SCRIPT, _TESTS = "infra/registrations.py", ("tests/infra/test_registrations.py",)

REGISTRATION = (
    Mutant("Teams let in unasked", _SCRIPT, "*(TEAMS if wanted.teams else ())", "*TEAMS", _TESTS),
    Mutant("the token service vouched for unasked", _SCRIPT, "    if wanted.teams:\n", "    if True:\n", _TESTS),
    Mutant("another tenant's token service", _SCRIPT, "uuid.UUID(i).bytes_le", "uuid.UUID(i).bytes", _TESTS),
    Mutant(
        "a sign-in taken away by a run without it",
        _SCRIPT,
        'teams = wanted.teams or bot in (found.content.get("identifierUris") or ())',
        "teams = wanted.teams",
        _TESTS,
    ),
)
