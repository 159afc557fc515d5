"""The guards of the door of Teams in production, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_TEAMS, _TESTS = "charter/posture/teams.py", ("tests/posture/test_teams.py",)

TEAMS = (
    Mutant("activities without a token in production", _TEAMS, "if own.anonymous:", "if False:", _TESTS),
    Mutant("a bot that is no application", _TEAMS, "if not _GUID.fullmatch(client.lower()):", "if False:", _TESTS),
    Mutant("another issuer of activities", _TEAMS, "    if cloud is None:\n", "    if cloud is None:\n        return\n", _TESTS),
    Mutant("answers to another host", _TEAMS, "if not _within(url, cloud.services):", "if False:", _TESTS),
    Mutant("half a host's name as an address", _TEAMS, "elif not urlsplit(url).path:", "elif False:", _TESTS),
    Mutant("a token service elsewhere", _TEAMS, "if not _within(own.token_service, cloud.token_services):", "if False:", _TESTS),
    Mutant("an address in the clear", _TEAMS, 'parts.scheme == "https" and', "True and", _TESTS),
    Mutant("a host that is no bot", _TEAMS, "if answer.status in (401, 403):", "if False:", _TESTS),
)  # fmt: skip
