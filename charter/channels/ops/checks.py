"""What readiness asks: the parts that must answer, and what the others say of themselves."""

from collections.abc import Mapping
from typing import Any

from charter.channels.ops.health import Check, Status, told
from charter.knowledge.room import KnowledgeRoom
from charter.store.database import Database


def checks(database: Database, knowledge: KnowledgeRoom, **statuses: Status) -> dict[str, Check]:
    """Return the checks by name; ``statuses`` are of parts that need not be asked."""

    async def of_database() -> dict[str, Any]:
        await database.ping()
        return {}

    async def of_knowledge() -> Mapping[str, Any]:
        await knowledge.archive.ping()
        return knowledge.library.status()

    return {
        "database": of_database,
        "knowledge": of_knowledge,
        **{name: told(status) for name, status in statuses.items()},
    }
