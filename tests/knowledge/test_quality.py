"""The order of passages over thirty documents of a public manual: a worse one turns red."""

from dataclasses import replace
from pathlib import Path

import pytest

from charter.cli.quoted import quoted_by
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.evaluation import scores, table
from charter.knowledge.evaluation.asked import questions
from charter.knowledge.evaluation.asking import Outcome, ask, fill
from charter.knowledge.evaluation.parts import CHOSEN, PARTS, SINGLE
from charter.knowledge.evaluation.place import TENANT, Place
from charter.knowledge.ledger import Ledger
from charter.knowledge.pgvector import PgIndex
from charter.models.embedded.followup import standalone
from charter.models.embedded.vectors import Sentences
from charter.store import tenants
from charter.store.database import Database

pytestmark = pytest.mark.timeout(400)
MANUAL = Path(__file__).with_name("manual")


@pytest.fixture(scope="module")
async def outcomes(database: Database, embedder: E5Embedder) -> list[Outcome]:
    """Every second of the questions that these documents answer, and of those that none does."""
    await tenants.ensure(database, {}, [TENANT])
    index, quote = PgIndex(database, embedder), quoted_by(Sentences())
    documents = await fill(Place(index, Ledger(database)), embedder, MANUAL, None)
    asked = [each for each in questions() if each.document in documents or not each.answerable]
    return [await ask(index, embedder, each, documents, standalone=standalone, quote=quote) for each in asked]


@pytest.mark.promise("knowledge.evaluated")
async def test_the_chosen_order_is_never_worse_than_its_better_part(outcomes: list[Outcome]) -> None:
    whole = {part: scores.line("all", part, outcomes) for part in (*SINGLE, CHOSEN)}

    assert whole[CHOSEN].recall.count >= 40
    assert scores.holds(outcomes), table.shown(outcomes)
    assert whole[CHOSEN].ndcg.value >= max(whole[part].ndcg.value for part in SINGLE)


@pytest.mark.promise("knowledge.finds")
async def test_the_answering_passage_stands_among_the_first(outcomes: list[Outcome]) -> None:
    chosen = scores.line("all", CHOSEN, outcomes)

    assert chosen.recall.value >= 0.75, table.shown(outcomes)
    assert chosen.ndcg.value >= 0.65, table.shown(outcomes)


@pytest.mark.promise("knowledge.refuses")
async def test_what_no_document_answers_is_not_answered(outcomes: list[Outcome]) -> None:
    unanswerable = [each for each in outcomes if not each.asked.answerable]
    answerable = [each for each in outcomes if each.asked.answerable]

    assert len(unanswerable) >= 15
    assert sum(not each.served for each in unanswerable) / len(unanswerable) >= 0.8, table.shown(outcomes)
    assert sum(bool(each.served) for each in answerable) / len(answerable) >= 0.7, table.shown(outcomes)


@pytest.mark.promise("knowledge.evaluated")
async def test_every_citation_opens_at_its_place_and_most_cite_what_answers(outcomes: list[Outcome]) -> None:
    answered = [each for each in outcomes if each.served and each.asked.answerable]

    assert all(each.opens and each.verbatim and {*each.cited} <= {*each.served} for each in outcomes)
    assert sum(bool(each.right & {*each.cited}) for each in answered) / len(answered) >= 0.5


@pytest.mark.promise("knowledge.evaluated")
async def test_the_table_has_every_part_and_half_and_a_worse_choice_is_seen(outcomes: list[Outcome]) -> None:
    shown = table.shown(outcomes)

    assert all(f"| {half} |" in shown for half in scores.HALVES)
    assert all(f"| {part} |" in shown for part in PARTS)
    assert "nowhere worse" in shown
    backwards = [replace(each, orders={**each.orders, CHOSEN: ()}) for each in outcomes]
    assert not scores.holds(backwards)
    assert "is worse than" in table.shown(backwards)
