"""The child that reads hostile files: ``python -m charter.knowledge.formats MEGABYTES SECONDS``.

For each line ``{"suffix", "size"}`` on standard input, followed by so many bytes, it writes one line with the content, or
with the ``fault``. It ends with its input.
"""

import os
import sys
from typing import Any, BinaryIO, cast

import orjson

from charter.knowledge.formats.content import Unreadable
from charter.knowledge.formats.suffixes import read

_FORBIDDEN = (
    "socket.", "urllib.", "ftplib.", "smtplib.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.kill",
    "shutil.", "ctypes.dlopen",
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main(megabytes: int, seconds: int) -> None:
    """Read files until the input ends."""
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    confine(megabytes)
    while line := sys.stdin.buffer.readline():
        asked = orjson.loads(line)
        content = sys.stdin.buffer.read(asked["size"])
        _bound_time(seconds)
        _answer(answers, _read(asked["suffix"], content))


def confine(megabytes: int) -> None:
    """Forbid this process to fetch, start, write or remove anything, and to take more memory."""
    _bound_memory(megabytes)
    # A library would load it for types that no file has, and it takes threads and memory for each processor.
    sys.modules["numpy"] = cast("Any", None)
    sys.addaudithook(_forbid)


def _read(suffix: str, content: bytes) -> dict[str, Any]:
    try:
        found = read(suffix, content)
    except Unreadable as fault:
        # After a lack of memory the process is not to be trusted with the next file.
        return {"fault": str(fault), "last": isinstance(fault.__cause__, MemoryError)}
    pieces = [(piece.start, piece.end, piece.heading) for piece in found.pieces]
    return {"body": found.body, "pieces": pieces, "title": found.title}


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(orjson.dumps(answer) + b"\n")
    answers.flush()


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_FORBIDDEN) or (event == "open" and _writes(arguments)):
        raise PermissionError(f"{event} is forbidden here")


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return bool(isinstance(flags, int) and flags & _WRITING) or any(letter in str(mode or "") for letter in "wax+")


def _bound_memory(megabytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's clock must do
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    except (ValueError, OSError):
        return  # macOS has no such limit


def _bound_time(seconds: int) -> None:
    """Let this file have so many seconds of the processor, even when the parent is dead and nobody looks at a clock."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
