"""The small model inside the assistance; these need its weights in the data folder of this house."""

import asyncio
import stat
import time
from pathlib import Path
from threading import Event

import pytest

from charter.models.embedded.llama import Llama
from charter.models.embedded.mind import Mind
from charter.models.embedded.model import EmbeddedModel
from charter.models.embedded.weights import KNOWN
from tests.evals import exam
from tests.models.conftest import PAPER, Desk

WEIGHTS = exam.HOUSE / ".charter" / "weights" / KNOWN["1.5b"].file

pytestmark = [
    pytest.mark.weights,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not WEIGHTS.exists(), reason="the weights are not there: make eval-embedded fetches them"),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("risen")


@pytest.fixture(scope="module")
async def risen(desk: Desk, data_dir: Path):
    model = EmbeddedModel(str(WEIGHTS), data_dir, desk.hints)
    await model.start()
    assert model.level() == "assistance"
    await model.settled()
    yield Desk(model, desk.tools, desk.hints)
    await model.close()


async def test_the_level_rises_when_the_weights_are_loaded(risen: Desk) -> None:
    status = risen.model.status()
    assert (status["level"], status["state"], status["name"]) == ("embedded", "serving", WEIGHTS.name)


async def test_what_the_rules_are_not_sure_about_is_put_to_the_model_and_counted(risen: Desk) -> None:
    question = {"role": "user", "content": "How long does probation last?"}
    body = {"messages": [{"role": "system", "content": PAPER.system}, question], "tools": risen.tools}
    answered = await risen.model.answer(body)
    assert (answered.level, answered.model) == ("embedded", WEIGHTS.stem)
    assert answered.usage is not None
    assert answered.usage.input_tokens > 100
    again = await risen.model.answer(body)
    assert [call.name for call in again.calls] == [call.name for call in answered.calls]
    assert again.usage is None, "the same question is not put to the model twice"


async def test_orders_keep_their_exact_values(risen: Desk) -> None:
    sitting = risen.sit()
    await sitting.say("Order a standing desk for 1,450 EUR")
    expected = {"item": "standing desk", "total": {"minor": 145000, "currency": "EUR"}}
    assert sitting.calls == [("procurement.create_order", expected)]


async def test_a_model_that_fails_gives_way_to_assistance(risen: Desk, desk: Desk, data_dir: Path) -> None:
    model = EmbeddedModel(str(WEIGHTS), data_dir, desk.hints)
    await model.start()
    await model.settled()
    assert model._mind is not None
    model._mind.close()
    answered = await model.answer(
        {"messages": [{"role": "user", "content": "How long does probation last?"}], "tools": desk.tools}
    )
    assert (answered.level, model.status()["state"]) == ("assistance", "failed")
    await model.close()


def test_the_prefix_is_kept_and_brought_back(risen: Desk, desk: Desk, data_dir: Path) -> None:
    (kept,) = data_dir.glob("weights/prefix-*.bin")
    written = kept.stat().st_mtime_ns
    Mind.load(WEIGHTS, kept.parent, desk.hints, Event()).close()
    assert kept.stat().st_mtime_ns == written
    Mind.load(WEIGHTS, kept.parent, desk.hints[:1], Event()).close()
    (other,) = data_dir.glob("weights/prefix-*.bin")
    assert other.name != kept.name


def test_nobody_else_reaches_the_runtime(tmp_path: Path) -> None:
    llama = Llama(WEIGHTS, tmp_path)
    address = str(llama._server.listening_address)
    assert address.startswith("unix://")
    folder = Path(address.removeprefix("unix://")).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    llama._key = "another"
    assert not llama._slot("save", "x.bin")
    llama.close()
    assert not folder.exists()


async def test_a_host_that_goes_down_while_the_model_loads_is_not_held_up(desk: Desk, tmp_path: Path) -> None:
    model = EmbeddedModel(str(WEIGHTS), tmp_path, desk.hints)
    await model.start()
    await asyncio.wait_for(model.answer({"messages": [{"role": "user", "content": "hello"}]}), 60)
    started = time.perf_counter()
    await model.close()
    assert time.perf_counter() - started < 60
    assert not list(tmp_path.glob("weights/prefix-*.bin"))
