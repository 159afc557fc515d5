"""The guards of the Bot Connector twin, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_REST = ("tests/twins/test_bot_connector.py",)
_PEOPLE = ("tests/twins/test_bot_connector_people.py",)

BOT_CONNECTOR = (
    Mutant(
        "another application taken for the bot",
        "charter/twins/bot_connector/entering.py",
        'if claims.get("idtyp") != "app" or claims.get("azp", claims.get("appid")) != channel.bot.id:',
        "if False:",
        _REST,
    ),
    Mutant(
        "a targeted message seen by all",
        "charter/twins/bot_connector/messages.py",
        'return self.only_for in ("", oid)',
        "return True",
        _REST,
    ),
    Mutant(
        "a stranger looks into a conversation",
        "charter/twins/bot_connector/clients.py",
        "if oid not in chat.members:",
        "if False:",
        _PEOPLE,
    ),
    Mutant(
        "a personal chat opened without the app",
        "charter/twins/bot_connector/connector.py",
        "if chat is None or not chat.installed or chat.tenant != tenant:",
        "if chat is None:",
        _REST,
    ),
    Mutant(
        "streamed text taken back",
        "charter/twins/bot_connector/streams.py",
        "if not text.startswith(stream.text):",
        "if False:",
        _REST,
    ),
    Mutant(
        "streamed in a group",
        "charter/twins/bot_connector/streams.py",
        'if chat.kind != "personal":',
        "if False:",
        _REST,
    ),
    Mutant(
        "a code of one person's sign-in good for another",
        "charter/twins/bot_connector/tokens.py",
        "if link is None or kept is None or (link.account, link.connection) != (account, connection):",
        "if link is None or kept is None:",
        _PEOPLE,
    ),
    Mutant(
        "exchanged without consent",
        "charter/twins/bot_connector/granting.py",
        'if claims.get("oid") in channel.consent.refused:',
        "if False:",
        _PEOPLE,
    ),
    Mutant(
        "heard without a mention",
        "charter/twins/bot_connector/clients.py",
        'heard = chat.installed and (chat.kind == "personal" or mention)',
        "heard = chat.installed",
        _REST,
    ),
    Mutant(
        "a card of any size taken by Teams",
        "charter/twins/bot_connector/cards.py",
        "if len(orjson.dumps(card)) > _MOST_BYTES:",
        "if False:",
        _REST,
    ),
    Mutant(
        "an unknown person mentioned",
        "charter/twins/bot_connector/checks.py",
        'if named.get("id") not in members:',
        "if False:",
        _REST,
    ),
)
