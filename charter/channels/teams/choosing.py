"""Which agent a message is for, where its writer has not chosen one."""

from collections.abc import Sequence

from charter.channels.teams.incoming import Json
from charter.knowledge.embedder import Embedder
from charter.settings import Teams


class Choosing:
    def __init__(self, settings: Teams, embedder: Embedder) -> None:
        self._agent = settings.agent
        self._embedder = embedder

    async def choose(self, text: str, offered: Sequence[Json]) -> list[str]:
        """Return the one agent that is meant, or those among whom the person has to say."""
        names = [str(agent["name"]) for agent in offered]
        return [self._agent] if self._agent in names else names
