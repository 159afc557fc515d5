"""An agent with an identity of its own: what it does without a person it does as itself, and nobody else does."""

from dataclasses import replace

import jwt
import pytest
from pydantic import SecretStr

from charter.errors import AuthorityLost, Unavailable
from charter.settings import AgentIdentity
from tests.identity.conftest import Room

ERP = "api://procurement/.default"


def caller(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["oid"])


@pytest.fixture
def own(room: Room) -> Room:
    """A room whose agent ``buyer`` has a registration of its own."""
    buyer = AgentIdentity(client_id="erp", client_secret=SecretStr(room.twin.secret("erp")))
    return room.other(settings=room.settings.model_copy(update={"agents": {"buyer": buyer}}))


@pytest.mark.promise("identity.agents")
async def test_an_agent_with_an_identity_of_its_own_works_as_itself(own: Room) -> None:
    assert caller(await own.grants.host_token("contoso", ERP, agent="buyer")) == "erp"
    assert caller(await own.grants.host_token("contoso", ERP, agent="service_desk")) == "charter-host"
    assert caller(await own.grants.host_token("contoso", ERP)) == "charter-host"
    # Again, now from memory: nobody gets what was kept for another.
    assert caller(await own.grants.host_token("contoso", ERP, agent="buyer")) == "erp"
    assert caller(await own.grants.host_token("contoso", ERP, agent="service_desk")) == "charter-host"


@pytest.mark.promise("identity.agents")
async def test_a_workload_that_starts_such_an_agent_is_served_by_the_agents_identity(own: Room) -> None:
    crew = (await own.unattended.authority("contoso", "workload:erp")) or pytest.fail("no such workload")
    as_buyer = replace(crew, agent="buyer")
    assert caller(await own.grants.token(as_buyer, ERP)) == "erp"
    assert caller(await own.grants.token(replace(crew, agent="service_desk"), ERP)) == "charter-host"


@pytest.mark.promise("identity.agents")
async def test_an_agents_wrong_credential_never_falls_back_on_the_hosts(room: Room) -> None:
    wrong = AgentIdentity(client_id="erp", client_secret=SecretStr("wrong"))
    own = room.other(settings=room.settings.model_copy(update={"agents": {"buyer": wrong}}))
    with pytest.raises(Unavailable, match="own credentials"):
        await own.grants.host_token("contoso", ERP, agent="buyer")
    with pytest.raises(Unavailable):
        await own.grants.host_token("fabrikam", ERP, agent="buyer")  # not registered there


@pytest.mark.promise("identity.agents")
async def test_a_tenant_that_nobody_knows_gives_no_token(own: Room) -> None:
    with pytest.raises(AuthorityLost):
        await own.grants.host_token("adatum", ERP, agent="buyer")
