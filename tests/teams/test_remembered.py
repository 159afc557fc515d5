"""What this door remembers, and how it forgets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from charter.channels.teams.connector import open_connector
from charter.channels.teams.forgetting import BATCH, Forgetting
from charter.channels.teams.states import States
from charter.settings.teams import Teams
from charter.store.database import Database
from tests.teams.saying import OTHER, TENANT, Outbox, outbox_of, said


@pytest.fixture
async def box(database: Database) -> AsyncIterator[Outbox]:
    async with outbox_of(database) as here:
        yield here


async def count(box: Outbox, table: str, tenant: str = TENANT) -> int:
    async with box.database.tenant_session(tenant) as session:
        return await session.fetchval(f"select count(*) from {table} where tenant = $1", tenant)


@pytest.mark.promise("teams.states")
async def test_a_state_is_what_was_written_last_and_its_tenants_alone(box: Outbox) -> None:
    states = States(box.database)
    await states.set(TENANT, "agent a:alice", {"agent": "assistant", "since": None})
    await states.set(TENANT, "agent a:alice", {"agent": "helper"})
    await states.set(OTHER, "agent a:alice", "theirs")
    assert await states.get(TENANT, "agent a:alice") == {"agent": "helper"}
    await states.delete(TENANT, "agent a:alice")
    assert await states.get(TENANT, "agent a:alice") is None
    assert await states.get(OTHER, "agent a:alice") == "theirs"


@pytest.mark.promise("teams.states")
async def test_the_sdks_own_states_survive_in_the_database(box: Outbox) -> None:
    await open_connector(Teams(), "bot", _no_token)  # The SDK is imported as the host does.
    from microsoft_teams.apps.state import TurnStateLoader

    from charter.channels.teams.connector.storage import TenantStorage

    conversation, person = "19:a b;messageid=1", "29:alice"
    first = TurnStateLoader(TenantStorage(States(box.database), TENANT))
    turn = await first.load(conversation, person)
    turn.conversation["topic"] = "travel"
    assert turn.user is not None
    turn.user["names"] = ["Alice", "Älice", "愛"]
    await first.save(turn)

    again = await TurnStateLoader(TenantStorage(States(box.database), TENANT)).load(conversation, person)
    assert (again.conversation.get("topic"), again.user and again.user.get("names")) == (
        "travel",
        ["Alice", "Älice", "愛"],
    )
    theirs = await TurnStateLoader(TenantStorage(States(box.database), OTHER)).load(conversation, person)
    assert theirs.conversation.is_empty

    await first.delete(conversation, person)
    assert await count(box, "teams_state") == 0


@pytest.mark.parametrize("call", [("get", "k"), ("set", "k", 1), ("delete", "k")])
async def test_what_would_stop_the_loop_is_refused(box: Outbox, call: tuple[Any, ...]) -> None:
    await open_connector(Teams(), "bot", _no_token)
    from charter.channels.teams.connector.storage import TenantStorage

    with pytest.raises(RuntimeError, match="async_get"):
        getattr(TenantStorage(States(box.database), TENANT), call[0])(*call[1:])


@pytest.mark.promise("teams.retention")
async def test_what_is_over_is_deleted_after_its_days_and_what_waits_stays(box: Outbox) -> None:
    async with box.database.tenant_session(TENANT) as session:
        await session.execute(
            "insert into teams_outbox (tenant, key, conversation, state, created_at) select $1, state || days || n, 'a', state, "
            "clock_timestamp() - make_interval(days => days) from unnest(array['sent', 'given_up', 'waiting', 'sending']) state, "
            "unnest(array[5, 31]) days, generate_series(1, $2) n",
            TENANT, BATCH // 2 + 1,
        )  # fmt: skip
        await session.execute(
            "insert into teams_inbox (tenant, conversation, activity, person, state, received_at) select $1, 'a', state || days, "
            "'alice', state, clock_timestamp() - make_interval(days => days) "
            "from unnest(array['new', 'signing_in', 'done']) state, unnest(array[5, 31]) days",
            TENANT,
        )
        await session.execute(
            "insert into teams_exchanges (tenant, id, person, at) select $1, days::text, 'alice', "
            "clock_timestamp() - make_interval(days => days) from unnest(array[5, 31]) days",
            TENANT,
        )
        await session.execute(
            "insert into teams_asked (tenant, approval_id, status, asked_at) select $1, status || days, status, "
            "clock_timestamp() - make_interval(days => days) from unnest(array['pending', 'over']) status, unnest(array[5, 31]) days",
            TENANT,
        )
        await session.execute(
            "insert into teams_state (tenant, key, value, updated_at) select $1, days::text, '1', "
            "clock_timestamp() - make_interval(days => days) from unnest(array[5, 31]) days",
            TENANT,
        )
    other = Outbox(box.database, box.tenants, OTHER)
    await other.put(said("k"))
    gone = await Forgetting(box.database, box.tenants, days=30).sweep(TENANT)
    assert gone == 2 * (BATCH // 2 + 1) + 2 + 1 + 1 + 1
    left = {row["key"].rstrip("0123456789") for row in (await box.rows()).values() if row["key"][-3:-1] == "31"}
    assert left <= {"waiting", "sending"}
    tables = ("teams_inbox", "teams_asked", "teams_exchanges", "teams_state")
    assert [await count(box, each) for each in tables] == [4, 3, 1, 1]
    assert await count(box, "teams_outbox", OTHER) == 1


async def _no_token() -> str:
    raise AssertionError("nothing is asked for")
