"""The Bot Connector and its token service, by the Teams SDK. Nothing else imports the SDK, which takes seconds to load."""

import asyncio
from typing import TYPE_CHECKING

from charter.channels.teams.connector.loading import load
from charter.settings.teams import Teams

if TYPE_CHECKING:
    from charter.channels.teams.connector.link import Link
    from charter.channels.teams.connector.wire import TokenOf


async def open_connector(settings: Teams, client_id: str, token_of: "TokenOf") -> "Link":
    """Load the SDK, in a thread, and return what speaks for the application ``client_id``.

    ``token_of`` returns the host's own token for the connector; it is asked before each request to an address that
    settings name, and never for another.
    """
    link = await asyncio.to_thread(load)
    # Its first HTTP client reads the machine's certificates.
    return await asyncio.to_thread(link.Link, settings, client_id, token_of)
