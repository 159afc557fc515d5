"""Random scenes in own chats, group chats and channels of two tenants: nobody is ever shown what is somebody else's."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.teams.grouping import told
from tests.teams.scenes import Stage, play
from tests.teams.world import World, world

SCENES = 500 if os.environ.get("CHARTER_TEAMS_PRIVATE") == "whole" else 60
_AT_ONCE, _BATCH = 5, 20
_KINDS = (
    "documents", "open documents", "leave", "ticket", "order", "new ticket", "approval", "command", "feedback", "guest",
    "aloud", "in private", "own chat", "among others", "with guests", "pressed in vain",
)  # fmt: skip


@pytest.mark.timeout(3600)
@pytest.mark.promise("teams.private-500")
async def test_nobody_is_ever_shown_what_is_somebody_elses(tmp_path: Path) -> None:
    shown: Counter[str] = Counter()
    async with world(tmp_path, Random(62)) as made:
        stage = Stage(made)
        for first in range(0, SCENES, _BATCH):
            await _played(stage, range(first, min(first + _BATCH, SCENES)))
            shown = await _looked(made)
        await _kept(made)
        log = (tmp_path / "host.log").read_text("utf-8", "replace")
        assert made.canaries.within(log) == set()
    # The control: everything happened, everybody was shown much of their own, and there was much to be hidden.
    assert stage.counted["scene"] == SCENES
    assert [kind for kind in _KINDS if not stage.counted[kind]] == []
    assert min(stage.counted["aloud"], stage.counted["in private"]) >= SCENES / 15
    assert min(shown[name] for name in ("own", "hidden", "of all")) > SCENES
    assert '"level": "info"' in log


async def _played(stage: Stage, numbers: range) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        async with turns:
            await play(stage, number)

    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(one(number))


async def _looked(made: World) -> Counter[str]:
    """See that nothing of what each person was ever shown anywhere is somebody else's; return how much was shown to whom."""
    shown: Counter[str] = Counter()
    wrong: list[str] = []
    for chat, members in made.chats.items():
        texts = {person: told(await made.teams.seen(person, chat)) for person in members}
        all_there = made.canaries.within("".join(texts.values()))
        for person, text in texts.items():
            wrong += [f"{canary} for {person} in {chat}" for canary in made.canaries.foreign(person, text)]
            seen = made.canaries.within(text)
            shown["own"] += len(seen)
            shown["hidden"] += len(all_there - seen)
            shown["of all"] += len(seen) if len(members) > 1 else 0
    wrong += [f"{canary} for {person}" for person, text in made.told for canary in made.canaries.foreign(person, text)]
    assert wrong == []
    return shown


async def _kept(made: World) -> None:
    """See that what is kept of one tenant holds nothing of the other, and that nothing is kept of what has been said."""
    rows = await made.rows()
    wrong = [
        f"{canary} in {table} of {tenant}"
        for table, tenant, text in rows
        for canary in made.canaries.within(text)
        if made.canaries.tenants[canary] != tenant
    ]
    assert wrong == []
    said = [text for table, _, text in rows if table == "teams_outbox" and ",sent," in text]
    assert len(said) > SCENES
    assert not any(made.canaries.within(text) for text in said)
    assert {tenant for table, tenant, _ in rows if table == "runs"} == {"contoso", "fabrikam"}
