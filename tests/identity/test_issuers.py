"""Whose tokens are believed, while tenants and their directories change; and where the host's own proof may travel."""

from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from charter.context import Context, Principal
from charter.errors import AuthorityLost, StartRefused, Unauthenticated
from charter.identity.issuers import Fixed, Issuers
from charter.identity.room import join
from charter.settings import External, Identity
from tests.identity.conftest import Room
from tests.identity.test_grants import PROCUREMENT

HOME = "https://login.contoso.example"


@dataclass
class Changing:
    """Tenants whose directories an operator changes."""

    directories: dict[str, str] = field(default_factory=lambda: {"contoso": "contoso", "fabrikam": "fabrikam"})

    def served(self, tenant: str) -> bool:
        return True

    def of_directory(self, tid: str) -> str | None:
        return self.directories.get(tid)

    def directory(self, tenant: str) -> str | None:
        return next((tid for tid, ours in self.directories.items() if ours == tenant), None)


def external(authority: str, secret: str = "", **own: str) -> Issuers:
    given = External(authority=authority, tid="customers", tenant="contoso", client_secret=SecretStr(secret))
    settings = Identity.model_validate({"authority": HOME, **own, "external": {"shop": given}})
    return Issuers(settings, Fixed({"contoso": "contoso"}))


@pytest.mark.promise("identity.proof")
@pytest.mark.parametrize("own", [{"client_secret": "HOSTSECRET"}, {"credential": "managed_identity"}])
def test_the_hosts_own_proof_never_goes_to_somebody_elses_identity_provider(own: dict[str, str]) -> None:
    with pytest.raises(StartRefused, match="must not go there"):
        external("https://third.example", **own)
    with pytest.raises(StartRefused, match="must not go there"):
        external("https://ciamlogin.com.third.example", **own)


@pytest.mark.promise("identity.proof")
async def test_a_registration_elsewhere_has_a_secret_of_its_own() -> None:
    issuer = external("https://third.example", "theirs", client_secret="HOSTSECRET").of("customers")
    assert issuer is not None
    assert await issuer.credential.fields() == {"client_secret": "theirs"}


@pytest.mark.promise("identity.moved")
async def test_a_directory_that_moves_takes_its_people_along_at_once(room: Room) -> None:
    tenants = Changing()
    here = join(room.settings, tenants, room.database, room.http, room.key)
    header = f"Bearer {await room.twin.token('frank')}"
    frank = (await here.authenticator.authenticate(header)).ctx
    await here.grants.keep(frank, header.removeprefix("Bearer "))
    assert await here.grants.token(frank, PROCUREMENT)
    assert await here.grants.host_token("fabrikam", PROCUREMENT)
    tenants.directories = {"contoso": "fabrikam", "fabrikam": "contoso"}
    with pytest.raises(Unauthenticated, match="does not serve"):
        await here.authenticator.authenticate(header)
    with pytest.raises(AuthorityLost):
        await here.grants.token(frank, PROCUREMENT)
    tenants.directories = {"contoso": "contoso"}
    for work in (here.grants.token(frank, PROCUREMENT), here.grants.host_token("fabrikam", PROCUREMENT)):
        with pytest.raises(AuthorityLost):
            await work


def test_a_customer_operates_nothing_whatever_their_role_is_called() -> None:
    roles = frozenset({"operator"})
    assert Context("contoso", Principal("carol", "operator", "Carol", roles)).is_operator
    assert not Context("contoso", Principal("shop:w", "user", "W", roles, external="shop")).is_operator
