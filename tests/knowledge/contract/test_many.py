"""Many documents and passages, and one order of what is found over all stores."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from charter.errors import NotFound
from charter.knowledge.archive import Archive
from charter.plugin import Passage
from charter.store import tenants
from charter.store.database import Database
from tests.knowledge.contract.conftest import ANY, COLLECTION, Opened, document, person
from tests.knowledge.contract.stores import STORES, Ground
from tests.knowledge.contract.vectors import WordEmbedder

WORDS = [
    head + tail for head in ("ban", "cor", "dal", "fen", "gim", "hol") for tail in ("ato", "emi", "iru", "ono", "usk")
]


def text(random: Random) -> str:
    return " ".join(random.choices(WORDS, k=12)) + "."


@pytest.mark.timeout(300)
@pytest.mark.promise("stores.many")
async def test_more_documents_than_a_page_and_two_thousand_passages(opened: Opened) -> None:
    random, many = Random(7), 1_020
    await opened.put("long.md", "\n\n".join(f"# Part {at}\n\n{text(random)} part{at}" for at in range(1_000)))
    turns = asyncio.Semaphore(4)

    async def put(at: int) -> None:
        async with turns:
            await opened.put(f"{at}.md", f"{text(random)} unique{at}", digest=f"d{at}")

    await asyncio.gather(*(put(at) for at in range(many)))

    stored = await opened.archive.stored(opened.ours)
    assert stored == {(COLLECTION, f"{at}.md"): f"d{at}" for at in range(many)} | {(COLLECTION, "long.md"): "1"}
    for at in (0, 500, 999):
        assert (await opened.ask(f"unique{at}", top=1))[0].title == f"{at}.md"
        assert (await opened.ask(f"part{at}", top=1))[0].text.endswith(f" part{at}")
    await opened.archive.remove(opened.ours, [(COLLECTION, f"{at}.md") for at in range(0, many, 2)])
    assert len(await opened.archive.stored(opened.ours)) == 1 + many // 2


@pytest.mark.promise("stores.many")
async def test_a_document_of_hundreds_of_passages_is_written_and_replaced_whole(opened: Opened) -> None:
    def body(end: str) -> str:
        return "\n\n".join(f"# Part {at}\n\nThe part number {at} {end}." for at in range(300))

    first = await opened.put("long.md", body("begins"))
    second = await opened.put("long.md", body("ends"), digest="2")

    assert await opened.index.kept(second) == {*second.passage_ids()}
    assert not {*first.passage_ids()} & {*second.passage_ids()}
    with pytest.raises(NotFound):
        await opened.archive.open_passage(person(opened.ours), first.id, first.passage_ids()[-1])
    assert (await opened.ask("part number 299 ends", top=1))[0].text == "The part number 299 ends."


@pytest.mark.timeout(300)
@pytest.mark.promise("stores.order")
async def test_the_same_documents_come_in_the_same_order_from_every_store(database: Database, tmp_path: Path) -> None:
    tenant, embedder, random = "order", WordEmbedder(), Random(11)
    await tenants.ensure(database, {}, [tenant])
    bodies = [f"# Part\n\n{text(random)}\n\n# Code X-{at}\n\n{text(random)}" for at in range(20)]
    questions = [*(text(random) for _ in range(12)), "X-17", f"X-13 {text(random)}", f'"{bodies[5].split()[2]}"']
    orders: dict[str, Sequence[Sequence[Passage]]] = {}
    for name, maker in STORES.items():
        async with AsyncExitStack() as stack:
            try:
                store = await stack.enter_async_context(maker(Ground(database, tmp_path / name, uuid4().hex)))
            except pytest.skip.Exception:
                continue
            archive = Archive(await stack.enter_async_context(store.index(embedder)), embedder, ANY)
            for at, body in enumerate(bodies):
                await archive.put(document(tenant, f"{at}.md", body))
            await archive.settle()
            orders[name] = [
                await archive.search(person(tenant), each, collections=[COLLECTION], top=8) for each in questions
            ]
    first, *others = orders.values()
    assert len(others) >= 2
    for found in others:
        for ours, theirs in zip(first, found, strict=True):
            assert [each.passage_id for each in ours] == [each.passage_id for each in theirs]
            assert [each.score for each in ours] == pytest.approx([each.score for each in theirs], abs=1e-4)
