"""What the directory tells, and the authority of those who waited."""

from dataclasses import replace

import pytest

from charter.context import Principal
from charter.errors import AuthorityLost, Unavailable
from charter.identity.directory import Person, Workload
from tests.identity.conftest import Room

BOB = Person("bob", "Bob")
ROLES = frozenset({"workload"})


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
    for odd in ("../users/alice", "erp')/../../users('alice", "erp/owners", "erp'"):
        assert await room.directory.workload("contoso", identity=odd) is None
        assert await room.directory.workload("contoso", application=odd) is None


@pytest.mark.promise("identity.unattended")
async def test_a_workload_is_what_the_directory_says_now(room: Room) -> None:
    erp = Workload("erp", "Contoso ERP", enabled=True, roles=frozenset({"workload"}))
    assert await room.directory.workload("contoso", application="erp") == erp
    assert await room.directory.workload("contoso", identity="erp") == erp
    await room.twin.change("erp", roles=["workload", "buyer"])
    assert await room.directory.workload("contoso", identity="erp") == replace(
        erp, roles=frozenset({"workload", "buyer"})
    )
    await room.twin.change("erp", disabled=True)
    assert await room.directory.workload("contoso", identity="erp") == replace(erp, enabled=False, roles=frozenset())
    assert await room.directory.workload("contoso", application="alice") is None
    assert await room.directory.workload("fabrikam", application="erp") is None


@pytest.mark.promise("identity.unattended")
async def test_the_host_knows_its_own_roles_here_and_none_of_those_elsewhere(room: Room) -> None:
    host = await room.directory.workload("contoso", application="charter-host")
    assert host is not None
    assert host.roles == {"workload"}


@pytest.mark.promise("identity.unattended")
async def test_unattended_work_has_the_authority_of_the_host_or_of_a_workload(room: Room) -> None:
    host, erp = [await room.unattended.authority("contoso", who) for who in ("host", "workload:erp")]
    assert host is not None
    assert (host.tenant, host.principal.id, host.principal.type) == ("contoso", "charter-host", "workload")
    assert host.principal.roles == {"workload"}
    assert erp == replace((await room.caller("erp")).ctx, principal=Principal("erp", "workload", "Contoso ERP", ROLES))
    assert await room.unattended.authority("fabrikam", "workload:erp") is None
    for ctx in (host, erp):
        assert ctx is not None
        assert await room.renewal.renew(ctx) == ctx
    for person in ("user:alice", "alice", "workload:", ""):
        with pytest.raises(ValueError, match="nobody acts as"):
            await room.unattended.authority("contoso", person)
    assert await room.unattended.authority("contoso", "workload:alice") is None


@pytest.mark.promise("identity.unattended")
async def test_a_workload_that_is_disabled_or_without_a_role_has_no_authority(room: Room) -> None:
    erp = (await room.caller("erp")).ctx
    for change in ({"disabled": True}, {"disabled": False, "roles": []}):
        await room.twin.change("erp", **change)
        with pytest.raises(AuthorityLost):
            await room.unattended.authority("contoso", "workload:erp")
        with pytest.raises(AuthorityLost):
            await room.renewal.renew(erp)


@pytest.mark.promise("identity.outage")
async def test_while_the_directory_fails_no_workload_is_judged(room: Room) -> None:
    await room.twin.faults(graph="fail")
    with pytest.raises(Unavailable):
        await room.unattended.authority("contoso", "workload:erp")
    await room.twin.faults(token="fail")
    with pytest.raises(Unavailable):
        await room.unattended.authority("contoso", "host")


@pytest.mark.promise("identity.renewal")
async def test_after_a_wait_only_roles_of_then_and_now_count(room: Room) -> None:
    bob = (await room.kept("bob")).within(agent="buyer", run_id="run_1")
    assert await room.renewal.renew(bob) == bob
    await room.twin.change("bob", roles=["employee", "operator"], groups=["all-employees", "board"])
    renewed = await room.other().renewal.renew(bob)
    assert (renewed.principal.roles, renewed.principal.groups) == ({"employee"}, {"all-employees"})
    assert (renewed.principal.type, renewed.agent, renewed.run_id) == ("user", "buyer", "run_1")


@pytest.mark.promise("identity.renewal")
async def test_a_workload_goes_on_with_the_roles_it_still_has(room: Room) -> None:
    await room.twin.change("erp", roles=["workload", "buyer"])
    erp = replace((await room.caller("erp")).ctx, approver="role:buyer").within(agent="buyer", run_id="run_1")
    await room.twin.change("erp", roles=["workload", "operator"])
    renewed = await room.renewal.renew(erp)
    assert renewed == replace(erp, principal=replace(erp.principal, roles=ROLES))


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


async def test_another_tenants_workload_is_unknown(room: Room) -> None:
    crm = (await room.caller("crm")).ctx
    assert await room.renewal.renew(crm) == crm
    with pytest.raises(AuthorityLost):
        await room.renewal.renew(replace(crm, tenant="contoso"))
