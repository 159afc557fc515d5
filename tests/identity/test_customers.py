"""Authority of customers, at an identity provider of their own beside the tenant's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from charter.context import Context
from charter.errors import AuthorityLost
from charter.settings import External
from charter.twins import entra
from charter.twins.listening import serve, take
from tests.identity.conftest import Room
from tests.twins.running import RunningTwin


@dataclass(slots=True)
class Both:
    """A room that believes a second provider, and that provider."""

    room: Room
    theirs: RunningTwin

    async def walter(self) -> tuple[Context, str]:
        form = {"grant_type": "password", "client_id": "charter-cli", "username": "walter"}
        status, answer = await self.theirs.grant("customers", **form, scope="api://charter/access_as_user")
        assert status == 200, answer
        caller = await self.room.authenticator.authenticate(f"Bearer {answer['access_token']}")
        return caller.ctx, caller.token

    async def asked(self, twin: RunningTwin) -> list[str]:
        """Return what the host asked a provider for."""
        return [
            each["grant_type"].rpartition(":")[2]
            for each in await twin.requests("token")
            if each["client"] == "charter-host"
        ]


@pytest.fixture
async def both(room: Room, tmp_path: Path, http: aiohttp.ClientSession) -> AsyncIterator[Both]:
    place = take(0, "customers' sign-in")
    folder = tmp_path / "customers"
    runner = await serve(entra.app(folder, base_url=place.url, people="customers.yaml"), place)
    theirs = RunningTwin(place.url, folder, http)
    external = External(
        authority=place.url, tid="customers", tenant="contoso", client_secret=SecretStr(theirs.secret()), roles=("customer",)
    )  # fmt: skip
    try:
        yield Both(room.other(settings=room.settings.model_copy(update={"external": {"customers": external}})), theirs)
    finally:
        await runner.cleanup()
        place.close()


@pytest.mark.promise("customers.issuer")
async def test_what_goes_out_for_a_customer_comes_from_his_own_issuer(both: Both) -> None:
    ctx, token = await both.walter()
    assert (ctx.tenant, ctx.principal.id, ctx.principal.roles) == ("contoso", "customers:walter", {"customer"})
    await both.room.grants.keep(ctx, token)
    await both.room.grants.token(ctx, "api://care/.default")
    assert await both.asked(both.theirs) == ["jwt-bearer", "refresh_token"]
    assert await both.asked(both.room.twin) == []


@pytest.mark.promise("customers.issuer")
async def test_a_customers_authority_is_renewed_at_his_own_issuer_and_only_as_a_customers(both: Both) -> None:
    ctx, token = await both.walter()
    await both.room.grants.keep(ctx, token)
    now = await both.room.renewal.renew(ctx)
    assert (now.principal.id, now.principal.type, now.principal.roles) == ("customers:walter", "user", {"customer"})
    assert await both.asked(both.room.twin) == []
    without = both.room.other(settings=both.room.settings.model_copy(update={"external": {}}))
    with pytest.raises(AuthorityLost, match="no longer believes"):
        await without.renewal.renew(ctx)


@pytest.mark.promise("customers.apart")
async def test_neither_keeps_the_others_authority_for_their_own(both: Both) -> None:
    walter, his = await both.walter()
    alice = await both.room.caller("alice")
    for ctx, token in ((alice.ctx, his), (walter, alice.token)):
        with pytest.raises(AuthorityLost, match="not of the person"):
            await both.room.grants.keep(ctx, token)
    # Somebody of theirs with alice's own object id is still not alice.
    namesake = replace(alice.ctx, principal=replace(alice.ctx.principal, id="customers:alice", external="customers"))
    with pytest.raises(AuthorityLost):
        await both.room.grants.token(namesake, "api://care/.default")


@pytest.mark.promise("customers.issuer")
async def test_the_tenants_directory_is_never_asked_about_a_customer(both: Both) -> None:
    ctx, token = await both.walter()
    await both.room.grants.keep(ctx, token)
    assert await both.room.directory.manager(ctx) is None
    await both.theirs.change("walter", groups=[f"group-{n}" for n in range(250)])
    many, _ = await both.walter()
    assert many.principal.groups == frozenset()
    assert (await both.room.renewal.renew(ctx)).principal.groups == frozenset()
    assert await both.room.twin.requests("graph") == []
