import shutil
from pathlib import Path

import pytest

from charter.errors import Unavailable
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.ingest import sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.pace import Progress
from charter.knowledge.pgvector import PgIndex
from charter.knowledge.sources.folder import Root
from charter.store.database import Database
from tests.knowledge.conftest import COLLECTION, Shelf

HOTEL = "What may a hotel cost?"


def travel(price: int) -> str:
    return f"# Travel\n\nA hotel night may cost {price} EUR.\n\n## Trains\n\nFirst class is allowed after three hours."


@pytest.mark.promise("knowledge.fresh")
async def test_a_replaced_document_changes_the_answer(shelf: Shelf) -> None:
    shelf.write("travel.md", travel(160))
    await shelf.sync()
    shelf.write("travel.md", travel(190))

    report = await shelf.sync()

    assert [report.written, report.passages] == [1, 1]
    found = [passage.text for passage in await shelf.ask(HOTEL)]
    assert "190 EUR" in found[0]
    assert not any("160" in text for text in found)


@pytest.mark.promise("knowledge.fresh")
async def test_a_deleted_document_is_forgotten(shelf: Shelf) -> None:
    shelf.write("leave.md", "# Leave\n\nEverybody has 30 days of annual leave.")
    path = shelf.write("travel.md", travel(160))
    await shelf.sync()
    cited = (await shelf.ask(HOTEL))[0]
    path.unlink()

    report = await shelf.sync()

    assert [report.removed, report.unchanged] == [1, 1]
    assert await shelf.ask(HOTEL) == []
    with pytest.raises(Exception, match="no such passage"):
        await shelf.archive.open_passage(shelf.person(), cited.document_id, cited.passage_id)


@pytest.mark.promise("knowledge.fresh")
async def test_a_deleted_collection_is_forgotten(shelf: Shelf) -> None:
    shelf.write("travel.md", travel(160))
    await shelf.sync()
    (shelf.folder / "other").mkdir()
    shutil.rmtree(shelf.folder / COLLECTION)

    assert (await shelf.sync()).removed == 1
    assert await shelf.ask(HOTEL) == []


@pytest.mark.promise("knowledge.fresh")
async def test_new_readers_count_at_once_and_cost_no_embedding(shelf: Shelf) -> None:
    shelf.write("travel.md", travel(160))
    await shelf.sync()
    shelf.write("travel.md", travel(160), readers='["role:hr"]')

    report = await shelf.sync()

    assert [report.written, report.passages] == [1, 0]
    assert await shelf.ask(HOTEL) == []
    assert await shelf.ask(HOTEL, shelf.person("dora", "hr"))


@pytest.mark.promise("knowledge.idle")
async def test_a_second_sync_of_unchanged_files_does_nothing_and_wakes_no_embedder(
    shelf: Shelf, database: Database
) -> None:
    shelf.write("travel.md", travel(160))
    shelf.write("leave.md", "# Leave\n\nEverybody has 30 days of annual leave.")
    await shelf.sync()
    asleep = E5Embedder()

    report = await sync(
        Archive(PgIndex(database, asleep), asleep), Ledger(database), [Root(shelf.tenant, shelf.folder)]
    )

    assert [report.unchanged, report.written, report.removed, report.passages] == [2, 0, 0, 0]
    assert not asleep.loaded
    assert report.seconds < 1.0


@pytest.mark.promise("knowledge.bad_file")
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bad.md", b"# No front matter", "no front matter"),
        ("bad.md", b"---\nreaders: [tenant\n---\ntext", "not YAML"),
        ("bad.md", b"---\n- a\n---\ntext", "must be lines"),
        ("bad.md", b"---\nreaders: [tenant]\n---\n\xff\xfe", "not UTF-8"),
        ("bad.md", b"---\nreaders: [tenant]\n---\n\n", "no text"),
        ("bad.md", b"---\nreaders: [tenant]\nintegrity: yes\n---\ntext", "integrity"),
        ("bad.md", b"---\nreaders: [tenant]\nurl: javascript:alert(1)\n---\ntext", "url"),
        ("bad.md", b"---\nreaders: [tenant]\ntitle: [a]\n---\ntext", "title"),
        ("bad.md", b"", "no front matter"),
        ("bad.docx", b"PK", "no sidecar"),
        ("bad.xyz", b"PK", "only .md"),
        ("bad.doc", b"PK", "save it as .docx"),
        ("bad.pdf", b"%PDF-1.7 broken", "no sidecar"),
        ("bad.pdf.yaml", b"readers: [tenant]", "no bad.pdf beside"),
    ],
)
async def test_a_bad_file_is_reported_with_its_reason_and_the_others_are_read(
    shelf: Shelf, name: str, content: bytes, reason: str
) -> None:
    shelf.write("travel.md", travel(160))
    (shelf.folder / COLLECTION / name).write_bytes(content)

    for _ in range(2):  # it is told again for as long as it is so
        report = await shelf.sync()
        assert [Path(fault.path).name for fault in report.faults] == [name]
        assert reason in report.faults[0].reason
    assert "160 EUR" in (await shelf.ask(HOTEL))[0].text


@pytest.mark.promise("knowledge.bad_file")
async def test_what_was_searched_of_a_file_that_has_become_bad_is_withdrawn(shelf: Shelf) -> None:
    shelf.write("travel.md", travel(160))
    await shelf.sync()
    shelf.write("travel.md", travel(160), readers="[role:hr")

    report = await shelf.sync()

    assert [report.removed, len(report.faults)] == [1, 1]
    assert await shelf.ask(HOTEL, shelf.person("dora", "hr")) == []


@pytest.mark.promise("knowledge.bad_file")
async def test_a_link_out_of_the_folder_is_not_followed(shelf: Shelf, tmp_path: Path) -> None:
    shelf.write("travel.md", travel(160))
    secret = tmp_path / "secret.md"
    secret.write_text("---\nreaders: [tenant]\n---\nThe key of the safe is 4711.")
    (shelf.folder / COLLECTION / "link.md").symlink_to(secret)

    report = await shelf.sync()

    assert [fault.reason for fault in report.faults] == ["it is a link out of its folder"]
    assert await shelf.ask("What is the key of the safe?") == []


@pytest.mark.promise("knowledge.missing_folder")
@pytest.mark.parametrize("empty", [True, False])
async def test_a_folder_that_is_not_there_empties_nothing(shelf: Shelf, empty: bool) -> None:
    shelf.write("travel.md", travel(160))
    await shelf.sync()
    shutil.rmtree(shelf.folder)
    if empty:
        shelf.folder.mkdir()

    report = await shelf.sync()

    assert [report.removed, len(report.faults)] == [0, 1]
    assert await shelf.ask(HOTEL)


@pytest.mark.promise("knowledge.missing_folder")
async def test_a_folder_of_an_unknown_tenant_is_reported(shelf: Shelf) -> None:
    shelf.write("travel.md", travel(160))

    report = await sync(shelf.archive, shelf.ledger, [Root("nowhere", shelf.folder)])

    assert [fault.reason for fault in report.faults] == ["there is no tenant nowhere"]


@pytest.mark.promise("knowledge.resumes")
async def test_a_sync_that_was_cut_short_goes_on_where_it_stopped(shelf: Shelf) -> None:
    for number in range(4):
        shelf.write(f"{number}.md", f"# Rule {number}\n\nThis is rule number {number} of the house.")

    def power_cut(progress: Progress) -> None:
        if progress.done == 2 and progress.read:
            raise Unavailable("The power is gone.")

    with pytest.raises(Unavailable):
        await shelf.sync(power_cut)
    heard: list[Progress] = []
    report = await shelf.sync(heard.append)

    assert [report.unchanged, report.written] == [2, 2]
    read = [(progress.done, progress.total, progress.source) for progress in heard if progress.read]
    assert read == [(1, 2, "2.md"), (2, 2, "3.md")]


@pytest.mark.promise("knowledge.fresh")
async def test_two_folders_of_one_tenant_are_one_library(shelf: Shelf, tmp_path: Path) -> None:
    shelf.write("travel.md", travel(160))
    extra = Shelf(shelf.tenant, tmp_path / "extra", shelf.archive, shelf.ledger)
    extra.write("leave.md", "# Leave\n\nEverybody has 30 days of annual leave.")
    extra.write("travel.md", travel(999))
    roots = [Root(shelf.tenant, shelf.folder), Root(shelf.tenant, extra.folder)]

    reports = [await sync(shelf.archive, shelf.ledger, roots) for _ in range(2)]

    assert [reports[0].written, reports[1].unchanged, reports[1].removed] == [2, 2, 0]
    assert [fault.reason for fault in reports[1].faults] == ["another source has the same document"]
    assert "160 EUR" in (await shelf.ask(HOTEL))[0].text


@pytest.mark.promise("knowledge.fresh")
async def test_a_new_embedder_reads_everything_anew(shelf: Shelf, database: Database) -> None:
    class Successor(E5Embedder):
        name = "successor"

    shelf.write("travel.md", travel(160))
    await shelf.sync()
    successor = Successor()

    report = await sync(
        Archive(PgIndex(database, successor), successor), shelf.ledger, [Root(shelf.tenant, shelf.folder)]
    )
    successor.close()

    assert [report.written, report.passages] == [1, 2]
