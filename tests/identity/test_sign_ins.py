"""Sessions on the server: opened by one sign-in, renewed in silence, ended by the person or the identity provider."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from pydantic import SecretStr

from charter.context import Context
from charter.errors import Forbidden, Unauthenticated, Unavailable
from charter.identity.authentication import Caller
from charter.identity.code_flow import CodeFlow
from charter.identity.sealed import fernet
from charter.identity.session_rows import HOURS, IDLE_HOURS
from charter.identity.sign_ins import ATTEMPT_SECONDS, Begun, SignIns
from charter.identity.token_endpoint import TokenEndpoint
from charter.store import crossing
from charter.store.database import Database
from tests.identity.conftest import KEY, Room

BACK = "http://localhost:3978/console/signed-in"


def desk(room: Room, *, key: bytes = KEY) -> SignIns:
    """One process's sign-ins."""
    flow = CodeFlow(TokenEndpoint(room.http), room.verifier, room.issuers, clock=room.clock)
    return SignIns(flow, room.database, room.authenticator, key, clock=room.clock)


async def answered(room: Room, begun: Begun) -> dict[str, str]:
    """Go to the identity provider and return what it sends along."""
    async with room.http.get(begun.address, allow_redirects=False) as response:
        query = urlsplit(response.headers["Location"]).query
        return {name: values[0] for name, values in parse_qs(query).items()}


async def signed_in(room: Room, name: str = "alice", *, held: str = "", **given: str) -> str:
    """Sign somebody in and return their cookie."""
    at = desk(room)
    begun = at.begin(BACK, tid=given.get("tid", "contoso"), hint=name)
    return (await at.finish(begun.sealed, await answered(room, begun), held=held)).cookie


async def rows(room: Room, tenant: str = "contoso") -> list[Any]:
    async with room.database.tenant_session(tenant) as session:
        return await session.fetch("select * from sessions order by created_at")


async def renewals(room: Room) -> int:
    return sum(1 for request in await room.twin.requests("token") if request["grant_type"] == "refresh_token")


@pytest.fixture(autouse=True)
async def empty(database: Database) -> AsyncIterator[None]:
    yield
    for tenant in ("contoso", "fabrikam"):
        async with database.tenant_session(tenant) as session:
            await session.execute("delete from sessions")


@pytest.mark.promise("console.sign-in")
async def test_a_person_comes_back_as_themselves_in_every_process(room: Room) -> None:
    begun = desk(room).begin(BACK, tid="contoso", hint="alice", back="/console/runs")
    arrived = await desk(room.other()).finish(begun.sealed, await answered(room, begun))
    assert arrived.back == "/console/runs"
    caller = await desk(room.other()).present(arrived.cookie)
    assert (caller.ctx.tenant, caller.ctx.principal.id) == ("contoso", "alice")
    assert caller.ctx.scopes == {"access_as_user"}


async def test_who_is_not_known_yet_is_asked_for_an_account_of_any_tenant(room: Room) -> None:
    begun = desk(room).begin(BACK)
    assert "/organizations/" in begun.address
    assert "prompt=select_account" in begun.address
    chosen = Begun(begun.address.replace("prompt=select_account", "login_hint=frank"), begun.state, begun.sealed)
    cookie = (await desk(room).finish(begun.sealed, await answered(room, chosen))).cookie
    assert cookie.startswith("fabrikam.")
    assert (await desk(room).present(cookie)).ctx.principal.id == "frank"
    away = await desk(room).end(cookie, BACK)
    assert (away or "").startswith(f"{room.twin.url}/fabrikam/oauth2/v2.0/logout?")


@pytest.mark.promise("console.attempt")
async def test_an_answer_to_another_browsers_sign_in_is_refused(room: Room) -> None:
    mine, other = (desk(room).begin(BACK, tid="contoso", hint=name) for name in ("alice", "bob"))
    answer = await answered(room, other)
    for told in (answer, {**answer, "state": mine.state + "x"}, {"code": answer["code"]}):
        with pytest.raises(Forbidden, match="not begun in this browser"):
            await desk(room).finish(mine.sealed, told)
    assert await rows(room) == []


@pytest.mark.promise("console.attempt")
async def test_a_code_of_another_sign_in_is_refused_by_its_verifier(room: Room) -> None:
    mine, other = (desk(room).begin(BACK, tid="contoso", hint=name) for name in ("alice", "bob"))
    stolen = {**await answered(room, other), "state": mine.state}
    with pytest.raises(Unauthenticated, match="refused this sign-in"):
        await desk(room).finish(mine.sealed, stolen)
    assert (await room.twin.requests("token"))[-1]["refused"] == 501481


@pytest.mark.promise("console.attempt")
async def test_an_id_token_for_another_sign_in_is_refused_by_its_nonce(room: Room) -> None:
    begun = desk(room).begin(BACK, tid="contoso", hint="alice")
    head, _, tail = begun.address.partition("nonce=")
    moved = Begun(f"{head}nonce=another&{tail.partition('&')[2]}", begun.state, begun.sealed)
    with pytest.raises(Unauthenticated, match="not to this sign-in"):
        await desk(room).finish(begun.sealed, await answered(room, moved))


async def test_an_account_of_another_tenant_than_the_chosen_one_is_refused(room: Room) -> None:
    begun = desk(room).begin(BACK, tid="contoso", hint="frank")
    elsewhere = Begun(begun.address.replace("/contoso/", "/common/"), begun.state, begun.sealed)
    answer = await answered(room, elsewhere)
    with pytest.raises((Forbidden, Unauthenticated)):
        await desk(room).finish(begun.sealed, answer)
    assert await rows(room) == await rows(room, "fabrikam") == []


async def test_people_of_a_tenant_that_is_not_served_are_told_whom_to_ask(room: Room) -> None:
    here = room.other(settings=room.settings.model_copy(update={"tenants": {"contoso": "contoso"}}))
    begun = desk(here).begin(BACK)
    chosen = Begun(begun.address.replace("prompt=select_account", "login_hint=frank"), begun.state, begun.sealed)
    with pytest.raises(Unauthenticated, match="does not serve") as refused:
        await desk(here).finish(begun.sealed, await answered(room, chosen))
    assert "ask an operator" in refused.value.action


@pytest.mark.promise("console.attempt")
async def test_a_code_opens_one_session_and_a_replay_ends_it(room: Room) -> None:
    begun = desk(room).begin(BACK, tid="contoso", hint="alice")
    answer = await answered(room, begun)
    cookie = (await desk(room).finish(begun.sealed, answer)).cookie
    with pytest.raises(Unauthenticated):
        await desk(room).finish(begun.sealed, answer)
    assert len(await rows(room)) == 1
    room.clock.now += 3_600
    with pytest.raises(Unauthenticated):
        await desk(room).present(cookie)


async def test_an_attempt_counts_for_ten_minutes_and_cannot_be_forged(room: Room) -> None:
    begun = desk(room).begin(BACK, tid="contoso", hint="alice")
    answer = await answered(room, begun)
    forged = fernet(b"another key that is long enough", "attempts").encrypt(
        orjson.dumps(["contoso", BACK, "s", "n", "v", ""])
    )
    for sealed in ("", "garbage", begun.sealed[:-4] + "AAAA", forged.decode()):
        with pytest.raises(Forbidden, match="not begun in this browser"):
            await desk(room).finish(sealed, answer)
    room.clock.now += ATTEMPT_SECONDS + 1
    with pytest.raises(Forbidden, match="too long ago"):
        await desk(room).finish(begun.sealed, answer)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("consent_required", "has not agreed yet"),
        ("access_denied", "did not let you in"),
        ("server_error", "cannot sign you in at the moment"),
        ("<script>", "refused this sign-in"),
    ],
)
async def test_a_refusal_of_the_identity_provider_is_told_in_our_words(error: str, sentence: str, room: Room) -> None:
    begun = desk(room).begin(BACK, tid="contoso", hint="alice")
    with pytest.raises(Forbidden, match=sentence):
        await desk(room).finish(begun.sealed, {"error": error, "error_description": "evil", "state": begun.state})


@pytest.mark.promise("console.sealed")
async def test_neither_id_nor_token_can_be_read_in_the_database(room: Room) -> None:
    cookie = await signed_in(room)
    caller = await desk(room).present(cookie)
    written = repr([dict(row) for row in await rows(room)])
    assert caller.token not in written
    assert cookie.partition(".")[2] not in written
    with pytest.raises(Unauthenticated):
        await desk(room, key=b"another key as long as the first").present(cookie)


@pytest.mark.promise("console.sealed")
async def test_a_row_opens_for_its_own_session_only(room: Room) -> None:
    alice, bob = await signed_in(room, "alice"), await signed_in(room, "bob")
    stolen = next(row for row in await rows(room) if row["principal"] == "alice")
    async with room.database.tenant_session("contoso") as session:
        await session.execute("update sessions set sealed = $1", stolen["sealed"])
    assert (await desk(room).present(alice)).ctx.principal.id == "alice"
    with pytest.raises(Unauthenticated):
        await desk(room).present(bob)


@pytest.mark.parametrize("cookie", ["", ".", "contoso", "contoso.short", "../x." + "A" * 43, "fabrikam.", "contoso.\n"])
async def test_what_is_no_session_is_nobody(cookie: str, room: Room) -> None:
    await signed_in(room)
    with pytest.raises(Unauthenticated):
        await desk(room).present(cookie)


async def test_an_id_counts_in_its_own_tenant_only(room: Room) -> None:
    cookie = await signed_in(room)
    with pytest.raises(Unauthenticated):
        await desk(room).present(cookie.replace("contoso", "fabrikam"))


@pytest.mark.promise("console.sign-out")
async def test_a_session_that_was_ended_is_gone_and_others_of_the_person_stay(room: Room) -> None:
    desktop, phone = await signed_in(room), await signed_in(room)
    away = await desk(room).end(desktop, BACK)
    assert (away or "").startswith(f"{room.twin.url}/contoso/oauth2/v2.0/logout?post_logout_redirect_uri=")
    with pytest.raises(Unauthenticated):
        await desk(room.other()).present(desktop)
    assert (await desk(room.other()).present(phone)).ctx.principal.id == "alice"
    assert await desk(room).end(desktop, BACK) is None


@pytest.mark.promise("console.fixation")
async def test_each_sign_in_makes_a_new_id_and_the_one_held_before_ends(room: Room) -> None:
    planted = "contoso." + "A" * 43
    first = await signed_in(room, held=planted)
    second = await signed_in(room, "bob", held=first)
    assert len({planted, first, second}) == 3
    assert first.partition(".")[2] != planted.partition(".")[2]
    for cookie in (planted, first):
        with pytest.raises(Unauthenticated):
            await desk(room).present(cookie)
    assert (await desk(room).present(second)).ctx.principal.id == "bob"


@pytest.mark.promise("console.lifetime")
async def test_a_session_ends_when_unseen_and_after_its_hours_in_any_case(room: Room) -> None:
    seen, unseen = await signed_in(room), await signed_in(room)
    for _ in range(HOURS - 1):
        room.clock.now += 3_600
        await desk(room).present(seen)
    room.clock.now += 3_600
    for cookie in (seen, unseen):
        with pytest.raises(Unauthenticated):
            await desk(room).present(cookie)


@pytest.mark.promise("console.lifetime")
async def test_an_unseen_session_is_nobodys_and_is_cleared_at_the_next_sign_in(room: Room) -> None:
    cookie = await signed_in(room)
    room.clock.now += IDLE_HOURS * 3600 + 1
    with pytest.raises(Unauthenticated):
        await desk(room).present(cookie)
    await signed_in(room, "bob")
    assert [row["principal"] for row in await rows(room)] == ["bob"]


@pytest.mark.promise("console.lifetime")
async def test_retention_clears_what_is_over_its_time_in_any_tenant(room: Room) -> None:
    await signed_in(room)
    room.clock.now -= HOURS * 3600 + 1
    await signed_in(room, "frank", tid="fabrikam")
    assert await crossing.forget_sessions(room.database) == 1
    assert (len(await rows(room)), len(await rows(room, "fabrikam"))) == (1, 0)


async def at_the_tokens_end(room: Room, name: str = "alice") -> tuple[str, Caller]:
    """Sign somebody in and wait until their token is about to end."""
    cookie = await signed_in(room, name)
    caller = await desk(room).present(cookie)
    room.clock.now += 3_400
    return cookie, caller


@pytest.mark.promise("console.renewal")
async def test_a_token_that_nears_its_end_is_renewed_once_for_all_windows_and_processes(room: Room) -> None:
    cookie, before = await at_the_tokens_end(room)
    processes = [desk(room), desk(room.other()), desk(room.other())]
    callers = await asyncio.gather(*(at.present(cookie) for at in processes for _ in range(5)))
    assert {caller.ctx.principal.id for caller in callers} == {"alice"}
    assert len({caller.token for caller in callers} - {before.token}) == 1
    assert await renewals(room) == 1
    assert room.twin.redeemed_twice() == 0
    await desk(room).present(cookie)
    assert await renewals(room) == 1


@pytest.mark.promise("console.renewal")
@pytest.mark.parametrize("lever", ["disable", "revoke"])
async def test_a_refused_renewal_ends_the_session(lever: str, room: Room) -> None:
    cookie, _ = await at_the_tokens_end(room)
    if lever == "disable":
        await room.twin.change("alice", disabled=True)
    else:
        await room.twin.lever("DELETE", "people/alice/sessions")
    with pytest.raises(Unauthenticated, match="has ended"):
        await desk(room).present(cookie)
    assert await rows(room) == []


async def test_a_renewed_token_brings_the_roles_of_now(room: Room) -> None:
    cookie, before = await at_the_tokens_end(room, "bob")
    assert "buyer" in before.ctx.principal.roles
    await room.twin.change("bob", roles=["employee"])
    assert (await desk(room).present(cookie)).ctx.principal.roles == {"employee"}


async def test_a_silent_identity_provider_leaves_a_good_token_in_use_and_an_ended_one_not(room: Room) -> None:
    cookie, before = await at_the_tokens_end(room)
    await room.twin.faults(token="fail")
    at = desk(room)
    assert (await at.present(cookie)).token == before.token
    asked = len(await room.twin.requests("token"))
    await at.present(cookie)
    assert len(await room.twin.requests("token")) == asked
    room.clock.now += 600
    with pytest.raises(Unavailable):
        await at.present(cookie)
    await room.twin.faults()
    assert (await at.present(cookie)).ctx.principal.id == "alice"


async def test_a_host_that_the_identity_provider_refuses_opens_no_session(room: Room) -> None:
    wrong = room.other(settings=room.settings.model_copy(update={"client_secret": SecretStr("wrong")}))
    begun = desk(room).begin(BACK, tid="contoso", hint="alice")
    with pytest.raises(Unavailable, match="own credentials"):
        await desk(wrong).finish(begun.sealed, await answered(room, begun))


async def test_a_session_never_answers_for_somebody_else(room: Room, people: dict[str, Context]) -> None:
    class Mistaken:
        """A check that takes everybody for bob."""

        async def authenticate(self, authorization: str | None) -> Caller:
            return Caller(people["bob"], str(authorization))

    cookie = await signed_in(room)
    flow = CodeFlow(TokenEndpoint(room.http), room.verifier, room.issuers, clock=room.clock)
    with pytest.raises(Unauthenticated, match="another person"):
        await SignIns(flow, room.database, Mistaken(), KEY, clock=room.clock).present(cookie)
