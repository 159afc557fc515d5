"""The guards of a replay, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

REPLAY, RECORDING = "charter/runs/replaying.py", "charter/models/recording.py"
RUNS, MODELS = ("tests/runs/test_replay.py",), ("tests/models/test_recording.py",)

REPLAYED = (
    Mutant("decisions not compared", REPLAY, "if was != now:", 'if was != now and "decision" not in what:', RUNS),
    Mutant("a run under way is replayed", REPLAY, "if not run.finished:", "if False:", RUNS),
    Mutant("private addresses recorded", RECORDING, "text = pattern.sub(name, text)", "text = text + ''", MODELS),
    Mutant(
        "known secrets recorded",
        RECORDING,
        "written = self._clean(orjson.dumps(line).decode())",
        "written = orjson.dumps(line).decode()",
        MODELS,
    ),
)
