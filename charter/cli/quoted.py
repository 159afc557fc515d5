"""Answers by quotation in an evaluation, as the assistance gives them."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from charter.knowledge.evaluation.asking import Quote
from charter.knowledge.evaluation.kept import KeptEmbedder
from charter.models.embedded.quoting import quote
from charter.models.embedded.vectors import Sentences, Vectors
from charter.plugin import Passage

_QUOTED = re.compile(r"“(.+?)” \[(\d+)\]", re.DOTALL)


class KeptSentences(Sentences):
    """Sentences whose vectors are kept between two runs."""

    def __init__(self, kept: KeptEmbedder) -> None:
        super().__init__()
        self._kept = kept

    def one(self, sentence: str) -> Vectors:
        return np.asarray(
            self._kept.one(sentence, lambda text: super(KeptSentences, self).one(text).tolist()), np.float32
        )


def quoted_by(engine: Sentences) -> Quote:
    """Return what answers as the assistance does, each quoted sentence with the number of its passage."""

    def quoted(question: str, passages: Sequence[Passage]) -> list[tuple[int, str]]:
        given: list[dict[str, Any]] = [
            {"n": n, "title": passage.title, "text": passage.text} for n, passage in enumerate(passages, start=1)
        ]
        return [(int(n), sentence) for sentence, n in _QUOTED.findall(quote(question, given, engine))]

    return quoted
