"""Who writes in Teams is who their own token says, and nobody else."""

import asyncio
from dataclasses import replace

import pytest

from charter.channels.teams import known
from charter.channels.teams.callers import Callers
from charter.channels.teams.incoming import Activity
from charter.channels.teams.standing import Standing
from charter.errors import Forbidden, Guest, Unavailable, WrongAccount
from charter.identity.authentication import Caller
from tests.identity.conftest import room
from tests.identity.test_customers import Both, both
from tests.teams.signing import Process, Signing, sign
from tests.twins.running import http, signing_keys, twin

__all__ = ["both", "http", "room", "sign", "signing_keys", "twin"]


async def came(process: Process, activity: Activity) -> Caller:
    caller = await process.callers.present(activity.tid, activity)
    assert caller is not None
    return caller


async def refused(process: Process, activity: Activity, token: str) -> type[Forbidden]:
    with pytest.raises(Forbidden) as told:
        await process.callers.arrived("contoso", activity, token, Standing())
    return type(told.value)


@pytest.mark.promise("teams.callers")
async def test_a_caller_is_who_their_token_says_and_whoever_has_none_has_to_sign_in(sign: Signing) -> None:
    alice, bob = await sign.activity("alice"), await sign.activity("bob")
    assert await sign.first.callers.present("contoso", alice) is None
    token = await sign.given("alice")
    caller = await came(sign.first, alice)
    ctx = caller.ctx
    assert (ctx.tenant, ctx.principal.id, ctx.principal.type, ctx.channel) == ("contoso", "alice", "user", "teams")
    assert (ctx.principal.roles, caller.token) == ({"employee"}, token)
    assert await sign.first.callers.present("contoso", bob) is None


@pytest.mark.promise("teams.callers")
async def test_the_roles_of_the_newest_token_find_who_decides_by_a_role(sign: Signing) -> None:
    async def managers() -> list[str]:
        async with sign.room.database.tenant_session("contoso") as session:
            return await known.with_role(session, "manager")

    bob = await sign.activity("bob")
    await sign.given("bob")
    await came(sign.first, bob)
    assert await managers() == ["bob"]
    await sign.room.twin.change("bob", roles=["employee"])
    await sign.given("bob")
    assert (await came(sign.first, bob)).ctx.principal.roles == {"employee", "manager", "buyer"}
    sign.room.clock.now += 301
    assert (await came(sign.first, bob)).ctx.principal.roles == {"employee"}
    assert await managers() == []
    await sign.room.twin.change("bob", roles=["manager"])
    await sign.given("bob")
    fresh = await sign.first.callers.present("contoso", bob, fresh=True)
    assert fresh is not None
    assert fresh.ctx.principal.roles == {"manager"}
    assert await managers() == ["bob"]
    await sign.first.sign_in.sign_out("contoso", bob)
    assert await managers() == []


@pytest.mark.promise("teams.callers")
async def test_the_token_service_is_asked_once_for_all_and_again_after_five_minutes(sign: Signing) -> None:
    alice = await sign.activity("alice")
    await sign.given("alice")
    await sign.teams.fault("token", delay=0.3)
    callers = await asyncio.gather(*(came(sign.first, alice) for _ in range(20)))
    assert len({caller.token for caller in callers}) == 1
    assert await sign.asked("token") == 1
    sign.room.clock.now += 299
    await came(sign.first, alice)
    assert await sign.asked("token") == 1
    sign.room.clock.now += 2
    await came(sign.first, alice)
    assert await sign.asked("token") == 2


@pytest.mark.promise("teams.callers")
async def test_nobody_is_remembered_longer_than_their_token_lasts(sign: Signing) -> None:
    alice = await sign.activity("alice")
    token = await sign.room.twin.forge(exp=int(sign.room.clock.now) + 100)
    assert await sign.first.callers.arrived("contoso", alice, token, Standing()) is not None
    sign.room.clock.now += 30
    assert (await came(sign.first, alice)).token == token
    sign.room.clock.now += 20
    assert await sign.first.callers.present("contoso", alice) is None
    assert await sign.asked("token") == 1


@pytest.mark.promise("teams.callers.own")
async def test_another_persons_token_is_refused_and_the_token_service_lets_go_of_it(sign: Signing) -> None:
    alice = await sign.activity("alice")
    await sign.given("alice", whose="bob")
    for process in sign.processes:
        process.callers.forget("contoso", "alice")
    with pytest.raises(WrongAccount, match="not of the person who writes"):
        await sign.first.callers.present("contoso", alice)
    assert await sign.first.callers.present("contoso", alice) is None
    await sign.given("alice")
    assert (await came(sign.first, alice)).ctx.principal.id == "alice"


@pytest.mark.promise("teams.callers.own")
async def test_a_token_of_another_organisation_is_refused_whoever_it_names(sign: Signing, both: Both) -> None:
    alice = await sign.activity("alice")
    twin, url = sign.room.twin, sign.room.twin.url
    assert await refused(sign.first, alice, await twin.token("frank")) is Guest
    assert await refused(sign.first, alice, await twin.forge(iss=f"{url}/fabrikam/v2.0", tid="fabrikam")) is Guest
    assert await refused(sign.first, alice, await twin.forge(iss=f"{url}/adatum/v2.0", tid="adatum")) is Guest
    _, walter = await both.walter()
    assert await refused(sign.first, alice, walter) is Guest
    guest = await sign.activity("alice", tid="fabrikam")
    await sign.given("alice")
    with pytest.raises(Guest, match="another organisation"):
        await sign.first.callers.present("fabrikam", guest)


@pytest.mark.promise("teams.callers.own")
async def test_a_customer_of_the_tenant_is_not_let_in_by_this_door(sign: Signing, both: Both) -> None:
    callers = Callers(sign.first.link, both.room.authenticator, sign.room.database)
    ctx, walter = await both.walter()
    assert ctx.tenant == "contoso"
    alice = await sign.activity("alice")
    for sender in (alice.sender.oid, ctx.principal.id, "walter"):
        pretended = replace(alice, sender=replace(alice.sender, oid=sender))
        with pytest.raises(Guest):
            await callers.arrived("contoso", pretended, walter, Standing())


@pytest.mark.promise("teams.callers.own")
async def test_an_application_is_nobody_who_writes_and_a_token_without_access_is_none(sign: Signing) -> None:
    alice = await sign.activity("alice")
    forge = sign.room.twin.forge
    assert await refused(sign.first, alice, await forge(idtyp="app", roles=["workload"], scp=None)) is WrongAccount
    assert await refused(sign.first, alice, await forge(scp="other")) is Forbidden
    for wrong in (await forge(aud="api://other"), await forge(exp=1), "no token", ""):
        assert await sign.first.callers.arrived("contoso", alice, wrong, Standing()) is None


@pytest.mark.promise("teams.signout")
async def test_whoever_signs_out_is_forgotten_by_every_process_until_they_sign_in_again(sign: Signing) -> None:
    alice = await sign.activity("alice")
    await sign.given("alice")
    here, there = sign.processes
    for process in (here, there):
        await came(process, alice)
    await here.sign_in.sign_out("contoso", alice)
    again = await sign.given("alice")  # The token service has one, by another way than a sign-in here.
    for process in (here, there):
        assert await process.callers.present("contoso", alice) is None
        assert await process.callers.present("contoso", alice, fresh=True) is None
    assert (
        await here.callers.arrived("contoso", alice, again, await here.callers.stands("contoso", "alice")) is not None
    )
    assert (await came(there, alice)).token == again


@pytest.mark.promise("teams.callers")
async def test_somebody_disabled_or_removed_has_no_authority_once_the_last_token_is_over(sign: Signing) -> None:
    twin = sign.room.twin
    await twin.lever("PATCH", "lifetimes", {"access": 200})
    alice, dora = await sign.activity("alice"), await sign.activity("dora")
    for activity in (alice, dora):
        await sign.given(activity.sender.oid)
        await came(sign.first, activity)
    await twin.change("alice", disabled=True)
    await twin.lever("DELETE", "people/dora/sessions")
    sign.room.clock.now += 301
    for activity in (alice, dora):
        assert await sign.first.callers.present("contoso", activity) is None


@pytest.mark.promise("teams.callers")
async def test_a_token_service_that_does_not_answer_makes_nobody_sign_in(sign: Signing) -> None:
    alice = await sign.activity("alice")
    await sign.given("alice")
    await sign.teams.fault("token", 503)
    with pytest.raises(Unavailable):
        await sign.first.callers.present("contoso", alice)
    await came(sign.first, alice)
