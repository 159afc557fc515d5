"""Tokens that must open nothing: in each exactly one thing is wrong. What they are, and what the host must say of them."""

import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.doors.forge import part
from tests.doors.world import World

Maker = Callable[[World], Awaitable[str]]

UNAUTHENTICATED = (401, "unauthenticated")
FORBIDDEN = (403, "forbidden")


@dataclass(frozen=True, slots=True)
class Forgery:
    """``said``: status and code of the refusal."""

    name: str
    make: Maker
    said: tuple[int, str] = UNAUTHENTICATED


def _own(headers: dict[str, Any] | None = None, *, alg: str = "RS256", **changed: Any) -> Maker:
    """Made with contoso's own key; ``{entra}``, ``{customers}`` and ``{lure}`` stand for addresses that the world knows."""

    async def make(world: World) -> str:
        places = {"entra": world.host.entra, "customers": world.customers.url, "lure": world.lure}

        def placed(value: Any) -> Any:
            return value.format_map(places) if isinstance(value, str) else value

        head = {name: placed(value) for name, value in (headers or {}).items()}
        claims = {name: placed(value) for name, value in changed.items()}
        return world.contoso.signed(head, alg=alg, **claims)

    return make


def _unsigned(alg: Any, *, keeps_signature: bool = False) -> Maker:
    async def make(world: World) -> str:
        return world.contoso.unsigned(alg, world.contoso.signed().split(".")[2] if keeps_signature else "")

    return make


def _symmetric(alg: str, form: str) -> Maker:
    async def make(world: World) -> str:
        return world.contoso.keyed_with_the_public_key(alg, form)

    return make


def _shifted(**seconds: int) -> Maker:
    async def make(world: World) -> str:
        now = int(time.time())
        return world.contoso.signed(**{name: now + offset for name, offset in seconds.items()})

    return make


async def _of_another_key(world: World) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(world.contoso.claims(), key, "RS256", headers={"kid": world.contoso.kid})


async def _of_an_elliptic_key(world: World) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(world.contoso.claims(), key, "ES256", headers={"kid": world.contoso.kid})


async def _with_its_own_key(world: World) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return jwt.encode(world.contoso.claims(), key, "RS256", headers={"kid": world.contoso.kid, "jwk": jwk})


async def _with_the_right_key_brought_along(world: World) -> str:
    return world.contoso.signed({"jwk": world.contoso.jwk()})


async def _altered(world: World) -> str:
    head, _, signature = world.contoso.signed().split(".")
    return f"{head}.{part(world.contoso.claims(oid='carol', roles=['operator']))}.{signature}"


async def _believed_under_another_signature(world: World) -> str:
    """What was believed once must not be believed again for a part of it."""
    token = await world.token("alice")
    answer = await world.host.call("alice", "GET", "/v1/agents")
    assert answer.status == 200
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[::-1]}"


async def _cut(world: World) -> str:
    return world.contoso.signed().rpartition(".")[0] + "."


async def _encrypted_form(world: World) -> str:
    return f"{world.contoso.signed()}.{part(b'x' * 16)}.{part(b'y' * 16)}"


async def _without_key_id(world: World) -> str:
    return jwt.encode(world.contoso.claims(), world.contoso.key, "RS256")


async def _by_customers_for_contoso(world: World) -> str:
    return jwt.encode(world.contoso.claims(), world.customers.key, "RS256", headers={"kid": world.customers.kid})


async def _by_customers_under_contosos_kid(world: World) -> str:
    return jwt.encode(world.contoso.claims(), world.customers.key, "RS256", headers={"kid": world.contoso.kid})


async def _by_contoso_for_customers(world: World) -> str:
    return jwt.encode(world.customers.claims(), world.contoso.key, "RS256", headers={"kid": world.contoso.kid})


async def _by_customers_as_fabrikam(world: World) -> str:
    claims = world.customers.claims(tid="fabrikam", oid="mona", iss=f"{world.host.entra}/fabrikam/v2.0")
    return jwt.encode(claims, world.customers.key, "RS256", headers={"kid": world.customers.kid})


async def _customers_token_naming_contoso(world: World) -> str:
    return world.customers.signed(tid="contoso")


async def _customers_application(world: World) -> str:
    return world.customers.signed(idtyp="app", scp=None, roles=["operator"])


async def _customers_without_scope(world: World) -> str:
    return world.customers.signed(scp=None)


async def _real_token_for_procurement(world: World) -> str:
    """Alice's own token for another service, as it was issued to somebody who serves her there."""
    return await _issued(world, "api://procurement/.default")


async def _real_token_for_graph(world: World) -> str:
    return await _issued(world, "https://graph.microsoft.com/User.Read")


async def _issued(world: World, scope: str) -> str:
    form = {"grant_type": "password", "client_id": "charter-cli", "username": "alice", "scope": scope}
    async with world.host.http.post(f"{world.host.entra}/contoso/oauth2/v2.0/token", data=form) as response:
        return str((await response.json())["access_token"])


async def _space_within(world: World) -> str:
    """A lenient reader of base64 overlooks a blank within the signature."""
    token = world.contoso.signed()
    return f"{token[:-20]} {token[-20:]}"


async def _said_twice(world: World) -> str:
    token = world.contoso.signed()
    return f"{token},{token}"


async def _nested_deeply(world: World) -> str:
    return f"{part({'alg': 'RS256', 'kid': world.contoso.kid})}.{part(b'[' * 3_000)}.{part(b'x' * 256)}"


def _text(text: str) -> Maker:
    async def make(_: World) -> str:
        return text

    return make


_PATHS = base64.urlsafe_b64encode(b"../../../etc/passwd").decode()

FORGERIES = (
    Forgery("garbage", _text("garbage")),
    Forgery("three words", _text("a.b.c")),
    Forgery("dots", _text("...")),
    *(Forgery(f"alg {alg!r}", _unsigned(alg)) for alg in ("none", "None", "NONE", "nOnE", "", None)),
    Forgery("alg none with the signature", _unsigned("none", keeps_signature=True)),
    Forgery("alg of another type", _unsigned(["RS256"], keeps_signature=True)),
    *(
        Forgery(f"{alg} keyed with the public key as {form}", _symmetric(alg, form))
        for alg, form in (
            ("HS256", "pem"), ("HS256", "der"), ("HS256", "jwk"), ("HS256", "modulus"), ("HS384", "pem"), ("HS512", "pem"),
        )
    ),
    *(Forgery(f"alg {alg}", _own(alg=alg)) for alg in ("RS384", "RS512", "PS256")),
    Forgery("an elliptic key", _of_an_elliptic_key),
    Forgery("another key", _of_another_key),
    Forgery("altered claims", _altered),
    Forgery("signature cut off", _cut),
    Forgery("a believed token under another signature", _believed_under_another_signature),
    Forgery("five parts", _encrypted_form),
    Forgery("foreign issuer", _own(iss="https://evil.example/contoso/v2.0")),
    Forgery("issuer of another tenant", _own(iss="{entra}/fabrikam/v2.0")),
    Forgery("issuer of the customers", _own(iss="{customers}/customers/v2.0")),
    Forgery("issuer of version 1", _own(iss="https://sts.windows.net/contoso/")),
    Forgery("no issuer", _own(iss=None)),
    Forgery("another audience", _own(aud="api://procurement")),
    Forgery("audience Graph", _own(aud="https://graph.microsoft.com")),
    Forgery("audience with a tail", _own(aud="api://charter.evil.example")),
    Forgery("no audience", _own(aud=None)),
    Forgery("alice's token for procurement", _real_token_for_procurement),
    Forgery("alice's token for Graph", _real_token_for_graph),
    Forgery("tenant not served", _own(tid="northwind", iss="{entra}/northwind/v2.0")),
    Forgery("another tenant than its issuer's", _own(tid="fabrikam")),
    Forgery("tenant as a path", _own(tid="../contoso")),
    Forgery("no tenant", _own(tid=None)),
    Forgery("expired", _shifted(exp=-120)),
    Forgery("never expires", _own(exp=None)),
    Forgery("not valid yet", _shifted(nbf=300)),
    Forgery("issued in the future", _shifted(iat=300)),
    Forgery("version 1", _own(ver="1.0")),
    Forgery("nobody", _own(oid=None)),
    Forgery("somebody unnamable", _own(oid=["alice"])),
    Forgery("no key id", _without_key_id),
    Forgery("unknown key id", _own({"kid": "invented"})),
    Forgery("key id as a path", _own({"kid": _PATHS})),
    Forgery("key id as a statement", _own({"kid": "x' or '1'='1"})),
    Forgery("its own key", _with_its_own_key),
    Forgery("the right key brought along", _with_the_right_key_brought_along),
    Forgery("jku", _own({"jku": "{lure}/keys"})),
    Forgery("x5u", _own({"x5u": "{lure}/certificate"})),
    Forgery("x5c", _own({"x5c": ["MIIB"]})),
    Forgery("crit", _own({"crit": ["exp"], "exp": 1})),
    Forgery("key of the customers, issuer of contoso", _by_customers_for_contoso),
    Forgery("key of the customers under contoso's key id", _by_customers_under_contosos_kid),
    Forgery("key of the customers, issuer of fabrikam", _by_customers_as_fabrikam),
    Forgery("key of contoso, issuer of the customers", _by_contoso_for_customers),
    Forgery("token of the customers naming contoso", _customers_token_naming_contoso),
    Forgery("a blank within", _space_within),
    Forgery("twice with a comma", _said_twice),
    Forgery("deep nesting", _nested_deeply),
    Forgery("longer than any token", _own(filler="x" * 12_200)),
    Forgery("no scope", _own(scp=None), FORBIDDEN),
    Forgery("another scope", _own(scp="access_as_user_too"), FORBIDDEN),
    Forgery("scopes as a list", _own(scp=["access_as_user"]), FORBIDDEN),
    Forgery("application without a role", _own(idtyp="app", scp=None, roles=None), FORBIDDEN),
    Forgery("application with a role as text", _own(idtyp="app", scp=None, roles="operator"), FORBIDDEN),
    Forgery("groups that nobody tells", _own(oid="nobody", hasgroups=True), (403, "authority_lost")),
    Forgery("application of the customers", _customers_application, FORBIDDEN),
    Forgery("customer without the scope", _customers_without_scope, FORBIDDEN),
)  # fmt: skip
