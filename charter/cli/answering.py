"""A configured model's own answers in an evaluation, and how faithful they are to what they cite."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charter.catalog.spec import AgentSpec, Budget, Catalog
from charter.knowledge.embedder import Embedder
from charter.knowledge.evaluation.answers import INSTRUCTIONS, faithful
from charter.knowledge.evaluation.asking import Outcome
from charter.models.chat import Message
from charter.secrets.opening import resolved_alone
from charter.settings import Settings, Tier
from charter.telemetry.masking import Mask


def why_not(tree: Settings, tier: Tier) -> str:
    """Say in a sentence why no model of one's own can answer; nothing where one can."""
    deployments = tree.models.get(tier, ())
    if any(each.kind not in ("embedded", "scripted") for each in deployments):
        return ""
    return f"No model of your own is set for the tier {tier} (CHARTER_MODELS__{tier.upper()}), so no answer was judged."


async def judged(tree: Settings, tier: Tier, outcomes: Sequence[Outcome], embedder: Embedder) -> dict[str, Any]:
    """Let the model of this tier answer each question from what was found, and judge its answers.

    Raises:
        ModelUnavailable: it does not answer.
    """
    # Late: the clients of models, and Semantic Kernel, load for a second each.
    from charter.kernel.session import Session
    from charter.models.route import open_route

    resolved = await resolved_alone(tree, Mask().tell)
    route = open_route(tier, resolved.models[tier], None)
    session = Session(_reader(tier), Catalog({}, {}), {}, route)

    async def answer(given: str) -> str:
        said = [Message("system", INSTRUCTIONS), Message("user", given)]
        return (await session.turn(said, functions=())).text

    try:
        return await faithful(outcomes, answer, embedder)
    finally:
        await route.close()


def _reader(tier: Tier) -> AgentSpec:
    """Return an agent without a function or a right: it only reads what it is given."""
    return AgentSpec(
        name="evaluation",
        description="",
        instructions=INSTRUCTIONS,
        tier=tier,
        owner="",
        acts_as="caller",
        functions=(),
        knowledge=(),
        policy="",
        budget=Budget(),
        starters=(),
        folder=Path(),
        bundle="",
    )
