"""Vectors kept in a file between two runs of an evaluation: embedding the documents is most of its time."""

import sqlite3
from array import array
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from charter.knowledge.embedder import Embedder, Vector


class KeptEmbedder:
    """An embedder whose vectors are kept in ``file``, by its name and the text. Not for two processes at once."""

    def __init__(self, embedder: Embedder, file: Path) -> None:
        self.name = embedder.name
        self.dimensions = embedder.dimensions
        self._embedder = embedder
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(file, isolation_level=None)
        self._file.execute("create table if not exists vectors (key blob primary key, vector blob not null)")

    async def query(self, text: str) -> Vector:
        kept = self._kept("query", text)
        if kept is None:
            kept = await self._embedder.query(text)
            self._keep("query", text, kept)
        return kept

    def one(self, sentence: str, engine: Callable[[str], Vector]) -> Vector:
        """Return the vector of a sentence as ``query`` does, from an engine that need not be waited for."""
        kept = self._kept("query", sentence)
        if kept is None:
            kept = engine(sentence)
            self._keep("query", sentence, kept)
        return kept

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        found = {text: self._kept("passage", text) for text in texts}
        fresh = [text for text, vector in found.items() if vector is None]
        for text, vector in zip(fresh, await self._embedder.passages(fresh) if fresh else (), strict=True):
            self._keep("passage", text, vector)
            found[text] = vector
        return [vector for text in texts if (vector := found[text]) is not None]

    def close(self) -> None:
        self._file.close()

    def _key(self, kind: str, text: str) -> bytes:
        return sha256("\0".join((self.name, kind, text)).encode()).digest()

    def _kept(self, kind: str, text: str) -> Vector | None:
        row = self._file.execute("select vector from vectors where key = ?", (self._key(kind, text),)).fetchone()
        return array("f", row[0]).tolist() if row else None

    def _keep(self, kind: str, text: str, vector: Vector) -> None:
        kept = array("f", vector).tobytes()
        self._file.execute("insert or replace into vectors values (?, ?)", (self._key(kind, text), kept))
