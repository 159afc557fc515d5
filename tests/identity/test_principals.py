"""As whom somebody is let in, or that they are not."""

import time

import pytest

from charter.errors import Forbidden
from charter.identity.authentication import Authenticator
from charter.identity.expiring import Expiring
from tests.identity.conftest import Clock, Room

MANY = [f"group-{n}" for n in range(250)]


@pytest.mark.promise("identity.principal")
@pytest.mark.parametrize(("name", "kind"), [("alice", "user"), ("carol", "operator"), ("erp", "workload")])
async def test_the_token_says_what_kind_of_principal_comes(name: str, kind: str, room: Room) -> None:
    caller = await room.caller(name)
    assert (caller.ctx.principal.id, caller.ctx.principal.type) == (name, kind)


@pytest.mark.promise("identity.principal")
async def test_a_workload_comes_in_with_its_own_secret(room: Room) -> None:
    status, answer = await room.twin.grant(
        "contoso",
        grant_type="client_credentials",
        client_id="erp",
        client_secret=room.twin.secret("erp"),
        scope="api://charter/.default",
    )
    caller = await room.authenticator.authenticate(f"Bearer {answer['access_token']}")
    assert (status, caller.ctx.principal.type, caller.ctx.principal.roles) == (200, "workload", {"workload"})


@pytest.mark.promise("identity.principal")
@pytest.mark.parametrize(
    "changed",
    [
        {"scp": None},  # an ID token: a person's roles and no scope
        {"scp": "other.scope"},
        {"scp": "access_as_user_too"},
        {"scp": ["access_as_user"]},
        {"idtyp": "app", "scp": None, "roles": None},
        {"idtyp": "app", "scp": None, "roles": "operator"},
    ],
)
async def test_a_believed_token_without_access_is_forbidden(changed: dict[str, object], room: Room) -> None:
    token = await room.twin.forge(**changed)
    with pytest.raises(Forbidden):
        await room.authenticator.authenticate(f"Bearer {token}")


@pytest.mark.promise("identity.groups")
async def test_groups_too_many_for_a_token_come_from_the_directory(room: Room) -> None:
    await room.twin.change("alice", groups=MANY)
    assert (await room.caller("alice")).ctx.principal.groups == frozenset(MANY)


@pytest.mark.promise("identity.groups")
async def test_without_a_directory_a_person_with_unknown_groups_is_refused(room: Room) -> None:
    await room.twin.change("alice", groups=MANY)
    alone = Authenticator(room.verifier, room.issuers)
    with pytest.raises(Forbidden, match="too many groups"):
        await alone.authenticate(f"Bearer {await room.twin.token('alice')}")


def test_a_bounded_memory_forgets_the_least_used_and_all_that_has_expired() -> None:
    clock = Clock()
    memory: Expiring[str, int] = Expiring(2, clock)
    memory.put("a", 1, clock.now + 10)
    memory.put("b", 2, clock.now + 20)
    assert memory.get("a") == 1
    memory.put("c", 3, clock.now + 20)
    memory.put("stale", 4, clock.now)
    assert [memory.get(key) for key in ("a", "b", "c", "stale")] == [1, None, 3, None]
    clock.now += 15
    assert (memory.get("a"), memory.get("c"), len(memory)) == (None, 3, 1)


async def test_a_token_in_its_last_seconds_is_not_remembered_beyond_them(room: Room) -> None:
    room.clock.now = time.time()
    token = await room.twin.forge(exp=int(room.clock.now) - 5)
    first = await room.authenticator.authenticate(f"Bearer {token}")
    assert await room.authenticator.authenticate(f"Bearer {token}") is not first
