"""Authorization headers by which nobody may speak as the Bot Connector: in each exactly one thing is wrong."""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.doors.forge import part
from tests.teams.issuer import BOT, NAME, SERVICE, BotIssuer

Headers = Callable[[BotIssuer], list[str]]


@dataclass(frozen=True, slots=True)
class Forgery:
    """``headers`` are the values of all Authorization headers of the request."""

    name: str
    headers: Headers


def _signed(headers: dict[str, Any] | None = None, **changed: Any) -> Headers:
    """Made with the issuer's own key, for the service and the bot that a good one is for."""
    return lambda issuer: [f"Bearer {issuer.signed(headers, **changed)}"]


def _shifted(**seconds: int) -> Headers:
    return lambda issuer: [f"Bearer {issuer.signed(**{n: int(time.time()) + s for n, s in seconds.items()})}"]


def _text(*values: str) -> Headers:
    return lambda _: list(values)


def _of_another_key(issuer: BotIssuer) -> list[str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return [f"Bearer {jwt.encode(issuer.claims(), key, 'RS256', headers={'kid': 'first'})}"]


def _unsigned(issuer: BotIssuer) -> list[str]:
    return [f"Bearer {part({'alg': 'none', 'kid': 'first'})}.{part(issuer.claims())}."]


def _keyed_with_the_public_key(issuer: BotIssuer) -> list[str]:
    public = issuer.public().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(issuer.claims())}"
    return [f"Bearer {text}.{part(hmac.new(public, text.encode(), hashlib.sha256).digest())}"]


def _without_key_id(issuer: BotIssuer) -> list[str]:
    return [f"Bearer {jwt.encode(issuer.claims(), issuer.keys['first'], 'RS256')}"]


def _altered(issuer: BotIssuer) -> list[str]:
    head, _, signature = issuer.signed(serviceurl="https://evil.example/").split(".")
    return [f"Bearer {head}.{part(issuer.claims())}.{signature}"]


def _twice(*, good_first: bool) -> Headers:
    def headers(issuer: BotIssuer) -> list[str]:
        pair = [f"Bearer {issuer.signed()}", "Bearer bad"]
        return pair if good_first else pair[::-1]

    return headers


def _entra(tid: str, **more: Any) -> dict[str, Any]:
    return {
        "iss": f"https://login.microsoftonline.com/{tid}/v2.0",
        "tid": tid,
        "azp": BOT,
        "ver": "2.0",
        "oid": "alice",
        **more,
    }


_PERSON = {"scp": "access_as_user", "roles": ["employee"]}

FORGERIES = (
    Forgery("no header", _text()),
    Forgery("an empty header", _text("")),
    Forgery("garbage", _text("Bearer garbage")),
    Forgery("three words", _text("Bearer a.b.c")),
    Forgery("another scheme", lambda issuer: [f"Basic {issuer.signed()}"]),
    Forgery("another audience", _signed(aud="another-bot")),
    Forgery("the audience as an address", _signed(aud=f"api://{BOT}")),
    Forgery("the audience within a list", _signed(aud=[BOT])),
    Forgery("the audience among others", _signed(aud=["another-bot", BOT])),
    Forgery("no audience", _signed(aud=None)),
    Forgery("another key", _of_another_key),
    Forgery("HS256 keyed with the public key", _keyed_with_the_public_key),
    Forgery("alg none", _unsigned),
    Forgery("alg RS384", _signed(alg="RS384")),
    Forgery("alg PS256", _signed(alg="PS256")),
    Forgery("altered claims", _altered),
    Forgery("expired", _shifted(exp=-120)),
    Forgery("never expires", _signed(exp=None)),
    Forgery("not valid yet", _shifted(nbf=300)),
    Forgery("valid since ever", _signed(nbf=None)),
    Forgery("unknown key id", _signed({"kid": "invented"})),
    Forgery("no key id", _without_key_id),
    Forgery("its own key", _signed({"jku": "https://evil.example/keys"})),
    Forgery("foreign issuer", _signed(iss="https://evil.example")),
    Forgery("issuer with a slash", _signed(iss=f"{NAME}/")),
    Forgery("no issuer", _signed(iss=None)),
    Forgery("another service", _signed(serviceurl="https://evil.example/emea/")),
    Forgery("another path of the service", _signed(serviceurl=SERVICE.replace("emea", "amer"))),
    Forgery("the service's host alone", _signed(serviceurl="https://smba.trafficmanager.net")),
    Forgery("no service", _signed(serviceurl=None)),
    Forgery("a service that is no text", _signed(serviceurl=[SERVICE])),
    Forgery("a key of another channel", _signed(kid="skype")),
    Forgery("a key of no channel", _signed(kid="bare")),
    Forgery("an application of the own tenant", _signed(**_entra("contoso", idtyp="app", roles=["operator"]))),
    Forgery("an application under an issuer's key that nobody knows", _signed({"kid": "entra"}, **_entra("contoso", idtyp="app"))),
    Forgery("a person of the own tenant", _signed(**_entra("contoso", **_PERSON))),
    Forgery("a person of another tenant", _signed(**_entra("northwind", **_PERSON))),
    Forgery("version 1 of the own tenant", _signed(iss="https://sts.windows.net/contoso/", tid="contoso", appid=BOT)),
    Forgery("the good one twice", lambda issuer: [f"Bearer {issuer.signed()}"] * 2),
    Forgery("a bad one after the good", _twice(good_first=True)),
    Forgery("a good one after the bad", _twice(good_first=False)),
)  # fmt: skip
