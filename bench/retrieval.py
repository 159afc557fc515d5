"""How long a trimmed, hybrid search takes over 100,000 passages, beside the bare nearest-neighbour statement, and what an
ingestion waits for.

usage: python -m bench.retrieval [--passages N] [--json]

Texts and vectors are synthetic, grouped by topics as those of real documents are; the store, its rights and the ranking
are the product's. The question's own embedding is counted apart, with the real embedder.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import numpy as np

from charter.context import Context, Principal
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.ingest import sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.pgvector import PgIndex
from charter.knowledge.sources.folder import Root
from charter.store import embedded, migrate, tenants
from charter.store.database import Database

HOUSE = Path(__file__).resolve().parent.parent
TARGET_MS = 60.0
_PER_DOCUMENT, _TOPICS, _WORDS, _QUESTIONS = 20, 400, 30_000, 300
_READERS = (["tenant"], ["tenant"], ["tenant"], ["role:hr"], ["group:board"])
_BARE = "select id, body from passages order by embedding <=> $1::text::vector limit 5"


class Library:
    """Synthetic documents: a topic has words and a direction of its own; a passage mixes them with everybody's."""

    def __init__(self, passages: int, seed: int = 7) -> None:
        self.chance, self.random = np.random.default_rng(seed), random.Random(seed)
        self.documents = passages // _PER_DOCUMENT
        weights = 1 / np.arange(1, _WORDS + 1)
        self.words = np.array([f"w{n:05d}" for n in range(_WORDS)])
        self.common = weights / weights.sum()
        self.topics = self.chance.normal(size=(_TOPICS, 384))
        self.own = [self.chance.integers(200, _WORDS, 40) for _ in range(_TOPICS)]

    def text(self, topic: int) -> str:
        mixed = [
            *self.chance.choice(self.words, 55, p=self.common),
            *self.words[self.chance.choice(self.own[topic], 25)],
        ]
        self.random.shuffle(mixed)
        return " ".join(mixed)

    def vector(self, topic: int, spread: float = 0.9) -> list[float]:
        found = self.topics[topic] + spread * self.chance.normal(size=384)
        return (found / np.linalg.norm(found)).tolist()

    def question(self) -> tuple[str, list[float]]:
        topic = self.random.randrange(_TOPICS)
        asked = [*self.words[self.chance.choice(self.own[topic], 4)], *self.chance.choice(self.words, 4, p=self.common)]
        return "what is " + " ".join(asked), self.vector(topic, 0.7)


class _Given:
    """The embedder of synthetic questions: their vectors are known."""

    name, dimensions = E5Embedder.name, 384

    def __init__(self) -> None:
        self.known: dict[str, list[float]] = {}

    async def query(self, text: str) -> list[float]:
        return self.known[text]

    async def passages(self, texts: Sequence[str]) -> list[list[float]]:
        return [self.known[text] for text in texts]


async def fill(url: str, library: Library) -> float:
    """Put the library into the tables, as one who owns them, and return the seconds of building the vectors' index."""
    owner = await asyncpg.connect(url)
    try:
        await owner.execute("drop index passages_embedding")
        for first in range(0, library.documents, 500):
            await _copy(owner, library, range(first, min(first + 500, library.documents)))
        started = time.monotonic()
        await owner.execute("set maintenance_work_mem = '1GB'")
        await owner.execute("create index passages_embedding on passages using hnsw (embedding vector_cosine_ops)")
        took = time.monotonic() - started
        await owner.execute("analyze")
        return took
    finally:
        await owner.close()


async def _copy(owner: Any, library: Library, numbers: range) -> None:
    documents, passages = [], []
    for n in numbers:
        name, topic, readers = f"doc_{n:06d}", n % _TOPICS, _READERS[n // _TOPICS % len(_READERS)]
        documents.append(
            ("bench", name, "handbook", f"{n}.md", f"Document {n}", "", "text", "bench:1", "trusted", readers)
        )
        for at in range(_PER_DOCUMENT):
            vector = "[" + ",".join(format(x, ".5g") for x in library.vector(topic)) + "]"
            passages.append(("bench", name, f"psg_{n:06d}_{at}", at, 0, 400, "", library.text(topic), vector))
    await owner.executemany(
        "insert into documents (tenant, id, collection, source, title, url, body, content_hash, integrity, readers) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        documents,
    )
    await owner.executemany(
        "insert into passages (tenant, document_id, id, ordinal, start_char, end_char, heading, body, embedding) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::vector)",
        passages,
    )


async def timed(ask: Callable[[tuple[str, list[float]]], Awaitable[Any]], questions: Sequence[Any]) -> dict[str, float]:
    for question in questions[:20]:
        await ask(question)
    took: list[float] = []
    for question in questions:
        started = time.perf_counter()
        await ask(question)
        took.append((time.perf_counter() - started) * 1000)
    return {"p50_ms": round(median(took), 1), "p95_ms": round(sorted(took)[int(len(took) * 0.95)], 1)}


async def searches(url: str, library: Library) -> dict[str, Any]:
    database, given = Database(url), _Given()
    await database.open()
    owner = await asyncpg.connect(url)
    archive = Archive(PgIndex(database, given), given)
    await archive.remove("bench", [])  # as after a sync: which words are frequent is counted
    await archive.settle()
    questions = [library.question() for _ in range(_QUESTIONS)]
    given.known = dict(questions)

    def as_(*roles: str) -> Callable[[tuple[str, list[float]]], Awaitable[Any]]:
        ctx = Context("bench", Principal("ada", "user", "Ada", frozenset(roles), frozenset()))
        guest = Context("bench", Principal("gus", "user", "Gus", frozenset(roles), frozenset({"board"}), "customers"))
        return lambda asked: archive.search(guest if "guest" in roles else ctx, asked[0], collections=["handbook"])

    async def bare(asked: tuple[str, list[float]]) -> Any:
        return await owner.fetch(_BARE, "[" + ",".join(format(x, ".7g") for x in asked[1]) + "]")

    try:
        rows = {"bare": await timed(bare, questions), "employee": await timed(as_("employee"), questions)}
        return {**rows, "reads a fifth": await timed(as_("guest"), questions)}
    finally:
        await owner.close()
        await database.close()


async def ingestion(url: str) -> dict[str, float]:
    """Read the sample library with the real embedder, and say how much of the time was the embedder's."""
    database, embedder = Database(url), _Counted()
    await database.open()
    try:
        await tenants.ensure(database, {}, ["contoso"])
        await embedder.query("warm")
        root = Root("contoso", HOUSE / "plugins" / "knowledge" / "library" / "contoso")
        report = await sync(Archive(PgIndex(database, embedder), embedder), Ledger(database), [root])
        asked = [await _milliseconds(embedder.query(f"how long is the notice, case {n}")) for n in range(40)]
        share = embedder.seconds / report.seconds
        return {
            "passages_per_second": round(report.passages / report.seconds, 1),
            "embedding_share": round(share, 2),
            "question_ms": round(median(asked), 1),
        }
    finally:
        embedder.close()
        await database.close()


class _Counted(E5Embedder):
    seconds = 0.0

    async def passages(self, texts: Sequence[str]) -> list[list[float]]:
        started = time.monotonic()
        try:
            return await super().passages(texts)
        finally:
            self.seconds += time.monotonic() - started


async def _milliseconds(work: Awaitable[Any]) -> float:
    started = time.perf_counter()
    await work
    return (time.perf_counter() - started) * 1000


async def measure(passages: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="charter-bench-") as folder:
        server = await embedded.start(Path(folder) / "data")
        try:
            await migrate.migrate(server.url)
            database = Database(server.url)
            await database.open()
            await tenants.ensure(database, {}, ["bench"])
            await database.close()
            library = Library(passages)
            built = await fill(server.url, library)
            found = await searches(server.url, library)
            ratio = found["employee"]["p50_ms"] / found["bare"]["p50_ms"]
            ingested = await ingestion(server.url)
            return {"passages": passages, "index_s": round(built, 1), **found, "ratio": round(ratio, 1), **ingested}
        finally:
            await server.stop()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--passages", type=int, default=100_000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    row = asyncio.run(measure(chosen.passages))
    worst = max(row[who]["p95_ms"] for who in ("employee", "reads a fifth"))
    if chosen.json:
        print(json.dumps(row))
    else:
        for who in ("bare", "employee", "reads a fifth"):
            print(f"{who:14} p50 {row[who]['p50_ms']} ms, p95 {row[who]['p95_ms']} ms")
        print(f"trimmed and hybrid: {row['ratio']} x bare; target p95 {TARGET_MS} ms over {row['passages']:,} passages")
        print(f"embedding a question: {row['question_ms']} ms more")
        share = round(100 * row["embedding_share"])
        print(f"ingestion: {row['passages_per_second']} passages a second, {share} % of the time in the embedder")
    return 0 if worst <= TARGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())
