"""What is said to the bot alone, in a conversation of many."""

import pytest

from charter.channels.teams import incoming
from charter.channels.teams.commands import told

SAID = {
    "type": "message",
    "id": "1",
    "serviceUrl": "https://smba.trafficmanager.net/emea/",
    "conversation": {"id": "19:c@thread.v2", "conversationType": "groupChat", "tenantId": "contoso"},
    "from": {"id": "29:alice", "aadObjectId": "alice"},
    "recipient": {"id": "28:bot", "name": "Charter"},
    "text": "/tasks",
}


@pytest.mark.promise("teams.commands")
def test_a_command_from_the_menu_of_a_group_chat_is_for_the_bot_and_private() -> None:
    aloud = incoming.parse(SAID)
    assert (aloud.mentioned, aloud.private) == (False, False)
    whispered = incoming.parse({**SAID, "recipient": {**SAID["recipient"], "isTargeted": True}})
    assert (whispered.mentioned, whispered.private, whispered.place.scope) == (True, True, "group")
    found = told(whispered.text)
    assert found
    assert found.command.key == "tasks"
    assert not incoming.parse({**SAID, "recipient": {**SAID["recipient"], "isTargeted": "true"}}).private
