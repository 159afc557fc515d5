"""The files that came with a run's input, as what was read of them. They are content from outside, whoever passed them on.

The text stands in the journal with the message that it came with: a run that is opened again, or gone through once more,
shows it again. The next run of the thread does not, it has the answers.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from charter.errors import FieldError, InvalidRequest
from charter.governance.labels import TRUSTED, Label, untrusted
from charter.models import conversation
from charter.models.chat import Message
from charter.runs.run import ReadFile
from charter.store.database import Session

MOST = 5
LONGEST = 24_000
"""Characters of all files of a message: models are shown all of them in each turn, whatever else they are shown."""
_LONGEST_NAME = 120


def check(files: Sequence[ReadFile]) -> None:
    """Hold the files of a request against what is taken.

    Raises:
        InvalidRequest: too many, too much, or one without a name that can be shown.
    """
    if len(files) > MOST:
        _refuse("There are too many files.", "/files", f"at most {MOST}")
    if sum(len(file.text) for file in files) > LONGEST:
        _refuse("There is too much text in the files.", "/files", f"at most {LONGEST} characters in all")
    for at, file in enumerate(files):
        if not file.name.isprintable() or not 0 < len(file.name.strip()) <= _LONGEST_NAME:
            _refuse("A file has no name.", f"/files/{at}/name", f"1 to {_LONGEST_NAME} characters that can be seen")
        if "\0" in file.text:
            _refuse("A file is no text.", f"/files/{at}/text", "no zero bytes")


def _refuse(sentence: str, pointer: str, detail: str) -> None:
    raise InvalidRequest(sentence, errors=[FieldError(pointer, detail)])


def label_of(count: int) -> Label:
    """Return the label of so many files: the person does not vouch for what they pass on."""
    return untrusted("a file of the request") if count else TRUSTED


def kept(files: Sequence[ReadFile]) -> dict[str, Any] | None:
    """Return what the journal's message keeps of them."""
    return {"files": [{"name": file.name, "text": file.text} for file in files]} if files else None


async def of_run(session: Session, run_id: str) -> tuple[ReadFile, ...]:
    """Return the files of a run in their order."""
    found: dict[str, list[dict[str, str]]] | None = await session.fetchval(
        "select output from journal where run_id = $1 and type = 'message' and output is not null order by seq limit 1",
        run_id,
    )
    return tuple(ReadFile(file["name"], file["text"]) for file in (found or {}).get("files", ()))


def shown(files: Sequence[ReadFile]) -> list[Message]:
    """Return what a model is shown before the input: nothing, or one message that says what the files are."""
    if not files:
        return []
    return [Message("user", conversation.enclosed([(file.name, file.text) for file in files]))]


def digest(files: Sequence[ReadFile]) -> list[list[str]]:
    """Return what tells these files from others."""
    return [[file.name, hashlib.sha256(file.text.encode()).hexdigest()] for file in files]
