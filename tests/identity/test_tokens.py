"""Who is let in: real tokens of the twin, and tokens in which exactly one thing is wrong."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from charter.context import Context, Principal
from charter.errors import StartRefused, Unauthenticated, Unavailable
from charter.identity.issuers import Fixed, Issuers
from charter.settings import Identity
from tests.identity.conftest import Room
from tests.twins.running import RunningTwin

TENANTS = ("contoso", "fabrikam")

Forger = Callable[[RunningTwin], Awaitable[str]]


def _part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def _kid(twin: RunningTwin) -> str:
    return jwt.get_unverified_header(await twin.token("alice"))["kid"]


async def _unsigned(twin: RunningTwin) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT', 'kid': await _kid(twin)})}.{_part(twin.claims())}."


async def _signed_with_the_public_key_as_a_secret(twin: RunningTwin) -> str:
    public = twin.signing_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': await _kid(twin)})}.{_part(twin.claims())}"
    return f"{text}.{_part(hmac.new(pem, text.encode(), hashlib.sha256).digest())}"


async def _of_another_key(twin: RunningTwin) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(twin.claims(), key, "RS256", headers={"kid": await _kid(twin)})


async def _with_its_own_key(twin: RunningTwin) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return jwt.encode(twin.claims(), key, "RS256", headers={"kid": await _kid(twin), "jwk": jwk})


async def _of_another_algorithm(twin: RunningTwin) -> str:
    return jwt.encode(twin.claims(), twin.signing_key(), "PS256", headers={"kid": await _kid(twin)})


async def _without_a_key_id(twin: RunningTwin) -> str:
    return jwt.encode(twin.claims(), twin.signing_key(), "RS256")


async def _with_altered_claims(twin: RunningTwin) -> str:
    head, _, signature = (await twin.token("alice")).split(".")
    return f"{head}.{_part(twin.claims(oid='bob', roles=['operator']))}.{signature}"


async def _nested_deeply(twin: RunningTwin) -> str:
    return f"{_part({'alg': 'RS256', 'kid': await _kid(twin)})}.{_part(b'[' * 9_000)}.{_part(b'x' * 256)}"


def _claims(**changed: Any) -> Forger:
    return lambda twin: twin.forge(**changed)


def _header(**headers: Any) -> Forger:
    return lambda twin: twin.forge(headers)


def _ago(seconds: int) -> int:
    return int(time.time()) - seconds


FORGERIES: dict[str, tuple[Forger, str]] = {
    "unsigned": (_unsigned, "RS256"),
    "public key as secret": (_signed_with_the_public_key_as_a_secret, "RS256"),
    "other algorithm": (_of_another_algorithm, "RS256"),
    "another key": (_of_another_key, "signature"),
    "altered claims": (_with_altered_claims, "signature"),
    "own key in the header": (_with_its_own_key, "of its own"),
    "key address in the header": (_header(jku="https://evil.example/keys"), "of its own"),
    "certificate address in the header": (_header(x5u="https://evil.example/cert"), "of its own"),
    "certificate in the header": (_header(x5c=["MIIB"]), "of its own"),
    "rules of its own": (_header(crit=["exp"], exp=1), "cannot be read"),
    "no key id": (_without_a_key_id, "names no key"),
    "key id that nobody publishes": (_header(kid="invented"), "does not publish"),
    "another issuer": (_claims(iss="https://evil.example/contoso/v2.0"), "another issuer"),
    "issuer of another tenant": (lambda twin: twin.forge(iss=f"{twin.url}/fabrikam/v2.0"), "another issuer"),
    "another audience": (_claims(aud="api://procurement"), "another audience"),
    "no audience": (_claims(aud=None), "lacks a claim"),
    "tenant not served": (_claims(tid="northwind"), "does not serve"),
    "tenant as a path": (_claims(tid="../contoso"), "does not serve"),
    "expired": (lambda twin: twin.forge(exp=_ago(90)), "expired"),
    "never expires": (_claims(exp=None), "lacks a claim"),
    "not valid yet": (lambda twin: twin.forge(nbf=_ago(-300)), "not valid yet"),
    "issued in the future": (lambda twin: twin.forge(iat=_ago(-300)), "not valid yet"),
    "version 1": (_claims(ver="1.0"), "not an Entra v2"),
    "nobody": (_claims(oid=None), "lacks a claim"),
    "somebody unnamable": (_claims(oid=["alice"]), "not an Entra v2"),
    "oversize": (_claims(filler="x" * 20_000), "too long"),
    "deep nesting": (_nested_deeply, "cannot be read"),
}


@pytest.mark.promise("identity.inbound")
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_token_with_one_thing_wrong_is_refused_in_one_sentence(forgery: str, room: Room) -> None:
    forger, sentence = FORGERIES[forgery]
    with pytest.raises(Unauthenticated, match=sentence):
        await room.authenticator.authenticate(f"Bearer {await forger(room.twin)}")


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YWxpY2U6", "Bearer a.b.c", "Bearer ...", "Bearer \udce9", "alice"]
)
async def test_what_is_no_bearer_token_is_refused(header: str | None, room: Room) -> None:
    with pytest.raises(Unauthenticated):
        await room.authenticator.authenticate(header)


@pytest.mark.promise("identity.inbound")
async def test_a_token_of_the_issuer_makes_the_context_it_names(room: Room) -> None:
    caller = await room.caller("bob")
    roles = frozenset({"employee", "manager", "buyer"})
    bob = Principal("bob", "user", "Bob", roles, frozenset({"all-employees"}))
    assert caller.ctx == Context("contoso", bob, frozenset({"access_as_user"}))
    assert caller.token not in repr(caller)
    assert (await room.caller("frank")).ctx.tenant == "fabrikam"


async def test_a_token_may_name_the_host_by_its_client_id(room: Room) -> None:
    answer = await room.twin.sign_in("alice", "charter-host/access_as_user")
    caller = await room.authenticator.authenticate(f"bearer {answer['access_token']}")
    assert caller.ctx.principal.id == "alice"


async def test_clocks_may_differ_by_the_skew(room: Room) -> None:
    token = await room.twin.forge(exp=_ago(30), nbf=_ago(-30), iat=_ago(-30))
    assert (await room.authenticator.authenticate(f"Bearer {token}")).ctx.principal.id == "alice"


@pytest.mark.promise("identity.keys")
async def test_many_first_tokens_at_once_fetch_the_keys_once(room: Room) -> None:
    tokens = [await room.twin.token("alice") for _ in range(8)]
    await asyncio.gather(*(room.authenticator.authenticate(f"Bearer {token}") for token in tokens))
    assert len(await room.twin.requests("keys")) == 1


@pytest.mark.promise("identity.keys")
async def test_a_flood_of_invented_key_ids_does_not_reach_the_key_server(room: Room) -> None:
    await room.caller("alice")
    room.clock.now += 60
    tokens = [await room.twin.forge({"kid": f"invented-{n}"}) for n in range(40)]
    for _ in range(2):
        answers = await asyncio.gather(*map(room.verifier.verify, tokens), return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unauthenticated}
    assert len(await room.twin.requests("keys")) == 2
    assert (await room.caller("bob")).ctx.principal.id == "bob"


@pytest.mark.promise("identity.keys")
async def test_a_new_key_is_learnt_and_a_withdrawn_one_is_forgotten(room: Room) -> None:
    old = await room.twin.token("alice")
    await room.authenticator.authenticate(f"Bearer {old}")
    await room.twin.lever("POST", "keys", {"withdraw": True})
    room.clock.now += 301
    assert (await room.caller("bob")).ctx.principal.id == "bob"
    with pytest.raises(Unauthenticated, match="does not publish"):
        await room.authenticator.authenticate(f"Bearer {old}")


@pytest.mark.promise("identity.keys")
async def test_a_hanging_key_server_stalls_no_token_of_a_known_key(room: Room) -> None:
    for tenant in TENANTS:
        issuer = room.issuers.own(tenant)
        assert issuer
        assert await room.verifier.warm(issuer)
    await room.twin.faults(keys="hang")
    room.clock.now += 7_200
    token = await room.twin.token("alice")
    unknown = asyncio.create_task(room.verifier.verify(await room.twin.forge({"kid": "invented"})))
    async with asyncio.timeout(2):
        assert (await room.verifier.verify(token))["oid"] == "alice"
        assert (await room.verifier.verify(token))["oid"] == "alice"
    await room.twin.faults()
    with pytest.raises(Unauthenticated):
        await unknown


async def test_a_key_server_that_fails_is_said_to_fail_and_asked_again(room: Room) -> None:
    token = await room.twin.token("alice")
    await room.twin.faults(keys="fail")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await room.verifier.verify(token)
    await room.twin.faults()
    room.clock.now += 3
    assert (await room.verifier.verify(token))["oid"] == "alice"


async def test_keys_that_nobody_could_renew_for_a_day_count_no_longer(room: Room) -> None:
    token = await room.twin.token("alice")
    await room.verifier.verify(token)
    await room.twin.faults(keys="fail")
    room.clock.now += 90_000
    with pytest.raises(Unavailable):
        await room.verifier.verify(token)


@pytest.mark.promise("identity.cost")
async def test_a_verified_token_costs_microseconds(room: Room) -> None:
    header = f"Bearer {await room.twin.token('alice')}"
    first = await room.authenticator.authenticate(header)
    began = time.process_time()
    for _ in range(2_000):
        assert await room.authenticator.authenticate(header) is first
    assert (time.process_time() - began) / 2_000 < 50e-6


def test_without_an_authority_no_issuer_is_believed() -> None:
    with pytest.raises(StartRefused, match="CHARTER_IDENTITY__AUTHORITY"):
        Issuers(Identity(), Fixed({}))
