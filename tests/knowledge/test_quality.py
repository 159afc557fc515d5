"""The order of passages over thirty documents of a public manual: a worse one turns red."""

from pathlib import Path

import pytest

from charter.cli.evaluating import quoted_by
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.evaluation import scores, table
from charter.knowledge.evaluation.asked import questions
from charter.knowledge.evaluation.asking import Outcome, ask, fill
from charter.knowledge.evaluation.parts import CHOSEN, SINGLE
from charter.knowledge.evaluation.place import TENANT
from charter.knowledge.pgvector import PgIndex
from charter.models.embedded.followup import standalone
from charter.models.embedded.vectors import Sentences
from charter.store import tenants
from charter.store.database import Database

MANUAL = Path(__file__).with_name("manual")


@pytest.fixture(scope="module")
async def outcomes(database: Database, embedder: E5Embedder) -> list[Outcome]:
    """Every question that these documents answer, and all those that none does."""
    await tenants.ensure(database, {}, [TENANT])
    index, quote = PgIndex(database, embedder), quoted_by(Sentences())
    documents = await fill(index, embedder, MANUAL, None)
    asked = [each for each in questions() if each.document in documents or not each.answerable]
    return [await ask(index, embedder, each, documents, standalone=standalone, quote=quote) for each in asked]


@pytest.mark.timeout(400)
@pytest.mark.promise("knowledge.evaluated")
async def test_the_chosen_order_is_never_worse_than_its_better_part(outcomes: list[Outcome]) -> None:
    whole = {part: scores.line("all", part, outcomes) for part in (*SINGLE, CHOSEN)}

    assert whole[CHOSEN].recall.count >= 80
    assert scores.holds(outcomes), table.shown(outcomes)
    assert whole[CHOSEN].ndcg.value >= max(whole[part].ndcg.value for part in SINGLE) + 0.02


@pytest.mark.promise("knowledge.finds")
async def test_the_answering_passage_stands_among_the_first(outcomes: list[Outcome]) -> None:
    chosen = scores.line("all", CHOSEN, outcomes)

    assert chosen.recall.value >= 0.85, table.shown(outcomes)
    assert chosen.ndcg.value >= 0.75, table.shown(outcomes)
