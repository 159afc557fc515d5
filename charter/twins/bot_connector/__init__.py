"""The Bot Connector for the local profile: the channel of Teams, its token service, and the clients of its people.

Three faces are the real thing's: the channel's OpenID metadata and keys, by which a bot knows who posts to it
(``/v1/.well-known``); the connector's REST API v3, which sends, edits and streams (``/amer/v3``); the token service, by which
people sign in to a bot (``/api``). A bot's own token is believed as there: of the Entra twin, for the Bot Framework, of the
bot that is registered here. What is of a twin only: ``/_twin`` moves the people, whose clients behave as Teams' own do.
"""

from charter.twins.bot_connector.registration import AUDIENCE, Bot
from charter.twins.bot_connector.server import app

__all__ = ["AUDIENCE", "Bot", "app"]
