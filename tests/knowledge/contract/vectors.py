"""An embedder for tests in which the model is not the point: words to vectors, the same ones every time, in no time."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import numpy

from charter.knowledge.embedder import Vector
from charter.knowledge.vocabulary import stems

_DIMENSIONS = 384


@lru_cache(maxsize=50_000)
def _word(word: str, name: str) -> "numpy.ndarray[tuple[int], numpy.dtype[numpy.float32]]":
    seed = int.from_bytes(sha256(f"{name} {word}".encode()).digest()[:8])
    return numpy.random.default_rng(seed).standard_normal(_DIMENSIONS, dtype=numpy.float32)


class WordEmbedder:
    """Texts that share words are near to one another. Another ``name`` gives vectors that fit to none of these."""

    dimensions = _DIMENSIONS

    def __init__(self, name: str = "words") -> None:
        self.name = name
        self.embedded = 0

    async def query(self, text: str) -> Vector:
        return self.vector(text)

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        self.embedded += len(texts)
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> Vector:
        """Return the sum of the vectors of the words of a text, of length one."""
        whole = sum((_word(word, self.name) for word in stems(text)), _word("", self.name) * 0.1)
        return (whole / numpy.linalg.norm(whole)).tolist()
