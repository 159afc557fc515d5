"""What comes with a message in Teams: what is read, what is left out, and from where it is fetched."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from charter.channels.teams.fetching import Fetching, Unfetched
from charter.channels.teams.files import Files, Taken
from charter.errors import Unavailable
from charter.knowledge.formats.chamber import Chamber, Limits
from charter.runs import files as texts
from tests.knowledge.files import docx, rezipped, xlsx
from tests.knowledge.test_pdf import pdf
from tests.teams.store import Store, store

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture"
TOKEN = "the bot's own token"


@pytest.fixture(scope="module")
def chamber() -> Iterator[Chamber]:
    made = Chamber()
    yield made
    made.close()


@pytest.fixture
async def drive() -> AsyncIterator[Store]:
    async with store() as made:
        yield made


@pytest.fixture
async def connector() -> AsyncIterator[Store]:
    async with store() as made:
        yield made


def _endless() -> bytes:
    """Return a small table that takes a reader for ever."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rows = '<row r="99999999999"><c r="A1"><v>1</v></c></row>'
    sheet = f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'.encode()
    return rezipped(xlsx(lambda book: None), lambda name, part: sheet if name.endswith("sheet1.xml") else part)


async def _token() -> str:
    return TOKEN


@pytest.fixture
async def fetching(connector: Store) -> AsyncIterator[Fetching]:
    async with aiohttp.ClientSession() as http:
        yield Fetching(http, [f"{connector.address}/v3"], _token, loopback=True, seconds=3, most=1024 * 1024)


@pytest.fixture
def files(fetching: Fetching, chamber: Chamber) -> Files:
    return Files(fetching, chamber)


def _notes(taken: Taken) -> list[tuple[str, Any]]:
    return [(note.key, note.values.get("name")) for note in taken.notes]


@pytest.mark.promise("teams.files")
async def test_files_of_every_usual_format_are_read_and_each_is_told(files: Files, drive: Store) -> None:
    def fill(book: Any) -> None:
        book.active.append(["Item", "Price"])
        book.active.append(["Desk", "1450"])

    sent = [
        drive.file("Notes.txt", b"The lobby screen flickers."),
        drive.file("plan.md", b"# Plan\n\nFirst the lobby."),
        drive.file("letter.docx", docx("<w:p><w:r><w:t>Dear Contoso</w:t></w:r></w:p>")),
        drive.file("prices.xlsx", xlsx(fill)),
        drive.file("scan.pdf", pdf()),
    ]
    taken = await files.take(sent)
    assert [file.name for file in taken.files] == ["Notes.txt", "plan.md", "letter.docx", "prices.xlsx", "scan.pdf"]
    for file, words in zip(taken.files, ("flickers", "First the lobby", "Dear Contoso", "1450", ""), strict=True):
        assert words in file.text
    assert _notes(taken) == [("files.read", file.name) for file in taken.files]
    texts.check(taken.files)


@pytest.mark.promise("teams.files")
async def test_an_image_of_the_text_and_one_that_is_a_file_are_shown(
    files: Files, drive: Store, connector: Store
) -> None:
    taken = await files.take([connector.image("0-1", PNG), drive.file("photo.png", PNG)])
    assert [(image.media_type, image.data) for image in taken.images] == [("image/png", PNG)] * 2
    assert _notes(taken) == [("files.seen", "image 1"), ("files.seen", "photo.png")]


@pytest.mark.promise("teams.files.addresses")
async def test_the_token_goes_to_the_connector_and_never_to_a_store(
    files: Files, drive: Store, connector: Store
) -> None:
    await files.take([connector.image("0-1", PNG), drive.file("notes.txt", b"Good.")])
    [(_, asked)] = connector.asked
    assert asked["Authorization"] == f"Bearer {TOKEN}"
    [(path, asked)] = drive.asked
    assert "Authorization" not in asked
    assert path == "/notes.txt?tempauth=a%2Fb"


@pytest.mark.promise("teams.files.addresses")
async def test_an_image_elsewhere_than_at_the_connector_is_not_asked_for(
    files: Files, drive: Store, connector: Store
) -> None:
    image = "/v3/attachments/0-1/views/original"
    for address in (
        f"{drive.address}{image}",
        f"{connector.address}/v3x{image}",
        f"{connector.address}/v3/..{image}",
        f"{connector.address.replace('//', '//somebody@')}{image}",
        connector.address.replace("http:", "https:") + image,
        f"{connector.address}.example{image}",
        f"{connector.address}/v3/conversations/19:others/members",
        f"{connector.address}{image}/%2e%2e/%2e%2e/%2e%2e/conversations",
        f"{connector.address}/v3/attachments/..%2fconversations/views/original",
        f"{connector.address}/v3/conversations?a={image}",
        "",
    ):
        taken = await files.take([{"contentType": "image/png", "contentUrl": address}])
        assert _notes(taken) == [("files.elsewhere", "image 1")], address
    assert (drive.asked, connector.asked) == ([], [])


@pytest.mark.promise("teams.files.addresses")
async def test_a_token_is_carried_along_no_redirect(files: Files, drive: Store, connector: Store) -> None:
    connector.leads["/v3/attachments/0-1"] = drive.put("/stolen", PNG)
    taken = await files.take([{"contentType": "image/png", "contentUrl": f"{connector.address}/v3/attachments/0-1"}])
    assert _notes(taken) == [("files.elsewhere", "image 1")]
    assert drive.asked == []


@pytest.mark.promise("teams.files.addresses")
@pytest.mark.parametrize(
    "address",
    [
        "http://contoso.sharepoint.com/a.txt",
        "https://contoso.sharepoint.com:8443/a.txt",
        "https://contoso.sharepoint.com.example/a.txt",
        "https://notsharepoint.com/a.txt",
        "https://contoso.sharepoint.com@evil.example/a.txt",
        "https://somebody:word@contoso.sharepoint.com/a.txt",
        "https://evil.example\\@contoso.sharepoint.com/a.txt",
        "https://evil.example/?https://contoso.sharepoint.com/a.txt",
        "https://127.0.0.1/a.txt",
        "http://169.254.169.254/metadata",
        "file:///etc/passwd",
        "https://[::1]/a.txt",
        "https://contoso.sharepoint.com/a.txt\r\nHost: evil.example",
        "https://contoso.ѕharepoint.com/a.txt",
        "//contoso.sharepoint.com/a.txt",
        "https://contoso.sharepoint.com/" + "a" * 5000,
        "https://[contoso.sharepoint.com/a.txt",
        "",
    ],
)
async def test_an_address_that_is_no_store_of_files_is_never_asked_for(address: str) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(Unfetched) as refused:
            await Fetching(http, ["https://smba.trafficmanager.net/"], _token).file(address)
    assert refused.value.why == "elsewhere"


@pytest.mark.promise("teams.files.addresses")
async def test_a_store_leads_to_stores_only_and_not_for_ever(fetching: Fetching, drive: Store) -> None:
    drive.leads |= {
        "/a": "/b",
        "/out": "https://evil.example/x",
        "/in": "http://169.254.169.254/metadata",
        "/round": "/round",
        "/nowhere": "",
    }
    drive.put("/b", b"Here.")
    assert await fetching.file(f"{drive.address}/a") == b"Here."
    for path, why in (("/out", "elsewhere"), ("/in", "elsewhere"), ("/round", "gone"), ("/nowhere", "gone")):
        with pytest.raises(Unfetched) as refused:
            await fetching.file(drive.address + path)
        assert refused.value.why == why, path


@pytest.mark.promise("teams.files")
async def test_what_cannot_be_taken_is_left_out_with_the_reason_and_the_rest_is_read(
    files: Files, drive: Store, connector: Store
) -> None:
    drive.silent.add("/slow.txt?tempauth=a%2Fb")
    missing = drive.file("missing.txt", b"")
    del drive.holds["/missing.txt?tempauth=a%2Fb"]
    sent = [
        drive.file("slow.txt", b""),
        missing,
        drive.file("big.txt", b"x" * (1024 * 1024 + 1)),
        drive.file("virus.exe", b"MZ"),
        drive.file("broken.docx", b"not a document"),
    ]
    expected = ["files.slow", "files.gone", "files.too_large", "files.kind", "files.damaged"]
    async with asyncio.timeout(30):
        taken = await files.take(sent)
    assert _notes(taken) == list(zip(expected, (each["name"] for each in sent), strict=True))
    taken = await files.take(
        [drive.file("empty.txt", b" \n"), connector.image("1", b"<svg/>"), drive.file("a.txt", b"A")]
    )
    assert _notes(taken) == [("files.empty", "empty.txt"), ("files.image", "image 2"), ("files.read", "a.txt")]
    assert [file.text for file in taken.files] == ["A"]


@pytest.mark.promise("teams.shares")
async def test_files_that_are_slow_to_read_hold_up_neither_their_message_for_long_nor_others(drive: Store) -> None:
    endless = _endless()
    async with aiohttp.ClientSession() as http:
        files = Files(Fetching(http, [], _token, loopback=True), Chamber(Limits(seconds=4)), seconds=5)
        # More than a process has threads for its own purposes.
        slow = [files.take([drive.file(f"{n}.xlsx", endless)]) for n in range(40)]
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            taking = [group.create_task(each) for each in slow]
            while len(drive.asked) < 40:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(int)
            assert not any(task.done() for task in taking), "a thread became free first"
    for task in taking:
        assert {key for key, _ in _notes(task.result())} <= {"files.slow", "files.damaged"}
    await files.close()


@pytest.mark.promise("teams.shares")
async def test_between_the_slow_files_of_a_message_anothers_is_read(drive: Store) -> None:
    async with aiohttp.ClientSession() as http:
        files = Files(Fetching(http, [], _token, loopback=True), Chamber(Limits(seconds=4)), seconds=30)
        slow = asyncio.create_task(files.take([drive.file(f"{n}.xlsx", _endless()) for n in range(5)]))
        async with asyncio.timeout(20):
            while len(drive.asked) < 5:
                await asyncio.sleep(0.01)
        taken = await files.take([drive.file("notes.txt", b"Good.")])
        assert (_notes(taken), slow.done()) == ([("files.read", "notes.txt")], False)
        slow.cancel()
        with suppress(asyncio.CancelledError):
            await slow
    await files.close()


async def test_what_is_packed_is_not_unpacked(files: Files, drive: Store) -> None:
    drive.packed.add("/bomb.txt?tempauth=a%2Fb")
    taken = await files.take([drive.file("bomb.txt", gzip.compress(b"0" * 50_000_000))])
    assert _notes(taken) == [("files.gone", "bomb.txt")]


async def test_without_the_bots_token_an_image_is_left_out_and_files_are_read(drive: Store, chamber: Chamber) -> None:
    async def refused() -> str:
        raise Unavailable("Nobody gives a token.")

    async with aiohttp.ClientSession() as http:
        files = Files(Fetching(http, [f"{drive.address}/v3"], refused, loopback=True), chamber)
        taken = await files.take([drive.image("1", PNG), drive.file("a.txt", b"A")])
    assert _notes(taken) == [("files.gone", "image 1"), ("files.read", "a.txt")]


@pytest.mark.promise("teams.files")
async def test_long_texts_share_the_room_that_short_ones_leave_and_say_that_they_are_cut(
    files: Files, drive: Store
) -> None:
    sent = [
        drive.file("long.txt", b"a" * 40_000),
        drive.file("short.txt", b"b" * 100),
        drive.file("book.txt", b"c" * 90_000),
    ]
    taken = await files.take(sent)
    assert [note.key for note in taken.notes] == ["files.cut", "files.read", "files.cut"]
    long, short, book = taken.files
    assert short.text == "b" * 100
    assert abs(len(long.text) - len(book.text)) <= 1
    assert long.text.endswith("[The rest of this file is not shown.]")
    assert texts.LONGEST - 2 <= sum(len(file.text) for file in taken.files) <= texts.LONGEST
    values = taken.notes[2].values
    assert (values["shown"], values["whole"]) == (book.text.count("c"), 90_000)
    texts.check(taken.files)


async def test_no_more_than_five_are_taken_and_no_more_images_than_a_run_takes(files: Files, drive: Store) -> None:
    sent = [drive.file(f"{n}.png", PNG + bytes([n])) for n in range(7)]
    taken = await files.take(sent)
    assert [note.key for note in taken.notes] == ["files.seen"] * 4 + ["files.images_many", "files.many"]
    assert (len(taken.images), taken.notes[-1].values) == (4, {"count": 2, "most": 5})
    assert len(drive.asked) == 5


async def test_the_text_of_the_message_itself_and_cards_are_no_files(files: Files) -> None:
    sent = [
        {"contentType": "text/html", "content": "<p>hello</p>"},
        {"contentType": "application/vnd.microsoft.card.adaptive", "content": {}},
        {},
    ]
    assert await files.take(sent) == Taken()


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("../../etc/notes.txt", "txt", "notes.txt"),
        ("C:\\Users\\alice\\notes.txt", "txt", "notes.txt"),
        ("a\u202etxt.exe\n.txt", "txt", "a txt.exe.txt"),
        ("notes", "txt", "notes.txt"),
        ("", "txt", "file 1.txt"),
        ("x" * 300 + ".txt", "txt", "x" * 96 + ".txt"),
        (None, "txt", "file 1.txt"),
    ],
)
async def test_a_name_is_shown_as_one_short_line(files: Files, drive: Store, name: Any, kind: str, shown: str) -> None:
    sent = drive.file("here", b"Good.", fileType=kind) | {"name": name}
    taken = await files.take([sent])
    assert [file.name for file in taken.files] == [shown]
    texts.check(taken.files)


@pytest.mark.parametrize("content", [None, [], "x", {"downloadUrl": 7}, {"downloadUrl": None}])
async def test_an_attachment_that_is_none_disturbs_nothing(files: Files, content: Any) -> None:
    kind = "application/vnd.microsoft.teams.file.download.info"
    taken = await files.take([{"contentType": kind, "name": "a.txt", "content": content}])
    assert _notes(taken) == [("files.elsewhere", "a.txt")]
