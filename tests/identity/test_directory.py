"""What the directory tells, and the authority of those who waited."""

from dataclasses import replace

import pytest

from charter.context import Context
from charter.errors import AuthorityLost, Unavailable
from charter.identity.directory import Person
from tests.identity.conftest import Room

BOB = Person("bob", "Bob")


@pytest.mark.promise("identity.manager")
async def test_the_manager_is_whom_the_directory_names(room: Room) -> None:
    assert await room.directory.manager(await room.kept("alice")) == BOB
    assert await room.directory.manager(await room.kept("frank")) == Person("mona", "Mona")
    assert await room.directory.manager(await room.kept("bob")) is None
    assert await room.directory.manager((await room.caller("erp")).ctx) is None


async def test_a_manager_is_remembered_for_a_minute(room: Room) -> None:
    alice = await room.kept("alice")
    await room.directory.manager(alice)
    await room.twin.change("alice", manager="carol")
    room.clock.now += 59
    assert await room.directory.manager(alice) == BOB
    room.clock.now += 2
    assert await room.directory.manager(alice) == Person("carol", "Carol")


@pytest.mark.promise("identity.manager")
async def test_a_directory_that_fails_names_nobody(room: Room) -> None:
    alice = await room.kept("alice")
    await room.twin.faults(graph="fail")
    with pytest.raises(Unavailable):
        await room.directory.manager(alice)
    silent = room.other(settings=room.settings.model_copy(update={"graph": ""}))
    with pytest.raises(Unavailable, match="CHARTER_IDENTITY__GRAPH"):
        await silent.directory.manager(alice)


async def test_a_graph_token_that_is_refused_early_is_asked_for_anew(room: Room) -> None:
    alice = await room.kept("alice")
    await room.twin.lever("POST", "keys", {"withdraw": True})
    assert await room.directory.manager(alice) == BOB


async def test_an_id_cannot_lead_elsewhere_in_the_directory(room: Room) -> None:
    erp = (await room.caller("erp")).ctx
    disguised = replace(erp, principal=replace(erp.principal, id="../users/alice"))
    assert not await room.directory.enabled(disguised)


@pytest.mark.promise("identity.renewal")
async def test_after_a_wait_only_roles_of_then_and_now_count(room: Room) -> None:
    bob = (await room.kept("bob")).within(agent="buyer", run_id="run_1")
    assert await room.renewal.renew(bob) == bob
    await room.twin.change("bob", roles=["employee", "operator"], groups=["all-employees", "board"])
    renewed = await room.other().renewal.renew(bob)
    assert (renewed.principal.roles, renewed.principal.groups) == ({"employee"}, {"all-employees"})
    assert (renewed.principal.type, renewed.agent, renewed.run_id) == ("user", "buyer", "run_1")


@pytest.mark.promise("identity.renewal")
async def test_an_operator_who_no_longer_is_one_goes_on_as_a_user(room: Room) -> None:
    carol = await room.kept("carol")
    await room.twin.change("carol", roles=["employee"])
    assert (await room.renewal.renew(carol)).principal.type == "user"


@pytest.mark.promise("identity.renewal")
async def test_a_disabled_person_or_workload_does_not_go_on(room: Room) -> None:
    alice, erp = await room.kept("alice"), (await room.caller("erp")).ctx
    assert await room.renewal.renew(erp) == erp
    for name in ("alice", "erp"):
        await room.twin.change(name, disabled=True)
    for ctx in (alice, erp):
        with pytest.raises(AuthorityLost):
            await room.renewal.renew(ctx)


@pytest.mark.promise("identity.outage")
async def test_while_the_identity_provider_fails_nobody_is_judged(room: Room) -> None:
    alice = await room.kept("alice")
    for part in ("token", "keys"):
        await room.twin.faults(**{part: "fail"})
        with pytest.raises(Unavailable):
            await room.other().renewal.renew(alice)
    await room.twin.faults()
    assert (await room.renewal.renew(alice)).principal == alice.principal


async def test_groups_too_many_for_a_token_are_renewed_from_the_directory(room: Room) -> None:
    await room.twin.change("alice", groups=[f"group-{n}" for n in range(250)])
    alice = await room.kept("alice")
    await room.twin.change("alice", groups=[f"group-{n}" for n in range(1, 250)])
    assert alice.principal.groups - (await room.renewal.renew(alice)).principal.groups == {"group-0"}


async def test_another_tenants_workload_is_unknown(room: Room, people: dict[str, Context]) -> None:
    crm = (await room.caller("crm")).ctx
    assert await room.directory.enabled(crm)
    foreign = Context("contoso", crm.principal, crm.scopes)
    assert not await room.directory.enabled(foreign)
