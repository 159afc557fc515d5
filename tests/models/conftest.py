"""The embedded model on assistance, with the shipped plugins and one that only tests know."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from charter.models.chat import Hint
from charter.models.embedded.model import EmbeddedModel
from charter.models.hints import hints_of
from tests.evals import exam
from tests.evals.exam import Paper, Sitting

PAPER = Paper("2026-11-23", {}, ())
"""The day of these tests is a Monday."""


@dataclass
class Desk:
    """A model, the functions it may call, and their hints."""

    model: EmbeddedModel
    tools: list[dict[str, Any]]
    hints: tuple[Hint, ...]

    def sit(self) -> Sitting:
        return Sitting(self.model.answer, PAPER, self.tools)


@pytest.fixture(scope="session")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    catalog = exam.catalog(exam.SHIPPED, exam.HERE / "plugin")
    hints = hints_of(catalog)
    model = EmbeddedModel("off", tmp_path_factory.mktemp("embedded"), hints)
    await model.start()
    await model.answer({"messages": []})
    yield Desk(model, exam.tools(catalog), hints)
    await model.close()


@pytest.fixture
def ask(desk: Desk) -> Callable[..., Awaitable[Sitting]]:
    async def asked(*said: str) -> Sitting:
        """Say all this in one thread; return the conversation."""
        sitting = desk.sit()
        for text in said:
            await sitting.say(text)
        return sitting

    return asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"
