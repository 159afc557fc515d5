"""A text of the sources' own sentences, each with the number of its passage, in the form of a given document.

Only approved sources count: documents whose text is trusted. Where they say nothing, the text says so.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from charter.models.chat import UNSUPPORTED
from charter.models.embedded.briefs import Brief
from charter.models.embedded.layout import Layout, layout_of
from charter.models.embedded.quoting import SENTENCE_CHARS, Sentence, sentences_of
from charter.models.embedded.vectors import Sentences

_MOST = 8
"""Sentences of a draft."""
_COMPARED = 40
_PASSAGES, _SENTENCES = 0.025, 0.075
"""How much less like the brief the best sentence of a further passage may be, and any sentence of those passages; measured on
briefs about the sample library."""


def draft(brief: Brief, passages: Sequence[Mapping[str, Any]], engine: Sentences) -> str:
    """Return the text; each of its sentences stands word for word in the passage that it names."""
    approved = [{**p, "n": p.get("n") or at} for at, p in enumerate(passages, 1) if p.get("integrity") == "trusted"]
    chosen = _chosen(brief.subject, sentences_of(approved)[:_COMPARED], engine)
    if not chosen:
        return UNSUPPORTED
    form = layout_of(brief.model)
    known = {int(passage["n"]): passage for passage in approved}
    title = form.headed(str(known[chosen[0].n].get("title") or ""), form.title)
    parts = [title, form.greeting, *_sections(chosen, known, form), "\n".join(form.parting)]
    return "\n\n".join(part for part in parts if part)


def _chosen(subject: str, sentences: Sequence[Sentence], engine: Sentences) -> list[Sentence]:
    if not sentences:
        return []
    wanted = engine.one(subject[:SENTENCE_CHARS])
    likeness = {s: float(engine.one(s.text[:SENTENCE_CHARS]) @ wanted) for s in sentences}
    best = max(likeness.values())
    about = {s.n for s in sentences if likeness[s] >= best - _PASSAGES}
    near = [s for s in sentences if s.n in about and likeness[s] >= best - _SENTENCES and not s.text.endswith(":")]
    near = sorted(near, key=lambda s: -likeness[s])[:_MOST]
    return sorted(near, key=lambda s: (s.rank, s.at))


def _sections(chosen: Sequence[Sentence], known: Mapping[int, Mapping[str, Any]], form: Layout) -> Iterator[str]:
    several = len({sentence.n for sentence in chosen}) > 1
    for n, group in groupby(chosen, key=lambda sentence: sentence.n):
        if several:
            yield form.headed(str(known[n].get("heading") or "").rpartition(" › ")[2], form.section)
        cited = [_cited(sentence) for sentence in group]
        if form.item:
            yield "\n".join(form.item + sentence for sentence in cited)
        else:
            yield from (" ".join(cited[at : at + form.paragraph]) for at in range(0, len(cited), form.paragraph))


def _cited(sentence: Sentence) -> str:
    found = re.fullmatch(r"(.*?)([.!?;:,]*)", sentence.text, re.DOTALL)
    assert found
    end = found[2] if found[2] in {".", "!", "?"} else "."
    return f"{found[1]} [{sentence.n}]{end}"
