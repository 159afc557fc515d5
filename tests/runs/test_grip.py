"""The hold on a run: looked at once more before anything leaves, and let go at once."""

import asyncio

import pytest

from charter.runs.grip import Grip, HandedOver, clock
from charter.runs.journal import Fenced
from tests.running import WAIT_SECONDS


class Answers:
    """What the database says when it is asked, one answer after the other."""

    def __init__(self, *answers: bool) -> None:
        self.left = list(answers)

    async def __call__(self) -> bool:
        return self.left.pop(0)


@pytest.mark.promise("runs.sure")
async def test_a_hold_that_was_confirmed_a_moment_ago_is_not_asked_for_again() -> None:
    await Grip(Answers(), trusted_seconds=60).sure()


@pytest.mark.promise("runs.sure")
async def test_after_a_freeze_the_database_is_asked_and_its_no_is_final() -> None:
    grip = Grip(Answers(True, False), trusted_seconds=60)
    grip._confirmed = clock() - 61  # the process was frozen that long
    await grip.sure()
    grip._confirmed = clock() - 61
    with pytest.raises(Fenced):
        await grip.sure()
    with pytest.raises(Fenced):
        grip.check()


@pytest.mark.promise("runs.sure")
async def test_a_freeze_while_the_database_answers_is_noticed_too() -> None:
    """The yes is as old as the question: a process that freezes before it hears the answer asks again."""
    answers = iter([True, False])

    async def slow() -> bool:
        await asyncio.sleep(0.03)
        return next(answers)

    grip = Grip(slow, trusted_seconds=0.02)
    grip._confirmed = clock() - 1
    with pytest.raises(Fenced):
        await grip.sure()


async def test_what_can_be_repeated_is_cut_off_when_the_hold_is_gone() -> None:
    grip, cut = Grip(Answers(), trusted_seconds=60), asyncio.Event()

    async def turn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    waiting = asyncio.create_task(grip.while_held(turn()))
    asyncio.get_running_loop().call_soon(grip.let_go, "handover")
    with pytest.raises(HandedOver):
        await asyncio.wait_for(waiting, WAIT_SECONDS)
    await asyncio.wait_for(cut.wait(), WAIT_SECONDS)
