"""The store in Azure AI Search: patience, keys, people's tokens, and from one index to the next without a gap."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from charter.errors import AuthorityLost, Conflict, Unavailable
from charter.knowledge.archive import Archive
from charter.knowledge.azure_ai_search.schema import comparable, ours, real_name
from charter.knowledge.azure_ai_search.service import PERMITTING, Patience
from charter.knowledge.azure_ai_search.store import AzureIndex
from charter.knowledge.index import Candidate, Question
from charter.knowledge.ranking import Fit, rank
from charter.store.database import Database
from tests.knowledge.contract.conftest import ANY, COLLECTION, document, person
from tests.knowledge.contract.vectors import WordEmbedder
from tests.knowledge.searching import KEY, SOON, RunningSearch, running_search

TENANT = "contoso"


@pytest.fixture
async def search() -> AsyncIterator[RunningSearch]:
    async with running_search() as running:
        yield running


class Opened:
    """An index of one embedder over a running twin, and the archive over it."""

    def __init__(self, search: RunningSearch, database: Database, embedder: WordEmbedder, **more: Any) -> None:
        options = {name: more.pop(name) for name in ("version", "patience", "key") if name in more}
        self.service = search.service(**options)
        self.index = AzureIndex(self.service, "charter", embedder, database, **more)
        self.archive = Archive(self.index, embedder, ANY)

    async def __aenter__(self) -> "Opened":
        await self.index.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.service.close()

    async def titles(self, question: str = "hotel", who: Any = None) -> set[str]:
        found = await self.archive.search(who or person(TENANT), question, collections=[COLLECTION], top=100)
        return {each.title for each in found}


@pytest.mark.promise("azure-search.upgrade")
async def test_while_the_next_index_is_filled_and_turned_to_every_search_is_answered_in_full(
    search: RunningSearch, database: Database
) -> None:
    await search.lever("PUT", "lag", {"documents": 0.02, "aliases": 0.1})
    names = {f"{at}.md" for at in range(30)}
    async with (
        Opened(search, database, WordEmbedder("old")) as old,
        Opened(search, database, WordEmbedder("new")) as new,
        Opened(search, database, WordEmbedder("new")) as beside,
    ):
        for name in names:
            await old.archive.put(document(TENANT, name, f"A hotel in {name}."))
        await old.archive.settle()
        async with asyncio.timeout(20):  # the service shows what was written a moment later
            while await old.titles() != names:
                pass
        answers: dict[str, list[set[str]]] = {"old": [], "new": []}
        done = asyncio.Event()

        async def watch(which: str, opened: Opened) -> None:
            while not done.is_set():
                answers[which].append(await opened.titles())

        async def sync(opened: Opened) -> None:
            stored = await opened.archive.stored(TENANT)
            for collection, name in stored:
                if stored[collection, name] != "1":
                    await opened.archive.put(document(TENANT, name, f"A hotel in {name}."))
            await opened.archive.settle()

        watching = [asyncio.create_task(watch("old", old)), asyncio.create_task(watch("new", new))]
        await asyncio.sleep(0)
        await asyncio.gather(sync(new), sync(beside))
        for told in answers.values():
            seen = len(told)
            async with asyncio.timeout(20):
                while len(told) < seen + 3:
                    await asyncio.wait(watching, timeout=0.05)
        done.set()
        await asyncio.gather(*watching)
        assert min(len(each) for each in answers.values()) > 3
        assert all(each == names for told in answers.values() for each in told)
        kept = {each["path"] for each in await search.requests("/indexes") if each["method"] == "DELETE"}
        assert kept == {f"/indexes('{real_name('charter', 'old')}')"}
        assert set((await new.archive.stored(TENANT)).values()) == {"1"}


@pytest.mark.promise("azure-search.upgrade")
async def test_what_nobody_wrote_anew_is_brought_over_before_the_alias_turns(
    search: RunningSearch, database: Database
) -> None:
    async with Opened(search, database, WordEmbedder("old")) as old:
        await old.archive.put(document(TENANT, "a.md", "A hotel."))
        await old.archive.put(document("fabrikam", "b.md", "A hotel."))
        await old.archive.settle()
    async with Opened(search, database, WordEmbedder("new")) as new:
        await new.archive.settle()
        assert await new.titles() == {"a.md"}
        assert await new.titles(who=person("fabrikam")) == {"b.md"}
        assert await new.archive.stored(TENANT) == {(COLLECTION, "a.md"): "1"}


@pytest.mark.promise("azure-search.upgrade")
async def test_what_changes_or_goes_meanwhile_is_not_read_in_the_old_index_any_more(
    search: RunningSearch, database: Database
) -> None:
    async with (
        Opened(search, database, WordEmbedder("old")) as old,
        Opened(search, database, WordEmbedder("new")) as new,
    ):
        for name in ("same.md", "narrowed.md", "gone.md"):
            await old.archive.put(document(TENANT, name, f"A hotel in {name}."))
        await old.archive.settle()
        assert set((await new.archive.stored(TENANT)).values()) == {""}
        await new.archive.put(document(TENANT, "narrowed.md", "A hotel.", readers=["role:hr"], digest="2"))
        await new.archive.remove(TENANT, [(COLLECTION, "gone.md")])
        assert await old.titles() == await new.titles() == {"same.md"}
        await new.archive.settle()
        assert await new.titles() == {"same.md"}
        assert await new.titles(who=person(TENANT, "dora", "hr")) == {"same.md", "narrowed.md"}


@pytest.mark.promise("azure-search.upgrade")
async def test_where_the_next_index_cannot_be_filled_the_old_one_is_searched_as_before(
    search: RunningSearch, database: Database
) -> None:
    async with Opened(search, database, WordEmbedder("old")) as old:
        await old.archive.put(document(TENANT, "a.md", "A hotel."))
        await old.archive.settle()
        patience = replace(SOON, writing=3)
        async with Opened(search, database, WordEmbedder("new"), patience=patience) as new:
            await search.lever("PUT", "lag", {"documents": 60})
            with pytest.raises(Unavailable, match="old one is searched"):
                await new.archive.settle()
            assert await new.titles() == await old.titles() == {"a.md"}


@pytest.mark.promise("azure-search.upgrade")
def test_names_tell_an_alias_its_own_indexes_from_others() -> None:
    name = real_name("charter", "multilingual-e5-small-q4")
    assert ours("charter", name)
    assert comparable(name, "multilingual-e5-small-q4")
    assert not comparable(name, "another")
    assert real_name("charter", "another") != name != real_name("charter", "multilingual-e5-small-q4", 2)
    assert not any(
        ours("charter", each) for each in ("charter", "charter-r1", "charter-two-r1-e5-01234567", f"x{name}")
    )
    assert len(real_name("c" * 100, "e" * 300)) <= 128


@pytest.mark.promise("azure-search.bounded")
async def test_a_busy_service_is_asked_again_when_it_says_and_not_for_ever(
    search: RunningSearch, database: Database
) -> None:
    async with Opened(search, database, WordEmbedder()) as opened:
        await opened.archive.put(document(TENANT, "a.md", "A hotel."))
        await search.befall(read={"status": 429, "times": 3, "retry_after": 0.3})
        started = time.monotonic()
        assert await opened.titles() == {"a.md"}
        assert time.monotonic() - started > 0.25
        await search.befall(read={"status": 503, "times": 100, "retry_after": 600})
        started = time.monotonic()
        with pytest.raises(Unavailable) as failure:
            await opened.titles()
        assert failure.value.retry_after == 600
        assert time.monotonic() - started < 60
        await search.befall(read={"status": -1, "times": 100})
        with pytest.raises(Unavailable, match="in time"):
            await Archive(AzureIndex(search.service(patience=replace(SOON, reading=0.3)), "charter", WordEmbedder(), database),
                          WordEmbedder(), ANY).search(person(TENANT), "hotel", collections=[COLLECTION])  # fmt: skip


@pytest.mark.promise("azure-search.bounded")
async def test_what_is_put_off_is_sent_again_alone_and_what_is_refused_is_said(
    search: RunningSearch, database: Database
) -> None:
    async with Opened(search, database, WordEmbedder()) as opened:
        await search.lever("PUT", "failing", {"psg_": {"status": 503, "times": 2}})
        body = "\n\n".join(f"# Part {at}\n\nThe hotel number {at}." for at in range(8))
        await opened.archive.put(document(TENANT, "a.md", body))
        found = await opened.archive.search(person(TENANT), "hotel number", collections=[COLLECTION], top=100)
        assert len(found) == 8
        await search.lever("PUT", "failing", {"psg_": {"status": 400, "times": 1}})
        with pytest.raises(Conflict, match="1 of"):
            await opened.archive.put(document(TENANT, "b.md", body))
        assert await opened.archive.stored(TENANT) == {(COLLECTION, "a.md"): "1", (COLLECTION, "b.md"): ""}


@pytest.mark.promise("azure-search.bounded")
async def test_a_document_that_is_put_twice_within_a_moment_leaves_nothing_of_the_first(
    search: RunningSearch, database: Database
) -> None:
    async with Opened(search, database, WordEmbedder()) as opened:
        await search.lever("PUT", "lag", {"documents": 0.4})
        await opened.archive.put(document(TENANT, "a.md", "An old hotel."))
        await opened.archive.put(document(TENANT, "a.md", "A new hotel.", readers=["role:hr"], digest="2"))
        who = person(TENANT, "dora", "hr")

        async def texts() -> set[str]:
            return {each.text for each in await opened.archive.search(who, "hotel", collections=[COLLECTION], top=100)}

        async with asyncio.timeout(10):
            while await texts() != {"A new hotel."}:
                await asyncio.sleep(0)


@pytest.mark.promise("stores.cut")
@pytest.mark.parametrize("writes", [1, 2])
async def test_a_put_that_is_cut_leaves_the_old_text_to_those_alone_who_may_read_both(
    search: RunningSearch, database: Database, writes: int
) -> None:
    async with Opened(search, database, WordEmbedder()) as opened:
        text = "# Old\n\nAn old hotel.\n\n# Kept\n\nA hotel that stays."
        await opened.archive.put(document(TENANT, "a.md", text, readers=["role:hr", "role:board"]))
        await search.befall(write={"status": 0, "after": writes, "times": 1_000})
        new = document(TENANT, "a.md", text.replace("old", "new"), readers=["role:audit", "role:hr"], digest="2")
        with pytest.raises(Unavailable):
            await opened.archive.put(new)
        await search.befall()
        board = await opened.archive.search(person(TENANT, "b", "board"), "hotel", collections=[COLLECTION])
        auditor = await opened.archive.search(person(TENANT, "a", "audit"), "hotel", collections=[COLLECTION])
        assert board == []
        assert not any("old" in each.text for each in auditor)
        assert await opened.archive.stored(TENANT) == {(COLLECTION, "a.md"): ""}
        await opened.archive.put(new)
        assert await opened.titles(who=person(TENANT, "a", "audit")) == {"a.md"}


@pytest.mark.promise("azure-search.key")
async def test_a_key_that_was_renewed_is_used_without_a_start_and_one_that_is_wrong_is_said(
    search: RunningSearch, database: Database
) -> None:
    keys = {"now": KEY, "newest": KEY}

    async def live(fresh: bool) -> str:
        keys["now"] = keys["newest"] if fresh else keys["now"]
        return keys["now"]

    async with Opened(search, database, WordEmbedder(), key=live) as opened:
        await opened.archive.put(document(TENANT, "a.md", "A hotel."))
        await search.lever("PUT", "keys", {"keys": ["renewed"]})
        keys["newest"] = "renewed"
        assert await opened.titles() == {"a.md"}
        await search.lever("PUT", "keys", {"keys": []})
        with pytest.raises(Unavailable, match="does not let this host in"):
            await opened.titles()


@pytest.mark.promise("azure-search.permissions")
async def test_where_the_persons_token_cannot_be_had_nothing_is_asked_and_it_is_said(
    search: RunningSearch, database: Database
) -> None:
    async def lost(ctx: Any) -> str:
        raise AuthorityLost("No authority is kept for the person who asked.")

    embedder = WordEmbedder()
    async with Opened(search, database, embedder, token_of=lost, version=PERMITTING) as opened:
        put = document(TENANT, "a.md", "A hotel.")
        await opened.archive.put(put)
        before = len(await search.requests("search.post.search"))
        with pytest.raises(AuthorityLost):
            await opened.titles()
        with pytest.raises(AuthorityLost):
            await opened.archive.open_passage(person(TENANT), put.id, put.passage_ids()[0])
        assert len(await search.requests("search.post.search")) == before


@pytest.mark.promise("azure-search.filter")
async def test_every_question_carries_the_filter_of_who_asks(search: RunningSearch, database: Database) -> None:
    embedder = WordEmbedder()
    async with Opened(search, database, embedder, semantic=True) as opened:
        await opened.archive.put(document(TENANT, "a.md", "A hotel for PO-8080."))
        seen = len(await search.filters())
        question = Question("hotel PO-8080", embedder.vector("far away"), ("PO-8080",))
        found = await opened.index.candidates(person(TENANT), question, collections=[COLLECTION])
        assert [each.semantic for each in found] == [1.0]
        asked = (await search.filters())[seen:]
        assert len(asked) == 4
        for each in asked:
            assert f"tenant eq '{TENANT}' and readers/any(r: (search.in(r, 'tenant|user:alice', '|')))" in each
            assert "kind eq 'passage'" in each
            assert f"search.in(collection, '{COLLECTION}', '|')" in each


@pytest.mark.promise("azure-search.upgrade")
async def test_a_host_that_still_remembers_the_old_index_is_answered_when_it_has_gone(
    search: RunningSearch, database: Database
) -> None:
    remembering = replace(SOON, known=600)
    async with Opened(search, database, WordEmbedder("old"), patience=remembering) as old:
        await old.archive.put(document(TENANT, "a.md", "A hotel."))
        assert await old.titles() == {"a.md"}
        async with Opened(search, database, WordEmbedder("new")) as new:
            await new.archive.settle()
        assert await old.titles() == {"a.md"}


@pytest.mark.promise("azure-search.upgrade")
async def test_two_hosts_that_start_at_once_make_one_index(search: RunningSearch, database: Database) -> None:
    alias = f"twice-{uuid4().hex[:8]}"
    services = [search.service() for _ in range(6)]
    await asyncio.gather(*(AzureIndex(each, alias, WordEmbedder(), database).open() for each in services))
    made = [each for each in await search.requests("/aliases") if each["method"] == "POST" and each["status"] == 201]
    assert len(made) == 1
    for each in services:
        await each.close()


@pytest.mark.promise("azure-search.ranker")
def test_the_services_ranker_orders_what_is_near_and_brings_nothing_from_afar() -> None:
    def found(name: str, similarity: float, semantic: float | None) -> Candidate:
        return Candidate("doc", name, name, "", "text", 0, 4, "trusted", ("tenant",), similarity, None, semantic)

    def names(*some: Candidate) -> list[str]:
        return [each.passage_id for each, _ in rank(Question("of what", [1.0]), some, Fit())]

    assert names(found("a", 0.90, None), found("b", 0.88, None)) == ["a", "b"]
    assert names(found("a", 0.90, 0.1), found("b", 0.88, 0.9)) == ["b", "a"]
    assert names(found("a", 0.90, 0.1), found("b", 0.70, 1.0)) == ["a"]
    assert names(found("b", 0.70, 1.0)) == []


def test_patience_lasts_longer_than_an_alias_takes_to_change() -> None:
    assert Patience().turned > 10
    assert Patience().known < Patience().turned
