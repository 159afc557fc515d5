"""Replacing, moving, giving to others, forgetting: the same in every store, and safe wherever it is cut short."""

import asyncio
from collections.abc import Sequence
from itertools import count
from secrets import token_hex

import pytest

from charter.errors import CharterError, Conflict, NotFound
from charter.knowledge.archive import Archive
from charter.knowledge.index import Document
from charter.store import tenants
from charter.store.database import Database
from tests.knowledge.contract.conftest import ANY, COLLECTION, Opened, document, person
from tests.knowledge.contract.stores import Store
from tests.knowledge.contract.vectors import WordEmbedder

TWO = "# Hotels\n\nA hotel night may cost 160 EUR.\n\n# Trains\n\nFirst class is allowed after three hours."


async def texts(archive: Archive, tenant: str, *roles: str) -> set[str]:
    """Return every text that somebody of these roles finds, each opened as it is cited."""
    who = person(tenant, "alice", *roles)
    found = await archive.search(who, "hotel train EUR", collections=[COLLECTION], top=100)
    for each in found:
        cited = await archive.open_passage(who, each.document_id, each.passage_id)
        assert cited.document_text[cited.start : cited.end] == cited.text == each.text
    return {each.text for each in found}


@pytest.mark.promise("stores.contract")
async def test_a_replaced_document_is_the_new_one_only(opened: Opened) -> None:
    old = await opened.put("travel.md", TWO, digest="1")
    await opened.put("travel.md", TWO.replace("160", "190"), digest="2")

    found = await texts(opened.archive, opened.ours)

    assert found == {"A hotel night may cost 190 EUR.", "First class is allowed after three hours."}
    assert await opened.archive.stored(opened.ours) == {(COLLECTION, "travel.md"): "2"}
    with pytest.raises(NotFound):
        await opened.archive.open_passage(person(opened.ours), old.id, old.passage_ids()[0])


@pytest.mark.promise("stores.contract")
async def test_what_stays_is_not_embedded_again_though_it_moves(opened: Opened) -> None:
    await opened.put("travel.md", TWO)
    before = opened.embedder.embedded
    await opened.put("travel.md", "# Cars\n\nA car may be hired.\n\n" + TWO, title="travel.md", digest="2")

    assert opened.embedder.embedded - before == 1
    assert len(await texts(opened.archive, opened.ours)) == 3


@pytest.mark.promise("stores.contract")
async def test_other_readers_count_at_once_and_cost_no_embedding(opened: Opened) -> None:
    await opened.put("travel.md", TWO)
    before = opened.embedder.embedded
    await opened.put("travel.md", TWO, readers=["role:hr"], digest="2")

    assert await texts(opened.archive, opened.ours) == set()
    assert len(await texts(opened.archive, opened.ours, "hr")) == 2
    await opened.put("travel.md", TWO, readers=["role:hr", "tenant"], digest="3")
    assert len(await texts(opened.archive, opened.ours)) == 2
    assert opened.embedder.embedded == before


@pytest.mark.promise("stores.contract")
async def test_other_integrity_title_and_address_count_though_the_text_stays(opened: Opened) -> None:
    await opened.put("travel.md", TWO, title="Travel")
    await opened.put("travel.md", TWO, title="Trips", url="https://contoso.example/trips", integrity="untrusted", digest="2")  # fmt: skip

    for found in await opened.ask("hotel train"):
        cited = await opened.archive.open_passage(person(opened.ours), found.document_id, found.passage_id)
        assert [found.title, found.integrity] == [cited.title, cited.integrity] == ["Trips", "untrusted"]
        assert cited.url == "https://contoso.example/trips"


@pytest.mark.promise("stores.contract")
async def test_a_forgotten_document_is_gone_and_its_neighbours_stay(opened: Opened) -> None:
    put = await opened.put("travel.md", TWO)
    await opened.put("leave.md", "Hotels are not leave.")
    await opened.put("travel.md", "Hotels elsewhere.", collection="policies")

    await opened.archive.remove(opened.ours, [(COLLECTION, "travel.md"), (COLLECTION, "never.md")])

    assert await opened.titles("hotel train", collections=[COLLECTION, "policies"]) == ["leave.md", "travel.md"]
    assert set(await opened.archive.stored(opened.ours)) == {(COLLECTION, "leave.md"), ("policies", "travel.md")}
    for passage in put.passage_ids():
        with pytest.raises(NotFound):
            await opened.archive.open_passage(person(opened.ours), put.id, passage)
    await opened.put("travel.md", TWO)
    assert len(await opened.ask("hotel train")) == 3


@pytest.mark.promise("stores.contract")
async def test_a_document_that_says_the_same_twice_has_two_passages(opened: Opened) -> None:
    await opened.put("twice.md", "# A\n\nThe hotel.\n\n# A\n\nThe hotel.\n\n# B\n\nThe hotel.")

    found = await opened.ask("hotel")

    assert len({each.passage_id for each in found}) == len({each.start for each in found}) == 3


@pytest.mark.promise("stores.contract")
async def test_passages_that_are_neither_given_nor_kept_are_refused_and_change_nothing(opened: Opened) -> None:
    await opened.put("travel.md", TWO)
    changed = document(opened.ours, "travel.md", TWO.replace("160", "190"), digest="2")

    with pytest.raises(Conflict):
        await opened.index.put(changed, {})

    assert "A hotel night may cost 160 EUR." in await texts(opened.archive, opened.ours)


@pytest.mark.promise("stores.contract")
async def test_of_many_writers_of_one_document_one_is_the_last_and_nothing_is_mixed(opened: Opened) -> None:
    def version(number: int) -> Document:
        body = f"# Hotels\n\nA hotel costs {number} EUR.\n\n# Trains\n\nA train costs {number} EUR."
        readers = ["role:even"] if number % 2 == 0 else ["role:odd"]
        return document(opened.ours, "travel.md", body, readers=readers, digest=str(number))

    told = await asyncio.gather(*(opened.archive.put(version(number)) for number in range(8)), return_exceptions=True)

    assert [each for each in told if not isinstance(each, int | CharterError)] == []
    assert any(isinstance(each, int) for each in told)
    digest = (await opened.archive.stored(opened.ours))[COLLECTION, "travel.md"]
    reader, stranger = ("even", "odd") if int(digest) % 2 == 0 else ("odd", "even")
    expected = {f"A hotel costs {digest} EUR.", f"A train costs {digest} EUR."}
    assert await texts(opened.archive, opened.ours, reader) == expected
    assert await texts(opened.archive, opened.ours, stranger) == set()


@pytest.mark.promise("stores.contract")
async def test_writers_that_meet_over_new_documents_get_in_nobodys_way(opened: Opened) -> None:
    # Long to be written: that is when they meet.
    url = f"https://intranet.example/{token_hex(100_000)}"
    new = [document(opened.ours, f"new-{n}.md", "# Hotels\n\nA hotel costs 160 EUR.", url=url) for n in range(20)]

    told = await asyncio.gather(*(opened.archive.put(each) for each in new for _ in range(4)), return_exceptions=True)

    assert [each for each in told if not isinstance(each, int | CharterError)] == []
    assert {source for _, source in await opened.archive.stored(opened.ours)} >= {each.source for each in new}


OLD, NEW = "A hotel night cost 160 EUR in the old days.", "A hotel night costs 190 EUR from now on."
SAME = "First class trains are allowed after three hours."


def _body(text: str) -> str:
    return f"# Hotels\n\n{text}\n\n# Trains\n\n{SAME}"


@pytest.mark.promise("stores.cut")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["tenant"], ["role:hr"]),
        (["role:hr"], ["tenant"]),
        (["role:board"], ["role:hr"]),
        (["role:board", "role:hr"], ["role:hr", "tenant"]),
        (["tenant"], ["tenant"]),
        (None, ["role:hr"]),
    ],
)
async def test_wherever_a_write_is_cut_nobody_reads_what_the_new_document_does_not_let_them_read(
    store: Store, database: Database, before: Sequence[str] | None, after: Sequence[str]
) -> None:
    embedder = WordEmbedder()
    for writes in count():
        tenant = f"cut-{writes}"
        await tenants.ensure(database, {}, [tenant])
        new = document(tenant, "travel.md", _body(NEW), readers=after, digest="2")
        async with store.index(embedder) as index:
            archive = Archive(index, embedder, ANY)
            await archive.remove(tenant, [(COLLECTION, "travel.md")])
            if before is not None:
                await archive.put(document(tenant, "travel.md", _body(OLD), readers=before, digest="1"))
        async with store.index(embedder, writes=writes) as torn:
            cut = await _fails(Archive(torn, embedder, ANY), new)
        async with store.index(embedder) as index:
            archive = Archive(index, embedder, ANY)
            digest = (await archive.stored(tenant)).get((COLLECTION, "travel.md"), "")
            for roles in ((), ("hr",), ("board",), ("hr", "board")):
                seen = await _seen(archive, tenant, *roles)
                assert OLD not in seen or (before is not None and _reads(before, roles)), (writes, roles)
                # Unless nothing of the write was done at all.
                assert not seen or _reads(after, roles) or digest == "1", (writes, roles, seen)
                assert NEW not in seen or digest != "1"
            assert digest != "2" or not cut
            await archive.put(new)
            assert await texts(archive, tenant, "hr") == {NEW, SAME}
            assert await archive.stored(tenant) == {(COLLECTION, "travel.md"): "2"}
        if not cut:
            return


async def _fails(archive: Archive, new: Document) -> bool:
    try:
        await archive.put(new)
    except CharterError:
        return True
    return False


async def _seen(archive: Archive, tenant: str, *roles: str) -> set[str]:
    """Return what somebody of these roles finds and what they can open, the whole document too."""
    who = person(tenant, "alice", *roles)
    seen: set[str] = set()
    for each in await archive.search(who, "hotel train EUR", collections=[COLLECTION], top=100):
        seen.add(each.text)
    for body in (OLD, NEW):
        possible = document(tenant, "travel.md", _body(body))
        for passage in possible.passage_ids():
            try:
                cited = await archive.open_passage(who, possible.id, passage)
            except CharterError:
                continue
            seen |= {text for text in (OLD, NEW, SAME) if text in cited.document_text + cited.text}
    return seen


def _reads(readers: Sequence[str], roles: Sequence[str]) -> bool:
    return "tenant" in readers or any(f"role:{role}" in readers for role in roles)
