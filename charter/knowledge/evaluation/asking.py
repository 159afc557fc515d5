"""Every question of the set, asked of a store: what each part orders first, and what the host would return and cite."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from charter.knowledge.archive import Archive
from charter.knowledge.embedder import Embedder
from charter.knowledge.evaluation.asked import Asked, answering
from charter.knowledge.evaluation.parts import PARTS
from charter.knowledge.evaluation.place import COLLECTION, READER, TENANT, Place
from charter.knowledge.index import Document, Index, Question
from charter.knowledge.ingest import sync
from charter.knowledge.pace import Heard
from charter.knowledge.reading import File, document_of
from charter.knowledge.sources.folder import Root
from charter.knowledge.sources.source import Item
from charter.knowledge.terms import exact_terms
from charter.plugin import Passage

DEPTH = 10
"""How much of an order is looked at."""

SERVED = 5

Standalone = Callable[[str, Sequence[str]], str]
"""Makes of a question and what was asked before it one that stands alone."""

Quote = Callable[[str, Sequence[Passage]], Sequence[tuple[int, str]]]
"""Answers from passages: each quoted sentence with the number of its passage, counted from 1."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question. ``orders`` are the first passages of each part; ``served`` what the host returns,
    nothing where it says that nothing was found. ``opens``: every served passage is exactly the place it names.
    ``cited`` are the passages that an answer by quotation cites; ``verbatim``: each quoted sentence stands there.
    """

    asked: Asked
    searched: str
    right: frozenset[str]
    orders: Mapping[str, tuple[str, ...]]
    served: tuple[str, ...]
    opens: bool
    cited: tuple[str, ...]
    verbatim: bool
    passages: tuple[Passage, ...] = ()


async def fill(place: Place, embedder: Embedder, folder: Path, progress: Heard | None) -> Mapping[str, Document]:
    """Read the documents below ``folder`` into the place's index, and return them by their path.

    Raises:
        ValueError: a document cannot be read.
    """
    root = Root(TENANT, folder)
    report = await sync(Archive(place.index, embedder), place.ledger, [root], progress=progress)
    if report.faults:
        raise ValueError(f"{report.faults[0].path}: {report.faults[0].reason}")
    return {item.source[1]: await _document(root, item) for item in (await root.look()).items.values()}


async def _document(root: Root, item: Item) -> Document:
    got = await root.read(item)
    file = File(TENANT, *item.source, got.body, got.sidecar, item.version, got.common)
    return await asyncio.to_thread(document_of, file)


async def ask(
    index: Index,
    embedder: Embedder,
    asked: Asked,
    documents: Mapping[str, Document],
    *,
    standalone: Standalone,
    quote: Quote,
) -> Outcome:
    """Ask one question as the host would."""
    text = standalone(asked.text, asked.before)
    archive = Archive(index, embedder)
    question = Question(text, await embedder.query(text), tuple(exact_terms(text)))
    found = await index.candidates(READER, question, collections=[COLLECTION])
    orders = {part: tuple(each.passage_id for each in put(question, found)[:DEPTH]) for part, put in PARTS.items()}
    served = await archive.search(READER, text, collections=[COLLECTION], top=SERVED)
    quoted = quote(text, served) if served else ()
    return Outcome(
        asked=asked,
        searched=text,
        right=answering(asked, documents),
        orders=orders,
        served=tuple(each.passage_id for each in served),
        opens=all([await _opens(archive, each) for each in served]),
        cited=tuple(dict.fromkeys(served[n - 1].passage_id for n, _ in quoted if 0 < n <= len(served))),
        verbatim=all(0 < n <= len(served) and sentence in served[n - 1].text for n, sentence in quoted),
        passages=tuple(served),
    )


async def _opens(archive: Archive, passage: Passage) -> bool:
    opened = await archive.open_passage(READER, passage.document_id, passage.passage_id)
    return opened.document_text[passage.start : passage.end] == passage.text == opened.text
