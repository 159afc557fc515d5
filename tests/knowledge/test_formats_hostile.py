"""Hostile and damaged files: each ends with one reason, in time, and harms nothing."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pypdf import PdfReader, PdfWriter

from charter.knowledge.formats.chamber import Chamber, Limits
from charter.knowledge.formats.content import Unreadable
from tests.knowledge.conftest import Shelf
from tests.knowledge.files import docx, paragraph, pptx, rezipped, xlsx, zipped
from tests.knowledge.test_pdf import pdf

pytestmark = pytest.mark.timeout(240)

BOMB = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.fixture
def chamber() -> Iterator[Chamber]:
    made = Chamber(Limits(seconds=60, idle=60))
    yield made
    made.close()


def _word(words: str = "The caretaker waters the plants.") -> bytes:
    return docx(paragraph(words))


def _book() -> bytes:
    return xlsx(lambda book: book.active.append(["a", "b"]))


def _bomb(part: str, size: int) -> bytes:
    return docx(paragraph("x"), parts={part: "<a>" + " " * size + "</a>"})


def _sheet(xml: str) -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    data = f'<worksheet xmlns="{main}"><sheetData>{xml}</sheetData></worksheet>'.encode()
    return rezipped(_book(), lambda name, part: data if name.endswith("sheet1.xml") else part)


DAMAGED: dict[str, tuple[str, bytes, str]] = {
    "unpacks to 70 MB of text": (".docx", _bomb("word/styles.xml", 70_000_000), "text would unpack to more than 60 MB"),
    "unpacks to 160 MB": (".docx", docx("", parts={"media/a.png": "0" * 160_000_000}), "more than 150 MB"),
    "has ten thousand parts": (".pptx", zipped({f"ppt/{n}": "" for n in range(10_000)}), "unpack to more than"),
    "declares entities": (".docx", docx("", parts={"word/document.xml": f"{BOMB}<w>&b;</w>"}), "declares XML entities"),
    "declares them in UTF-16": (
        ".xlsx",
        rezipped(_book(), lambda name, part: (BOMB.replace('"1.0"', '"1.0" encoding="utf-16"') + "<a>&b;</a>").encode("utf-16")
                 if name == "xl/workbook.xml" else part),
        "declares XML entities",
    ),
    "declares them under another name": (".pptx", rezipped(pptx([("a", "b")]), lambda name, part: (
        part if name != "docProps/thumbnail.jpeg" else f"{BOMB}<a/>".encode())), "declares XML entities"),
    "locked Office": (".docx", OLD + "EncryptedPackage".encode("utf-16-le"), "locked by a password"),
    "older Office": (".xlsx", OLD, "older format of Office; save it as .xlsx"),
    "wrong suffix": (".docx", _book(), "it looks like .xlsx"),
    "no Office at all": (".xlsx", zipped({"a": "b"}), "no .xlsx file"),
    "truncated": (".docx", _word()[:-40], "no .docx file, or is damaged"),
    "truncated in the middle": (".pptx", pptx([("a", "b")])[:9000], "no .pptx file, or is damaged"),
    "damaged within": (".xlsx", _book().replace(b"PK\x03\x04", b"PK\x03\x05"), "damaged"),
    "broken XML": (".docx", docx("<w:p><w:r>"), "damaged"),
    "empty": (".docx", b"", "it is empty"),
    "empty sheets": (".xlsx", xlsx(lambda book: None), "its sheets are empty"),
    "no slides": (".pptx", pptx([]), "no text"),
    "slides without text": (".pptx", pptx([("", "")]), "no text"),
    "no text in Word": (".docx", docx(""), ""),
    "a PDF by its suffix only": (".pdf", _word(), "it looks like a zip file or an Office document"),
    "deep Word": (".docx", docx("<w:sdt>" * 3000 + "</w:sdt>" * 3000), "nested too deeply"),
    "an enormous table": (
        ".xlsx", xlsx(lambda book: [book.active.append(["x" * 200] * 20) for _ in range(600)] and None),
        "longer than 2,000,000 characters",
    ),
}  # fmt: skip


@pytest.mark.promise("formats.hostile")
@pytest.mark.parametrize("name", [name for name in DAMAGED if name != "no text in Word"])
def test_a_bad_file_ends_with_one_reason(chamber: Chamber, name: str) -> None:
    suffix, content, reason = DAMAGED[name]
    started = monotonic()

    with pytest.raises(Unreadable, match=reason):
        chamber.read(suffix, content)

    assert monotonic() - started < 30


@pytest.mark.promise("formats.hostile")
@pytest.mark.promise("knowledge.bad_file")
async def test_among_bad_files_the_good_ones_are_read(shelf: Shelf) -> None:
    for number, (suffix, content, _) in enumerate(DAMAGED.values()):
        shelf.put(f"bad-{number}{suffix}", content)
    shelf.put("plants.docx", _word())

    report = await shelf.sync()

    assert report.written == 1
    assert len({Path(fault.path).name for fault in report.faults}) == len(report.faults) == len(DAMAGED)
    assert "caretaker" in (await shelf.ask("Who waters the plants?"))[0].text


@pytest.mark.promise("formats.apart")
def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read() -> None:
    chamber = Chamber(Limits(seconds=2))
    chamber.read(".docx", _word())
    first, started = chamber.pid, monotonic()

    with pytest.raises(Unreadable, match="takes longer than 2 seconds"):
        chamber.read(".xlsx", _sheet('<row r="99999999999"><c r="A1"><v>1</v></c></row>'))

    assert monotonic() - started < 10
    assert _ended(first)
    assert "caretaker" in chamber.read(".docx", _word()).body
    chamber.close()


@pytest.mark.promise("formats.apart")
def test_a_file_that_takes_too_much_memory_is_given_up_and_the_next_one_is_read() -> None:
    chamber = Chamber(Limits(megabytes=400))

    with pytest.raises(Unreadable, match="needs too much memory; divide it"):
        chamber.read(".html", b"<br>" * 4_000_000)

    assert "caretaker" in chamber.read(".docx", _word()).body
    chamber.close()


def test_a_row_with_a_cell_in_the_last_column_costs_little(chamber: Chamber) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 40))

    assert "| A | XFD |\n| --- | --- |\n| 1 | 1 |" in chamber.read(".xlsx", _sheet(rows)).body


@pytest.mark.promise("formats.apart")
def test_a_reader_that_dies_is_replaced(chamber: Chamber) -> None:
    chamber.read(".docx", _word())
    first = chamber.pid
    assert first
    os.kill(first, 9)

    assert "caretaker" in chamber.read(".docx", _word()).body
    assert chamber.pid not in (None, first)


@pytest.mark.promise("formats.apart")
def test_threads_take_turns_and_each_gets_its_own_file(chamber: Chamber) -> None:
    read: dict[int, str] = {}

    def work(number: int) -> None:
        read[number] = chamber.read(".docx", _word(f"This is file {number}.")).body

    threads = [Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read == {number: f"This is file {number}.\n" for number in range(8)}


@pytest.mark.promise("formats.apart")
async def test_a_reader_without_work_goes() -> None:
    chamber = Chamber(Limits(idle=0.2))
    await asyncio.to_thread(chamber.read, ".docx", _word())
    first = chamber.pid

    async with asyncio.timeout(20):
        while not _ended(first):
            await asyncio.sleep(0.05)

    assert chamber.pid is None


@pytest.mark.promise("formats.hostile")
async def test_nothing_is_fetched_for_a_document(chamber: Chamber) -> None:
    called: list[str] = []

    async def listen(request: web.Request) -> web.Response:
        called.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", listen)
    async with TestServer(app) as server:
        evil = str(server.make_url("")).rstrip("/")
        office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        blip = (
            '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
            '<a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
            f'xmlns:r="{office}" r:link="r9"/></wp:inline></w:drawing></w:r></w:p>'
        )
        link = f'<Relationship Id="r9" Type="{office}/image" Target="{evil}/a.png" TargetMode="External"/>'
        page = (
            f'<p>Words<img src="{evil}/b.png"><link rel=stylesheet href="{evil}/c.css"><iframe src="{evil}/d"></iframe>'
        )
        outer = f'<?xml version="1.0"?><!DOCTYPE w SYSTEM "{evil}/e.dtd"><w/>'

        assert (
            "Words"
            in (await asyncio.to_thread(chamber.read, ".docx", docx(paragraph("Words") + blip, links=link))).body
        )
        assert "Words" in (await asyncio.to_thread(chamber.read, ".html", page.encode())).body
        with pytest.raises(Unreadable):
            await asyncio.to_thread(chamber.read, ".docx", docx("", parts={"word/document.xml": outer}))

    assert called == []


@pytest.mark.promise("formats.apart")
def test_the_reader_is_given_no_secret_of_the_host(chamber: Chamber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTER_SECRET", "4711")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "4711")
    chamber.read(".docx", _word())

    assert b"4711" not in Path(f"/proc/{chamber.pid}/environ").read_bytes()


@pytest.mark.promise("formats.apart")
@pytest.mark.parametrize(
    "deed",
    [
        "__import__('socket').create_connection(('127.0.0.1', 9))",
        "__import__('urllib.request').request.urlopen('http://127.0.0.1:9')",
        "__import__('subprocess').run(['true'])",
        "__import__('os').system('true')",
        "__import__('os').fork()",
        "open('written', 'w')",
        "__import__('os').open('written', 65)",
        "__import__('os').remove('kept')",
        "bytearray(2_000_000_000)",
    ],
)
def test_whatever_a_library_were_made_to_do_the_reader_may_not(deed: str, tmp_path: Path, house: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    program = (
        f"import socket, urllib.request\nfrom charter.knowledge.formats.__main__ import confine\nconfine(1024)\n{deed}"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(house)}
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith(("PermissionError", "MemoryError"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def _ended(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_pdf_that_opens_without_a_password_is_read_though_it_is_protected(chamber: Chamber) -> None:
    writer, out = PdfWriter(clone_from=PdfReader(BytesIO(pdf()))), BytesIO()
    writer.encrypt("", "owner", algorithm="AES-256")
    writer.write(out)

    assert "company car" in chamber.read(".pdf", out.getvalue()).body
