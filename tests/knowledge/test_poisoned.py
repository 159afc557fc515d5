"""A thousand documents with random readers, thousands of questions: nobody is shown what they may not read."""

import asyncio
import os
import re
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from charter.context import Context
from charter.errors import NotFound
from charter.knowledge.archive import Archive
from charter.store import tenants
from charter.store.database import Database
from tests.knowledge import poison
from tests.knowledge.contract.conftest import ANY
from tests.knowledge.contract.stores import STORES, Ground
from tests.knowledge.contract.vectors import WordEmbedder
from tests.knowledge.poison import Poisoned

DOCUMENTS, QUESTIONS = 1_000, 2_000
# The engines of these look at every point for every question: `make poisoned` asks all of them everywhere.
FEWER = (
    {}
    if os.environ.get("CHARTER_POISONED") == "whole"
    else {"qdrant-embedded": 100, "qdrant-http": 60, "azure-ai-search": 200}
)
NAMES = ["hr", "board", "sales", "legal", "payroll", "it", "audit", "press"]
COLLECTIONS = ["papers", "minutes"]
_CANARY = re.compile(r"canary[0-9a-f]{16}")


@pytest.mark.timeout(3600)
@pytest.mark.promise("stores.poisoned")
@pytest.mark.parametrize("name", STORES)
async def test_nobody_is_shown_what_they_may_not_read_and_everybody_what_they_may(
    name: str, database: Database, tmp_path: Path
) -> None:
    random = Random(20_261)
    sides = [f"{side}-{uuid4().hex[:8]}" for side in ("poisoned", "beside")]
    await tenants.ensure(database, {}, sides)
    readers = poison.readers_of(NAMES, NAMES, NAMES)
    shelf = poison.shelf(random, sides, readers, COLLECTIONS, many=DOCUMENTS)
    embedder = WordEmbedder()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(STORES[name](Ground(database, tmp_path, f"poison-{uuid4().hex[:8]}")))
        archive = Archive(await stack.enter_async_context(store.index(embedder)), embedder, ANY)
        await _at_once(*(archive.put(each.document) for each in shelf))
        await archive.settle()
        asked = _Asked(archive, shelf)
        await _at_once(*(asked.one(Random(number), sides) for number in range(FEWER.get(name, QUESTIONS))))
    # The control: what may be read is found and opened, and there was much that must not be.
    assert asked.wrong == []
    assert asked.missing == []
    assert asked.shown > asked.questions
    assert asked.opened > asked.questions / 4
    assert asked.refused > asked.questions / 4


class _Asked:
    """What came of all questions."""

    def __init__(self, archive: Archive, shelf: Sequence[Poisoned]) -> None:
        self._archive = archive
        self._shelf = shelf
        self._by_canary = {each.canary: each for each in shelf}
        self.questions = self.shown = self.opened = self.refused = 0
        self.wrong: list[str] = []
        self.missing: list[str] = []

    async def one(self, random: Random, sides: Sequence[str]) -> None:
        """Ask as somebody for three documents, and open each as if it had been cited."""
        who, about = poison.somebody(random, sides, NAMES), random.sample(self._shelf, 3)
        collections = COLLECTIONS if random.random() < 0.8 else COLLECTIONS[:1]
        question = poison.question(random, about)
        answer = await self._archive.search(who, question, collections=collections, top=random.choice((5, 100)))
        self.questions += 1
        for passage in answer:
            self._judge(who, repr(passage))
        for each in about:
            within = each.document.collection in collections
            if each.readable(who) and within and not any(each.canary in passage.text for passage in answer):
                self.missing.append(f"{each.key} for {who}")
        # Each second time what they may read, where there is anything.
        mine = [each for each in self._shelf if self.questions % 2 and each.readable(who)]
        await self._open(who, random.choice(mine or about))

    async def _open(self, who: Context, each: Poisoned) -> None:
        try:
            cited = await self._archive.open_passage(who, each.document.id, each.document.passage_ids()[0])
        except NotFound:
            self.refused += 1
            if each.readable(who):
                self.missing.append(f"{each.key} opened for {who}")
        else:
            self._judge(who, repr(cited))
            self.opened += 1

    def _judge(self, who: Context, told: str) -> None:
        shown = {self._by_canary[found] for found in _CANARY.findall(told)}
        self.shown += len(shown)
        self.wrong += [f"{each.key} for {who}" for each in shown if not each.readable(who)]


async def _at_once(*work: Awaitable[object]) -> None:
    turns = asyncio.Semaphore(4)

    async def one(each: Awaitable[object]) -> None:
        async with turns:
            await each

    await asyncio.gather(*(one(each) for each in work))
