"""The guards of who reads along, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_FILE, _TESTS = "charter/channels/teams/privacy.py", ("tests/teams/test_privacy.py",)

PRIVACY = (
    Mutant("restricted readers read along", _FILE, "if step.redacted or label.readers:", "if step.redacted:", _TESTS),
    Mutant("a guest reads along", _FILE, " and not member.guest", "", _TESTS),
    Mutant("another tenant reads along", _FILE, "member.tid == home_tid and ", "", _TESTS),
    Mutant(
        "nobody knows who reads along", _FILE, "bool(home_tid and members) and all(", "members is None or all(", _TESTS
    ),
    Mutant("what is personal is for everyone", _FILE, 'return "personal"\n    if', 'return ""\n    if', _TESTS),
    Mutant("passages that name no readers", _FILE, "isinstance(readers, list) and TENANT in readers", "True", _TESTS),
    Mutant("a search that failed", _FILE, 'step.status == "done" and ', "", _TESTS),
    Mutant("more than passages", _FILE, "not rest and ", "", _TESTS),
    Mutant("files of the person", _FILE, "if label.trusted and step.output is None", "", _TESTS),
)
