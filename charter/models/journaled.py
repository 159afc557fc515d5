"""The model of a replay: it answers, in their order, what the journal says was answered."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from charter import settings
from charter.models.chat import Reply
from charter.models.deployments import Deployed, in_process
from charter.models.prices import Tariff
from charter.models.route import Route
from charter.models.wire import Answered, WireError


def journaled_route(tier: str, replies: Iterable[Reply]) -> Route:
    """Return a route whose only deployment gives these replies, one for each turn, and then fails."""
    left = deque(replies)

    async def answer(_body: dict[str, Any]) -> Answered:
        if not left:
            raise WireError(400, "The journal has no further answer.")
        reply = left.popleft()
        return Answered(reply.text, reply.calls, reply.model, reply.level, reply.usage)

    said = settings.Deployment(kind="recorded", name="journal", model="journal")
    deployed = Deployed(tier, "journal", "recorded", "journal", "charter", in_process(answer), _yours, said, Tariff())
    return Route(tier, [deployed])


def _yours() -> Any:
    return "yours"
