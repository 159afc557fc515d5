"""A suspended tenant's authority is neither used nor lost."""

import pytest

from charter.errors import TenantSuspended
from charter.identity.issuers import Fixed
from charter.identity.room import IdentityRoom, join
from tests.identity.conftest import Room


class Suspendable(Fixed):
    """Tenants that can be suspended, all at once."""

    suspended = False

    def served(self, tenant: str) -> bool:
        return not self.suspended and super().served(tenant)


@pytest.fixture
def served(room: Room) -> Suspendable:
    return Suspendable(room.settings.tenants)


@pytest.fixture
def parts(room: Room, served: Suspendable) -> IdentityRoom:
    return join(room.settings, served, room.database, room.http, room.key, clock=room.clock)


@pytest.mark.promise("tenants.suspended")
async def test_a_caller_who_is_remembered_is_refused_and_comes_in_again_afterwards(
    room: Room, parts: IdentityRoom, served: Suspendable
) -> None:
    bearer = f"Bearer {await room.twin.token('alice')}"
    known = await parts.authenticator.authenticate(bearer)
    served.suspended = True
    for token in (bearer, f"Bearer {await room.twin.token('bob')}"):
        with pytest.raises(TenantSuspended):
            await parts.authenticator.authenticate(token)
    served.suspended = False
    assert (await parts.authenticator.authenticate(bearer)).ctx == known.ctx


@pytest.mark.promise("tenants.stands-still")
async def test_a_renewal_that_meets_the_suspension_loses_no_authority(
    room: Room, parts: IdentityRoom, served: Suspendable
) -> None:
    ctx = await room.kept("alice")
    served.suspended = True
    with pytest.raises(TenantSuspended):
        await parts.renewal.renew(ctx)
    with pytest.raises(TenantSuspended):
        await parts.unattended.authority("contoso", "host")
    served.suspended = False
    assert (await parts.renewal.renew(ctx)).principal == ctx.principal
