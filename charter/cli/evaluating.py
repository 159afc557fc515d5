"""``charter eval``: how well passages are found, measured over questions to public documents."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import click
import orjson

from charter import settings
from charter.cli import answering
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.evaluation import scores, table
from charter.knowledge.evaluation.asked import Asked, questions
from charter.knowledge.evaluation.asking import Outcome, ask, fill
from charter.knowledge.evaluation.documents import NAUTOBOT, fetched, unpack
from charter.knowledge.evaluation.kept import KeptEmbedder
from charter.knowledge.evaluation.parts import PARTS
from charter.knowledge.evaluation.place import COLLECTION, place
from charter.knowledge.pace import Progress


@click.group("eval")
def evaluate() -> None:
    """Measure what agents rest on."""


@evaluate.command("knowledge", short_help="Measure how well passages are found.")
@click.option("--store", type=click.Choice(get_args(settings.Store)), default="pgvector", help="The store to measure.")
@click.option("--part", type=click.Choice(list(PARTS)), help="Show the order of this part only.")
@click.option("--limit", type=click.IntRange(1), help="Ask so many questions only, evenly out of the set.")
@click.option("--answers", type=click.Choice(get_args(settings.Tier)), help="Let the model of this tier answer, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the measures as JSON.")
def knowledge_command(
    store: settings.Store, part: str | None, limit: int | None, answers: settings.Tier | None, as_json: bool
) -> None:
    """Ask 308 questions of the manual that a pinned package ships, and tell how well the answering passages are found.

    Exits with 1 where nothing was asked, or where the order that was chosen is worse than the better of its parts.
    """
    outcomes, model = asyncio.run(_measured(store, limit, answers, quiet=as_json))
    if as_json:
        click.echo(orjson.dumps(_told(outcomes, part or "") | {"model": model}).decode())
    else:
        click.echo(table.shown(outcomes, part or ""))
        click.echo(f"\n{table.of_model(model)}" if model else "")
    sys.exit(0 if outcomes and scores.holds(outcomes) else 1)


async def _measured(
    store: settings.Store, limit: int | None, tier: settings.Tier | None, *, quiet: bool
) -> tuple[list[Outcome], dict[str, Any] | None]:
    tree = settings.read()
    embedder = KeptEmbedder(E5Embedder(), tree.data_dir / "evaluation" / "vectors.sqlite")
    outcomes = await _outcomes(tree, embedder, store, limit, quiet=quiet)
    if tier is None:
        return outcomes, None
    if sentence := answering.why_not(tree, tier):
        return outcomes, {"answers": 0, "reason": sentence}
    return outcomes, await answering.judged(tree, tier, outcomes, embedder)


async def _outcomes(
    tree: settings.Settings, embedder: KeptEmbedder, store: settings.Store, limit: int | None, *, quiet: bool
) -> list[Outcome]:
    # Late: the embedded models bring numpy, for which every other command would wait.
    from charter.cli.quoted import KeptSentences, quoted_by
    from charter.models.embedded.followup import standalone

    if not quiet:
        click.echo("Reading the manual; the first time that takes minutes, afterwards its vectors are kept.", err=True)
    wheel = fetched(NAUTOBOT, tree.data_dir / "evaluation" / "documents")
    with TemporaryDirectory(prefix="charter-manual-") as folder:
        unpack(NAUTOBOT, wheel, Path(folder) / COLLECTION)
        async with place(tree, store, embedder) as there:
            documents = await fill(there, embedder, Path(folder), None if quiet else _tell)
            quote = quoted_by(KeptSentences(embedder))
            return [
                await ask(there.index, embedder, asked, documents, standalone=standalone, quote=quote)
                for asked in _some(questions(), limit)
            ]


def _some(whole: Sequence[Asked], limit: int | None) -> list[Asked]:
    """Return ``limit`` questions evenly out of the whole set, so that each kind has its share."""
    most = min(limit or len(whole), len(whole))
    return [whole[at * len(whole) // most] for at in range(most)]


def _tell(progress: Progress) -> None:
    if progress.read and (progress.done % 25 == 0 or progress.done == progress.total):
        click.echo(f"  {progress.done}/{progress.total} documents", err=True)


def _told(outcomes: Sequence[Outcome], part: str) -> dict[str, Any]:
    return {
        "asked": len(outcomes),
        "holds": bool(outcomes) and scores.holds(outcomes),
        "orders": [each.as_json() for each in scores.lines(outcomes, part)],
        "served": [each.as_json() for each in scores.served(outcomes)],
    }
