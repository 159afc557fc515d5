"""The guards of choosing an agent, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_FILE, _TESTS = "charter/channels/teams/choosing.py", ("tests/teams/test_choosing.py",)

CHOOSING = (
    Mutant("an agent by a hair", _FILE, "likeness[best] >= LEAST and ", "", _TESTS),
    Mutant("no lead before other agents", _FILE, "likeness[best] - max(others, default=-1.0) >= LEAD", "True", _TESTS),
    Mutant(
        "vectors with all that they share", _FILE, "np.mean([self._vectors[sentence] for sentence in _NEUTRAL], axis=0)",
        "np.zeros(384)", _TESTS,
    ),
    Mutant("an agent of the settings that one may not start", _FILE, "if self._preferred in names:", "if self._preferred:", _TESTS),
    Mutant("a message waits for the embedder", _FILE, "asyncio.timeout(self._seconds)", "asyncio.timeout(None)", _TESTS),
    Mutant("a list without an end", _FILE, "reverse=True)[:MOST]", "reverse=True)", _TESTS),
)  # fmt: skip
