"""One document that cannot be kept, or whose fields slip, costs no other one its place and opens nothing."""

import os
import random

import pytest

from tests.knowledge.conftest import Shelf

pytestmark = pytest.mark.timeout(240)

WHO = "Who waters the plants?"
PLANTS = "The caretaker waters the plants on Mondays."


@pytest.mark.promise("knowledge.bad_file")
@pytest.mark.parametrize("name", [b"caf\xe9.md", b"caf\xe9.doc", b"caf\xe9/plants.md"])
async def test_a_name_that_is_no_text_is_told_and_the_others_are_read(shelf: Shelf, name: bytes) -> None:
    shelf.write("plants.md", PLANTS)
    shelf.write(os.fsdecode(name), PLANTS)

    report = await shelf.sync()

    assert [report.written, len(report.faults)] == [1, 1]
    assert "caf" in report.faults[0].path
    assert report.as_json()["faults"][0]["path"].encode()
    assert await shelf.ask(WHO)
    assert (await shelf.sync()).unchanged == 1


@pytest.mark.promise("knowledge.bad_file")
async def test_a_path_that_no_index_takes_is_told_and_the_others_are_read(shelf: Shelf) -> None:
    shelf.write("plants.md", PLANTS)
    signs = iter(random.Random(7).sample(range(0x4E00, 0x9F00), 18 * 60))
    shelf.write("/".join("".join(chr(next(signs)) for _ in range(60)) for _ in range(18)) + ".md", PLANTS)

    report = await shelf.sync()

    assert [fault.reason for fault in report.faults] == ["its path is longer than 1,000 bytes"]
    assert await shelf.ask(WHO)
