"""What must not be read in a log, and what may."""

import asyncio
import sys
import time

import pytest

from charter.telemetry.masking import MASKED, Mask
from tests.running import HOUSE

CODE = """
import logging, structlog
from charter.settings import Telemetry
from charter.telemetry import logs
from charter.telemetry.masking import Mask

mask = Mask()
logs.configure(Telemetry(), mask)
mask.tell('canary "quoted" 1')
mask.tell("canary grün 2")
structlog.get_logger().warning("leaked canary grün 2", where="canary grün 2")
structlog.get_logger().warning('leaked canary "quoted" 1', where='canary "quoted" 1')
try:
    raise ValueError('canary "quoted" 1')
except ValueError:
    structlog.get_logger().exception("failed")
    logging.getLogger("library").exception("failed with %s", 'canary "quoted" 1')
"""


@pytest.mark.promise("secrets.masked")
async def test_neither_our_lines_nor_a_librarys_hold_a_known_value() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CODE, cwd=HOUSE, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, lines = await process.communicate()
    assert (process.returncode, said) == (0, b"")
    assert b"canary" not in lines
    assert lines.count(MASKED.encode()) >= 5
    assert b"failed" in lines
    assert b"ValueError" in lines


@pytest.mark.promise("secrets.masked")
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl refused", f"token {MASKED} refused"),
        ("Authorization: Bearer abcdefghijklmnop1234", f"Authorization: Bearer {MASKED}"),
        ("grant_type=x&client_secret=hunter2&scope=y", f"grant_type=x&client_secret={MASKED}&scope=y"),
        (f"secret abc8Q~{'k' * 34}", f"secret {MASKED}"),
        (f"in a \\neyJ{'h' * 3000}.eyJzdWIiOiJhIn0.c2ln line", f"in a \\n{MASKED} line"),
        ("none.of_eyJh.eyJzdWIiOiJhIn0.eyJzdWIiOiJhIn0. that", f"none.of_eyJh.{MASKED} that"),
        ("a bearer of good news, run_01H, sha256:abcdef", "a bearer of good news, run_01H, sha256:abcdef"),
    ],
)
def test_what_has_the_shape_of_a_token_is_masked_unknown(text: str, left: str) -> None:
    assert Mask().clean(text) == left


def test_a_word_is_no_secret_because_somebody_chose_it_as_one() -> None:
    mask = Mask()
    mask.tell("a")
    mask.tell("")
    assert mask.clean("a plain sentence") == "a plain sentence"


@pytest.mark.promise("secrets.masked")
@pytest.mark.parametrize("hostile", ["eyJ", "eyJaaaaaa ", "-eyJ.", "eyJaaaaaa."])
def test_a_text_of_many_beginnings_of_tokens_costs_work_in_the_measure_of_its_length(hostile: str) -> None:
    mask = Mask()

    def work(times: int) -> float:
        text, begun = hostile * times, time.process_time()
        mask.clean(text)
        return time.process_time() - begun

    short, long = (min(work(times) for _ in range(5)) for times in (4_000, 32_000))
    assert long < 24 * short, "eight times the text must not cost sixty-four times the work"
