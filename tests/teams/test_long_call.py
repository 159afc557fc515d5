"""A call that takes long, below a text that has begun: its person is told, and its answer comes."""

from pathlib import Path

import pytest

from charter import settings
from tests.running import HOUSE, running_host
from tests.teams.conftest import teams_of
from tests.teams.seeing import answer

SCRIPT = """\
name: slow
turns:
  - when: 'book (?P<mark>.+)'
    fault: {delay: 1}
    say: "I book it."
    call: {name: counter-book, arguments: {mark: "{mark}", place: 1}}
    then:
      - say: "Booked: {{ result.entry_id or result.error }}."
"""
DRILLS = HOUSE / "tests" / "drills"


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.long-call")
async def test_a_long_call_below_a_text_is_told_on_a_card(tmp_path: Path) -> None:
    script = tmp_path / "slow.yaml"
    script.write_text(SCRIPT)
    chosen = {
        "models": {"standard": settings.Deployment(kind="scripted", model="scripted", script=script)},
        "agents_dirs": str(DRILLS / "agents"),
        "plugins_dirs": str(DRILLS / "plugins"),
        "teams": settings.Teams(agent="driller"),
    }
    async with running_host(tmp_path / "host", **chosen) as host:
        async with host.http.patch(f"{host.plugins['counter']}/_sandbox/pace", json={"seconds": 24}) as paced:
            assert paced.status == 200
        teams = await teams_of(host)
        chat = await teams.personal("alice")
        said = await teams.say("alice", chat, "book m-1")
        await teams.until("alice", chat, answer(said, "I book it.", growing=True))
        broken = await teams.until("alice", chat, answer(said, "I book it.", "This takes longer."))
        card = await teams.until("alice", chat, answer(said, "Working on it", "Book (Counter)"))
        assert "Cancel" in card.buttons
        told = await teams.until("alice", chat, answer(said, "Booked: E-1."), 60)
        assert told.id != broken.id
        done = await teams.until("alice", chat, answer(said, "Done", "Book (Counter)"))
        assert done.id == card.id
