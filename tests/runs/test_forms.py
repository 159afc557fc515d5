"""A correction of an answer's form is made anew from the journal, word for word."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from charter import settings
from charter.catalog import loader
from charter.models.chat import Level, Message, Reply, Usage
from charter.runs import conversation, formed
from charter.runs.run import Step
from charter.runs.shown import Shown

WRONG = "At /days: -1 is less than the minimum of 0."


def step(seq: int, **output: Any) -> Step:
    now = datetime.now(UTC)
    said = {"text": '{"days": -1}', "calls": [], "model": "m", "level": "yours", **output}
    return Step(
        f"stp_{seq}", seq, "model", "m", "done", None, None, said, {}, None, None, now, now, None, None
    )  # fmt: skip


@pytest.mark.promise("runs.form.corrected")
def test_a_run_that_is_opened_again_shows_the_same_correction_and_knows_that_it_was_made() -> None:
    steps = [step(1, **formed.noted(WRONG))]
    shown = Shown([Message("system", "You count.")], Message("user", "How many?"), 1000)
    conversation.recall(shown, steps)
    assert shown.messages()[2:] == [Message("assistant", '{"days": -1}'), formed.correction(WRONG)]
    assert formed.corrected(steps)
    assert not formed.corrected([step(1, **formed.noted(""))])


@pytest.mark.promise("writer.grounded")
@pytest.mark.parametrize(("level", "again"), [("yours", True), ("embedded", False), ("assistance", False)])
def test_only_a_model_that_can_write_anew_is_asked_to(level: Level, again: bool) -> None:
    writer = loader.load(settings.Settings(data_dir=Path("/nonexistent"))).agents["content_writer"]
    passages = [{"n": 1, "title": "Pay", "text": "The company pays 25 EUR a month.", "integrity": "trusted"}]
    reply = Reply("The company pays 25 EUR a month [1]. It pays gold [1].", (), Usage(), "m", level)
    found = formed.formed(writer, reply, passages, again=False)

    assert bool(found.unfit) == again
    assert found.text.startswith("The company pays 25 EUR a month [1].")
    assert "gold" not in found.text
