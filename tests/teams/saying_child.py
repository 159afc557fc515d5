"""A process that sends what is in the outbox, until a drill or a signal ends it.

usage: python -m tests.teams.saying_child DATABASE LINE POINT HARM
"""

import asyncio
import sys

from charter.runs.drill import Drill
from charter.settings import Drill as DrillSettings
from charter.store.database import Database
from tests.teams.line import Line
from tests.teams.saying import outbox_here, sending


async def main(database_url: str, line_url: str, point: str, harm: str) -> None:
    database = Database(database_url)
    await database.open()
    box = await outbox_here(database)
    drill = Drill(DrillSettings(points={point: harm}))
    async with sending(box, Line(line_url), drill=drill):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
