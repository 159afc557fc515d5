"""Requests that carry a good token in a wrong way, or something that stands for one elsewhere: none is a sign-in here."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.doors.world import World


@dataclass(frozen=True, slots=True)
class Dressing:
    """The header lines of a request, made of alice's good token; ``status`` is 400 where the HTTP parser stops it."""

    name: str
    lines: Callable[[World, bytes], list[bytes]]
    status: int = 401


def _lines(*lines: bytes) -> Callable[[World, bytes], list[bytes]]:
    return lambda _world, token: [line.replace(b"TOKEN", token) for line in lines]


_PRINCIPAL = base64.b64encode(
    json.dumps({"auth_typ": "aad", "claims": [{"typ": "roles", "val": "operator"}], "name_typ": "name"}).encode()
)

UNSAFE = (
    Dressing("nothing", _lines()),
    Dressing("an empty header", _lines(b"Authorization:")),
    Dressing("a scheme alone", _lines(b"Authorization: Bearer")),
    Dressing("a token alone", _lines(b"Authorization: TOKEN")),
    Dressing("Basic", _lines(b"Authorization: Basic YWxpY2U6YWxpY2U=")),
    Dressing("Basic with the token", _lines(b"Authorization: Basic TOKEN")),
    Dressing("Digest", _lines(b'Authorization: Digest username="alice"')),
    Dressing("another scheme that begins so", _lines(b"Authorization: BearerX TOKEN")),
    Dressing("a tab between", _lines(b"Authorization: Bearer\tTOKEN")),
    Dressing("no blank between", _lines(b"Authorization: BearerTOKEN")),
    Dressing("quotes", _lines(b'Authorization: Bearer "TOKEN"')),
    Dressing("a second word", _lines(b"Authorization: Bearer TOKEN TOKEN")),
    Dressing("a list of two", _lines(b"Authorization: Bearer TOKEN, Bearer TOKEN")),
    Dressing("the scheme twice", _lines(b"Authorization: Bearer Bearer TOKEN")),
    Dressing("a byte beyond ASCII", _lines(b"Authorization: Bearer TOKEN\xff")),
    Dressing("the header twice", _lines(b"Authorization: Bearer TOKEN", b"Authorization: Bearer TOKEN")),
    Dressing("a bad one after the good", _lines(b"Authorization: Bearer TOKEN", b"Authorization: Bearer bad")),
    Dressing("a good one after the bad", _lines(b"Authorization: Bearer bad", b"authorization: Bearer TOKEN")),
    Dressing("a good one after an empty one", _lines(b"Authorization:", b"Authorization: Bearer TOKEN")),
    Dressing("Proxy-Authorization", _lines(b"Proxy-Authorization: Bearer TOKEN")),
    Dressing("X-Authorization", _lines(b"X-Authorization: Bearer TOKEN", b"X-Forwarded-Authorization: Bearer TOKEN")),
    Dressing("a cookie", _lines(b"Cookie: access_token=TOKEN; Authorization=TOKEN; charter_console=TOKEN")),
    Dressing("a proxy's token", _lines(b"X-MS-TOKEN-AAD-ACCESS-TOKEN: TOKEN", b"X-MS-TOKEN-AAD-ID-TOKEN: TOKEN")),
    Dressing(
        "a proxy's person",
        _lines(
            b"X-MS-CLIENT-PRINCIPAL: " + _PRINCIPAL,
            b"X-MS-CLIENT-PRINCIPAL-ID: alice",
            b"X-MS-CLIENT-PRINCIPAL-NAME: alice",
            b"X-Forwarded-User: alice",
            b"X-Remote-User: alice",
            b"Remote-User: alice",
            b"X-Forwarded-Email: alice@contoso.example",
        ),
    ),
    Dressing("a proxy on this machine", _lines(b"X-Forwarded-For: 127.0.0.1", b"X-Real-IP: 127.0.0.1", b"Forwarded: for=127.0.0.1")),
    Dressing("another path for the proxy", _lines(b"X-Original-URL: /healthz", b"X-Rewrite-URL: /console/sign-in")),
    Dressing("another method for the proxy", _lines(b"X-HTTP-Method-Override: OPTIONS", b"X-HTTP-Method: HEAD")),
    Dressing("a prefix of the proxy's", _lines(b"X-Forwarded-Prefix: /console", b"X-Script-Name: /console")),
    Dressing("a name of the proxy's", _lines(b"Host: localhost", b"X-Forwarded-Host: localhost")),
    Dressing("a certificate of the proxy's", _lines(b"X-Client-Cert: alice", b"X-ARR-ClientCert: alice", b"X-SSL-Client-Verify: SUCCESS")),
    Dressing("a blank before the colon", _lines(b"Authorization : Bearer TOKEN"), 400),
    Dressing("a folded line", _lines(b"Authorization: Bearer", b" TOKEN"), 400),
    Dressing("a line end within", _lines(b"X-A: b\nAuthorization: Bearer TOKEN"), 400),
    Dressing("a control character", _lines(b"Authorization: Bearer TOKEN\x01"), 400),
    Dressing("a header without end", _lines(b"Authorization: Bearer TOKEN" + b"x" * 60_000), 400),
)  # fmt: skip

SAFE = (
    Dressing("small letters", _lines(b"authorization: bearer TOKEN"), 200),
    Dressing("capitals", _lines(b"AUTHORIZATION: BEARER TOKEN"), 200),
    Dressing("blanks around", _lines(b"Authorization:   Bearer   TOKEN  "), 200),
)
"""What the standards allow (RFC 9110, 11.1): with these alice comes in."""

TARGETS = (
    "/console/..{path}", "/console/%2e%2e{path}", "/console%2f..{path}", "/console/static/..{path}", "/console..{path}", "/consoleX{path}",
    "//console{path}", "/healthz/..{path}", "/healthz{path}", "/healthz;{path}", "/openapi.json/../{path}", "/./{path}", "/{path}",
    "{path}/", "{path}//", "{path}%2f", "{path}.json", "{path};/healthz", "{path}/../healthz", "{path}#/healthz", "{path}?/console",
    "{path}%00", "{path}%20", "{upper}", "/%63onsole/..{path}", "http://localhost/console/..{path}", "http://localhost{path}",
)  # fmt: skip
"""Ways to write a door's path by which somebody without a token might pass for somebody who needs none."""
