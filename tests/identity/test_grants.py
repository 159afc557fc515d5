"""Authority that lasts: kept sealed, rotated once, lost when the identity provider says so."""

import asyncio
import time
from typing import Any

import jwt
import pytest
from cryptography.fernet import InvalidToken
from pydantic import SecretStr

from charter.context import Context
from charter.errors import AuthorityLost, StartRefused, Unavailable
from tests.identity.conftest import Room

PROCUREMENT = "api://procurement/.default"
PEOPLE = "api://people/.default"


def told(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def rows(room: Room, tenant: str = "contoso") -> dict[str, bytes]:
    async with room.database.tenant_session(tenant) as session:
        return {row["principal"]: row["sealed"] for row in await session.fetch("select principal, sealed from grants")}


@pytest.mark.promise("identity.grant")
async def test_a_token_elsewhere_is_the_persons_own_also_without_their_assertion(room: Room) -> None:
    alice = await room.kept("alice")
    claims = told(await room.other().grants.token(alice, PROCUREMENT))
    assert {name: claims[name] for name in ("aud", "oid", "tid", "azp", "scp")} == {
        "aud": "api://procurement",
        "oid": "alice",
        "tid": "contoso",
        "azp": "charter-host",
        "scp": "access_as_user",
    }


@pytest.mark.promise("identity.sealed")
async def test_neither_assertion_nor_refresh_token_can_be_read_in_the_database(room: Room) -> None:
    caller = await room.caller("alice")
    await room.grants.keep(caller.ctx, caller.token)
    sealed = (await rows(room))["alice"]
    assert caller.token.encode() not in sealed
    with pytest.raises(AuthorityLost, match="No authority is kept"):
        await room.other(key=b"another key as long as the first").grants.token(caller.ctx, PROCUREMENT)


@pytest.mark.promise("identity.sealed")
async def test_a_sealed_row_opens_for_its_own_principal_only(room: Room) -> None:
    await room.kept("alice")
    bob = await room.kept("bob")
    stolen = (await rows(room))["alice"]
    async with room.database.session(bob) as session:
        await session.execute("update grants set sealed = $1 where principal = 'bob'", stolen)
    with pytest.raises(AuthorityLost):
        await room.grants.token(bob, PROCUREMENT)


@pytest.mark.promise("identity.grant")
async def test_the_same_assertion_is_exchanged_once_in_all_processes(room: Room) -> None:
    caller = await room.caller("alice")
    await asyncio.gather(*(room.grants.keep(caller.ctx, caller.token) for _ in range(10)))
    await room.other().grants.keep(caller.ctx, caller.token)
    assert await room.token_requests() == 1
    later = await room.caller("alice")
    await room.grants.keep(later.ctx, later.token)
    assert await room.token_requests() == 2


async def test_only_ones_own_assertion_is_kept(room: Room) -> None:
    alice, bob, frank = await room.caller("alice"), await room.caller("bob"), await room.caller("frank")
    for assertion in (bob.token, frank.token, "no token"):
        with pytest.raises(AuthorityLost):
            await room.grants.keep(alice.ctx, assertion)
    assert await rows(room) == {}


@pytest.mark.promise("identity.cost")
async def test_a_remembered_token_and_a_kept_assertion_cost_microseconds(room: Room) -> None:
    caller = await room.caller("alice")
    await room.grants.keep(caller.ctx, caller.token)
    first = await room.grants.token(caller.ctx, PROCUREMENT)
    asked = await room.token_requests()
    began = time.process_time()
    for _ in range(1_000):
        await room.grants.keep(caller.ctx, caller.token)
        assert await room.grants.token(caller.ctx, PROCUREMENT) is first
    assert (time.process_time() - began) / 1_000 < 100e-6
    assert await room.token_requests() == asked


@pytest.mark.promise("identity.grant")
async def test_tokens_are_remembered_for_one_scope_and_one_agent_until_shortly_before_they_expire(room: Room) -> None:
    alice = await room.kept("alice")
    buyer = alice.within(agent="buyer", run_id="run_1")
    first = await room.grants.token(buyer, PROCUREMENT)
    assert await room.grants.token(alice.within(agent="care", run_id="run_2"), PROCUREMENT) != first
    assert told(await room.grants.token(buyer, PEOPLE))["aud"] == "api://people"
    room.clock.now += 3_200
    assert await room.grants.token(buyer, PROCUREMENT) == first
    room.clock.now += 200
    assert await room.grants.token(buyer, PROCUREMENT) != first


async def test_a_fresh_token_is_asked_for_in_any_case(room: Room) -> None:
    alice = await room.kept("alice")
    first = await room.grants.token(alice, PROCUREMENT)
    second = await room.grants.token(alice, PROCUREMENT, fresh=True)
    assert second not in (first, None)
    assert await room.grants.token(alice, PROCUREMENT) == second


@pytest.mark.promise("identity.rotation")
async def test_processes_that_rotate_at_once_do_not_end_the_grant(room: Room) -> None:
    alice = await room.kept("alice")
    processes = [room, room.other(), room.other()]
    scopes = [f"api://plugin-{n}/.default" for n in range(4)]
    for _ in range(3):
        calls = [each.grants.token(alice, scope, fresh=True) for each in processes for scope in scopes]
        assert {told(token)["oid"] for token in await asyncio.gather(*calls)} == {"alice"}
    assert room.twin.redeemed_twice() == 0


@pytest.mark.promise("identity.rotation")
async def test_a_caller_who_leaves_does_not_lose_the_rotated_token(room: Room) -> None:
    alice = await room.kept("alice")
    await room.twin.faults(token="late")
    caller = asyncio.create_task(room.grants.token(alice, PROCUREMENT))
    async with asyncio.timeout(5):
        while not await room.twin.requests("hung"):
            pass
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await room.twin.faults()
    assert told(await room.grants.token(alice, PROCUREMENT))["oid"] == "alice"
    assert told(await room.grants.token(alice, PEOPLE))["oid"] == "alice"
    assert room.twin.redeemed_twice() == 0


@pytest.mark.promise("identity.lost")
async def test_a_disabled_person_loses_every_token_this_host_has_of_them(room: Room) -> None:
    alice = await room.kept("alice")
    await room.grants.token(alice, PROCUREMENT)
    await room.twin.change("alice", disabled=True)
    for scope in (PEOPLE, PROCUREMENT):
        with pytest.raises(AuthorityLost):
            await room.grants.token(alice, scope)
    assert await rows(room) == {}


@pytest.mark.promise("identity.lost")
async def test_after_a_revoked_session_signing_in_again_restores_the_authority(room: Room) -> None:
    caller = await room.caller("alice")
    await room.grants.keep(caller.ctx, caller.token)
    await room.twin.lever("DELETE", "people/alice/sessions")
    with pytest.raises(AuthorityLost):
        await room.grants.token(caller.ctx, PROCUREMENT)
    await room.grants.keep(caller.ctx, caller.token)
    assert told(await room.grants.token(caller.ctx, PROCUREMENT))["oid"] == "alice"


@pytest.mark.promise("identity.outage")
async def test_an_identity_provider_that_fails_ends_no_authority(room: Room) -> None:
    alice = await room.kept("alice")
    await room.twin.faults(token="fail")
    with pytest.raises(Unavailable) as failure:
        await room.grants.token(alice, PROCUREMENT)
    assert (failure.value.retry_after, failure.value.retryable) == (7, True)
    await room.twin.faults()
    assert told(await room.grants.token(alice, PROCUREMENT))["oid"] == "alice"


@pytest.mark.promise("identity.outage")
async def test_wrong_credentials_of_the_host_end_nobodys_authority(room: Room) -> None:
    alice = await room.kept("alice")
    wrong = room.other(settings=room.settings.model_copy(update={"client_secret": SecretStr("wrong")}))
    with pytest.raises(Unavailable, match="own credentials") as failure:
        await wrong.grants.token(alice, PROCUREMENT)
    assert "CLIENT_SECRET" in failure.value.action
    gone = room.other(settings=room.settings.model_copy(update={"authority": "http://localhost:1"}))
    with pytest.raises(Unavailable, match="does not answer"):
        await gone.grants.token(alice, PROCUREMENT)
    assert told(await room.grants.token(alice, PROCUREMENT))["oid"] == "alice"


async def test_a_scope_without_consent_is_refused_and_the_grant_stays(room: Room) -> None:
    alice = await room.kept("alice")
    with pytest.raises(AuthorityLost, match="consent_required"):
        await room.grants.token(alice, "api://procurement/admin")
    assert told(await room.grants.token(alice, PROCUREMENT))["oid"] == "alice"


@pytest.mark.promise("twins.step-up")
async def test_a_person_who_must_prove_themselves_anew_loses_no_grant(room: Room) -> None:
    alice = await room.kept("alice")
    await room.twin.change("alice", step_up=True)
    with pytest.raises(AuthorityLost, match="basic_action"):
        await room.grants.token(alice, PROCUREMENT)
    assert set(await rows(room)) == {"alice"}
    await room.twin.change("alice", step_up=False)
    assert told(await room.grants.token(alice, PROCUREMENT))["oid"] == "alice"


async def test_without_a_grant_there_is_no_token(room: Room, people: dict[str, Context]) -> None:
    with pytest.raises(AuthorityLost, match="No authority is kept"):
        await room.grants.token(people["dora"], PROCUREMENT)


async def test_for_a_workload_the_host_goes_out_as_itself(room: Room) -> None:
    caller = await room.caller("erp")
    await room.grants.keep(caller.ctx, caller.token)
    assert await rows(room) == {}
    claims = told(await room.grants.token(caller.ctx, PROCUREMENT))
    assert (claims["oid"], claims["idtyp"], claims["tid"]) == ("charter-host", "app", "contoso")


async def test_the_hosts_own_token_is_of_the_tenant_and_remembered(room: Room) -> None:
    first = await room.grants.host_token("fabrikam", PROCUREMENT)
    assert told(first)["tid"] == "fabrikam"
    assert await room.grants.host_token("fabrikam", PROCUREMENT) == first
    assert await room.grants.host_token("fabrikam", PROCUREMENT, fresh=True) != first
    with pytest.raises(AuthorityLost, match="No identity provider"):
        await room.grants.host_token("northwind", PROCUREMENT)


def test_a_short_key_does_not_start_the_host(room: Room) -> None:
    with pytest.raises(StartRefused, match="CHARTER_SESSION_KEY"):
        room.other(key=b"short")


@pytest.mark.promise("identity.rekeyed")
async def test_a_new_session_key_before_the_old_one_opens_what_was_sealed(room: Room) -> None:
    alice = await room.kept("alice")
    new = b"another key of the tests that is long enough"
    with pytest.raises(AuthorityLost, match="No authority is kept"):
        await room.other(key=new).grants.token(alice, PROCUREMENT)
    both = room.other(key=new + b"," + room.key)
    assert told(await both.grants.token(alice, PROCUREMENT))["oid"] == "alice"
    # Using it sealed it anew.
    assert told(await room.other(key=new).grants.token(alice, PROCUREMENT))["oid"] == "alice"


@pytest.mark.promise("identity.sealed")
async def test_each_persons_grant_is_sealed_under_a_key_of_their_own(room: Room) -> None:
    from charter.identity.sealed import Seal

    alice, bob = await room.kept("alice"), await room.kept("bob")
    async with room.database.session(alice) as session:
        sealed = await session.fetchval("select sealed from grants where principal = 'alice'")
    seal = Seal(room.key)
    assert seal.open("contoso", alice.principal.id, sealed) is not None
    assert seal.open("contoso", bob.principal.id, sealed) is None
    with pytest.raises(InvalidToken):
        seal._of("contoso", "bob").decrypt(sealed)
