"""Document libraries of SharePoint: all pages, the permissions of the files, and what becomes of changes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from charter.errors import NotFound
from tests.knowledge.conftest import Shelf
from tests.knowledge.libraries import Libraries, Library, Reader, reading, running_libraries
from tests.twins.running import RunningTwin, http, signing_keys, twin

__all__ = ["http", "signing_keys", "twin"]

HOTEL = "What may a hotel cost?"
TRAVEL = "# Travel\n\nA hotel night may cost 160 EUR.\n\n## Trains\n\nFirst class is allowed after three hours."
LEAVE = "# Leave\n\nEverybody has 30 days of annual leave."
PLACE = {"kind": "sharepoint", "drive": "handbook", "collection": "handbook"}


@pytest.fixture
async def libraries(twin: RunningTwin, tmp_path: Path) -> AsyncIterator[Libraries]:
    async with running_libraries(twin, tmp_path / "drives") as running:
        yield running


@pytest.fixture
def library(libraries: Libraries) -> Library:
    return libraries.library()


@pytest.fixture
async def reader(libraries: Libraries, library: Library, shelf: Shelf) -> AsyncIterator[Reader]:
    async with reading(
        shelf.tenant, [PLACE], shelf.archive, shelf.ledger, entra=libraries.entra, graph=libraries.url
    ) as reader:
        yield reader


@pytest.mark.promise("knowledge.sharepoint")
async def test_a_library_is_read_page_by_page_for_those_who_may_read_there(
    libraries: Libraries, library: Library, reader: Reader
) -> None:
    await libraries.page(3)
    for number in range(7):
        library.put(
            f"rules/{number}.md", f"# Rule {number}\n\nThis is rule number {number} of the house.", "user:alice"
        )
    library.put("travel.md", TRAVEL, "group:travellers")

    report = await reader.sync()

    assert (report.written, report.faults, report.incomplete) == (8, [], False)
    assert len(await libraries.asked("delta")) == 4
    assert await reader.ask("What is rule number 5 of the house?")
    assert await reader.ask(HOTEL) == []
    found = await reader.ask(HOTEL, reader.person("dora", "travellers"))
    assert [found[0].readers, found[0].integrity] == [("group:travellers",), "untrusted"]


@pytest.mark.promise("knowledge.permissions")
@pytest.mark.parametrize(
    ("shared", "readers"),
    [
        (["user:alice", "user:bob"], ("user:alice", "user:bob")),
        (["link:organization"], ("tenant",)),
        (["link:organization", "user:bob"], ("tenant", "user:bob")),
        (["link:user:alice"], ("user:alice",)),
        (["link:anonymous", "user:bob"], ("user:bob",)),
        (["sitegroup:Visitors", "group:hr"], ("group:hr",)),
        (["link:anonymous"], ()),
        (["sitegroup:Visitors"], ()),
        ([], ()),
    ],
)
async def test_what_permissions_do_not_surely_say_opens_nothing(
    libraries: Libraries, library: Library, reader: Reader, shared: list[str], readers: tuple[str, ...]
) -> None:
    library.put("travel.md", TRAVEL)
    library.share("travel.md", *shared)

    report = await reader.sync()

    if readers:
        everybody = [reader.person("alice"), reader.person("bob"), reader.person("dora", "hr")]
        found = [passage for who in everybody for passage in await reader.ask(HOTEL, who)]
        assert {passage.readers for passage in found} == {readers}
    else:
        assert await reader.stored() == set()
        assert "let nobody read it" in report.faults[0].reason
    assert await reader.ask(HOTEL, reader.customer()) == []


@pytest.mark.promise("knowledge.permissions")
@pytest.mark.parametrize(
    ("named", "shared", "readers"),
    [
        ("[tenant]", ["user:bob"], ("user:bob",)),
        ("['group:hr']", ["link:organization"], ("group:hr",)),
        ("['user:bob', 'group:hr']", ["group:hr", "user:dora"], ("group:hr",)),
        ("['role:customer']", ["link:organization"], ()),
        ("['group:everybody']", ["user:bob"], ()),
    ],
)
async def test_what_a_document_says_of_itself_only_narrows_its_permissions(
    library: Library, reader: Reader, named: str, shared: list[str], readers: tuple[str, ...]
) -> None:
    library.put("travel.md", f"---\nreaders: {named}\nintegrity: trusted\n---\n{TRAVEL}", *shared)

    await reader.sync()

    found = [
        passage
        for who in (reader.person("bob"), reader.person("dora", "hr", "everybody"), reader.customer())
        for passage in await reader.ask(HOTEL, who)
    ]
    assert {passage.readers for passage in found} == ({readers} if readers else set())
    assert {passage.integrity for passage in found} <= {"untrusted"}


@pytest.mark.promise("knowledge.rights")
async def test_whose_right_was_taken_away_neither_finds_nor_opens_it_after_the_sync(
    library: Library, reader: Reader
) -> None:
    library.put("travel.md", TRAVEL, "user:alice", "user:bob")
    await reader.sync()
    cited = (await reader.ask(HOTEL))[0]
    library.share("travel.md", "user:bob")

    report = await reader.sync()

    assert (report.written, report.passages) == (1, 0)
    assert await reader.ask(HOTEL) == []
    with pytest.raises(NotFound):
        await reader.archive.open_passage(reader.person(), cited.document_id, cited.passage_id)
    opened = await reader.archive.open_passage(reader.person("bob"), cited.document_id, cited.passage_id)
    assert opened.readers == ("user:bob",)


@pytest.mark.promise("knowledge.rights")
async def test_a_right_taken_away_counts_before_anything_new_is_read(library: Library, reader: Reader) -> None:
    library.put("zebra.md", TRAVEL, "user:alice")
    await reader.sync()
    library.share("zebra.md", "user:bob")
    library.put("aardvark.md", LEAVE, "user:alice")
    heard: list[str] = []

    await reader.sync(progress=lambda progress: heard.append(progress.source) if progress.read else None)

    assert heard == ["zebra.md", "aardvark.md"]


@pytest.mark.promise("knowledge.versions")
async def test_what_has_not_changed_is_not_fetched_again(
    libraries: Libraries, library: Library, reader: Reader
) -> None:
    library.put("travel.md", TRAVEL, "user:alice")
    library.put("leave.md", LEAVE, "user:alice")
    await reader.sync()
    await libraries.forget()
    library.put("leave.md", LEAVE.replace("30", "28"))

    report = await reader.sync()

    assert (report.unchanged, report.written) == (1, 1)
    assert [each["path"] for each in await libraries.asked("bytes")] == ["leave.md"]


@pytest.mark.promise("knowledge.incomplete")
@pytest.mark.parametrize(
    "fault", [{"delta": "half"}, {"all": "fail"}, {"delta": "forbidden"}, {"permissions": "forbidden"}]
)
async def test_a_library_that_cannot_be_looked_through_empties_nothing(
    libraries: Libraries, library: Library, reader: Reader, fault: dict[str, str]
) -> None:
    library.put("a/travel.md", TRAVEL, "user:alice")
    library.put("z/leave.md", LEAVE, "user:alice")
    await reader.sync()
    await libraries.page(2)
    (library.folder / "z/leave.md").unlink()
    await libraries.befall(**fault)

    report = await reader.sync()

    assert (report.removed, report.incomplete, len(report.faults)) == (0, True, 1)
    assert await reader.ask(HOTEL)
    assert await reader.stored() == {"a/travel.md", "z/leave.md"}
    await libraries.befall()
    assert (await reader.sync()).removed == 1
    assert await reader.stored() == {"a/travel.md"}


@pytest.mark.promise("knowledge.incomplete")
async def test_one_source_that_is_silent_keeps_no_other_from_following(
    libraries: Libraries, library: Library, shelf: Shelf
) -> None:
    library.put("travel.md", TRAVEL, "user:alice")
    leave = shelf.write("leave.md", LEAVE)
    shelf.write("stay.md", "# Stay\n\nNobody has to stay after six.")
    async with reading(
        shelf.tenant, [PLACE], shelf.archive, shelf.ledger, entra=libraries.entra, graph=libraries.url, folders=(shelf.folder,)
    ) as reader:  # fmt: skip
        assert len(await reader.sync() and await reader.stored()) == 3
        leave.unlink()
        await libraries.befall(all="fail")

        report = await reader.sync()

        assert (report.removed, report.incomplete) == (1, True)
        assert await reader.stored() == {"travel.md", "stay.md"}


@pytest.mark.promise("knowledge.incomplete")
async def test_what_came_from_a_source_that_is_none_any_more_is_forgotten_when_all_others_can_be_seen(
    libraries: Libraries, library: Library, reader: Reader, shelf: Shelf
) -> None:
    shelf.write("stay.md", "# Stay\n\nNobody has to stay after six.")
    await shelf.sync()
    library.put("travel.md", TRAVEL, "user:alice")
    await libraries.befall(all="fail")
    assert ((await reader.sync()).removed, await reader.stored()) == (0, {"stay.md"})
    await libraries.befall()
    assert ((await reader.sync()).removed, await reader.stored()) == (1, {"travel.md"})


@pytest.mark.promise("knowledge.incomplete")
async def test_nobody_takes_the_place_of_a_document_whose_source_is_silent(
    libraries: Libraries, library: Library, shelf: Shelf
) -> None:
    library.put("travel.md", TRAVEL, "user:alice")
    async with reading(
        shelf.tenant, [PLACE], shelf.archive, shelf.ledger, entra=libraries.entra, graph=libraries.url, folders=(shelf.folder,)
    ) as reader:  # fmt: skip
        shelf.write("stay.md", "# Stay\n\nNobody has to stay after six.")
        await reader.sync()
        await libraries.befall(all="fail")
        shelf.write("travel.md", "# Travel\n\nA hotel night may cost 999 EUR.")

        report = await reader.sync()

        assert "another source has the same document" in {fault.reason for fault in report.faults}
        assert "160 EUR" in (await reader.ask(HOTEL))[0].text


@pytest.mark.promise("knowledge.sharepoint")
@pytest.mark.parametrize("part", ["all", "delta", "content", "permissions"])
async def test_what_is_busy_is_asked_again(libraries: Libraries, library: Library, reader: Reader, part: str) -> None:
    library.put("travel.md", TRAVEL, "user:alice")
    await libraries.befall(**{part: "busy"})

    report = await reader.sync()

    assert (report.written, report.faults) == (1, [])
    assert await reader.ask(HOTEL)


@pytest.mark.promise("knowledge.sharepoint")
async def test_deleted_and_moved_files_are_followed(library: Library, reader: Reader) -> None:
    library.put("a/travel.md", TRAVEL, "user:alice")
    library.put("leave.md", LEAVE, "user:alice")
    await reader.sync()
    (library.folder / "leave.md").unlink()
    (library.folder / "a").rename(library.folder / "b")
    library.share("b", "user:alice")

    report = await reader.sync()

    assert report.faults == []
    assert await reader.stored() == {"b/travel.md"}
    assert await reader.ask(HOTEL)


@pytest.mark.promise("knowledge.sharepoint")
async def test_without_a_collection_the_folders_at_the_top_are_collections(
    libraries: Libraries, library: Library, shelf: Shelf
) -> None:
    library.put("shared/handbook/travel.md", TRAVEL, "user:alice")
    library.put("shared/loose.md", LEAVE, "user:alice")
    library.put("elsewhere/leave.md", LEAVE, "user:alice")
    place = {"kind": "sharepoint", "drive": "handbook", "folder": "shared"}
    async with reading(
        shelf.tenant, [place], shelf.archive, shelf.ledger, entra=libraries.entra, graph=libraries.url
    ) as reader:
        report = await reader.sync()

        assert set(await reader.archive.stored(reader.tenant)) == {("handbook", "travel.md")}
        assert [fault.reason for fault in report.faults] == ["it lies in no folder, so in no collection"]


@pytest.mark.promise("knowledge.sharepoint")
async def test_a_library_of_another_tenant_is_not_to_be_had(libraries: Libraries, shelf: Shelf) -> None:
    libraries.library("secret", "fabrikam").put("travel.md", TRAVEL, "link:organization")
    place = {**PLACE, "drive": "secret"}
    async with reading(
        shelf.tenant, [place], shelf.archive, shelf.ledger, entra=libraries.entra, graph=libraries.url
    ) as reader:
        report = await reader.sync()

        assert [fault.reason for fault in report.faults] == ["there is no such library, or not for this host"]
        assert await reader.stored() == set()


@pytest.mark.promise("twins.drive")
async def test_the_twin_believes_an_applications_token_for_graph_and_no_other(
    libraries: Libraries, library: Library
) -> None:
    path = "/v1.0/drives/handbook/root/delta"
    person = (await libraries.entra.sign_in("alice", "https://graph.microsoft.com/User.Read"))["access_token"]
    status = {
        name: (await libraries.ask(path, token))[0]
        for name, token in {
            "host": await libraries.token(),
            "nobody": "",
            "for the vault": await libraries.token("https://vault.azure.net/.default"),
            "a person": person,
            "of fabrikam": await libraries.token(directory="fabrikam"),
            "forged": await libraries.entra.forge(aud="https://graph.microsoft.com", exp=1),
        }.items()
    }
    assert status == {
        "host": 200,
        "nobody": 401,
        "for the vault": 401,
        "a person": 403,
        "of fabrikam": 404,
        "forged": 401,
    }


@pytest.mark.promise("twins.drive")
async def test_the_twin_refuses_what_it_does_not_know(libraries: Libraries, library: Library) -> None:
    library.put("travel.md", TRAVEL, "user:alice")
    token = await libraries.token()
    delta = "/v1.0/drives/handbook/root/delta"
    for path in (f"{delta}?$select=id,colour", f"{delta}?$filter=x", f"{delta}?$skiptoken=x", "/v1.0/me/drive"):
        assert (await libraries.ask(path, token))[0] == 400, path
    many = {
        "requests": [{"id": str(n), "method": "GET", "url": "/drives/handbook/items/x/permissions"} for n in range(21)]
    }
    assert (await libraries.ask("/v1.0/$batch", token, "POST", many))[0] == 400
    assert (await libraries.ask("/v1.0/drives/handbook/items/x/permissions", token))[0] == 404
    status, whole = await libraries.ask(f"{delta}?$top=1", token)
    assert (status, len(whole["value"])) == (200, 1)
    assert "path" not in str(whole["value"])
    assert whole["@odata.nextLink"].startswith(libraries.url)


@pytest.mark.promise("knowledge.rights")
async def test_permissions_that_take_several_pages_count_to_their_last(
    libraries: Libraries, library: Library, reader: Reader
) -> None:
    library.put("travel.md", TRAVEL, "link:organization")
    await reader.sync()
    assert await reader.ask(HOTEL)
    await libraries.page(2)
    library.share("travel.md", *(f"user:member{number}" for number in range(5)))

    report = await reader.sync()

    assert report.faults == []
    assert await reader.ask(HOTEL) == []
    assert await reader.ask(HOTEL, reader.person("member4"))


@pytest.mark.promise("knowledge.permissions")
async def test_what_is_shared_otherwise_while_it_is_read_is_not_given_to_those_before(
    library: Library, reader: Reader
) -> None:
    library.put("travel.md", LEAVE, "user:alice")
    (source,) = reader.sources
    (item,) = (await source.look()).items.values()
    library.put("travel.md", TRAVEL, "group:hr")

    with pytest.raises(OSError, match="its permissions were changed at this moment"):
        await source.read(item)
