"""By which name, and through whom, a request came: that signs nobody in, and changes nothing that is answered."""

import re

import pytest

from charter import settings
from charter.local.names import local_names
from tests.doors.table import DOORS
from tests.doors.wire import Reply
from tests.doors.world import World

FOREIGN = (
    b"evil.example", b"evil.example:3978", b"localhost.evil.example", b"localhost@evil.example", b"127.0.0.1.evil.example",
    b"LOCALHOST.", b"[::2]", b"[", b"a b", b"", b":", b"localhost:80:80", b"localhost#x", b"localhost/x",
)  # fmt: skip
PROXIED = (
    [b"X-Forwarded-For: 127.0.0.1, 10.0.0.1", b"X-Real-IP: 127.0.0.1"],
    [b"X-Forwarded-Host: evil.example", b"X-Forwarded-Proto: https", b"X-Forwarded-Port: 443"],
    [b"Forwarded: for=127.0.0.1;host=evil.example;proto=https"],
    [b"X-Original-URL: /v1/approvals", b"X-Rewrite-URL: /v1/approvals"],
    [b"X-HTTP-Method-Override: POST", b"X-HTTP-Method: POST", b"X-Method-Override: POST"],
    [b"X-Forwarded-Prefix: /evil", b"X-Script-Name: /evil", b"SCRIPT_NAME: /evil"],
    [b"X-MS-CLIENT-PRINCIPAL-ID: carol", b"X-MS-CLIENT-PRINCIPAL-NAME: carol", b"X-MS-CLIENT-PRINCIPAL: eyJ9"[:-4]],
    [b"X-Tenant: fabrikam", b"X-Tenant-Id: fabrikam", b"X-MS-TENANT: fabrikam", b"tenant: fabrikam"],
    [b"X-Forwarded-User: carol", b"X-User: carol", b"X-Roles: operator", b"X-Forwarded-Groups: operator"],
)  # fmt: skip
_READ = [
    door
    for door in DOORS
    if door.method == "GET"
    and not door.path.endswith(("/events", "/readyz", "/sign-in", "/export"))
    and door.path != "/v1/approvals"
]
_MOVING = re.compile(rb"[0-9a-f]{32}|[A-Za-z0-9_-]{22,}=*|date: .*")


def _same(reply: Reply) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return an answer without what differs each time."""
    kept = [(name, value) for name, value in reply.headers if name in ("location", "set-cookie", "www-authenticate")]
    return (
        reply.status,
        [(name, _MOVING.sub(b"", value.encode()).decode()) for name, value in kept],
        _MOVING.sub(b"", reply.body),
    )


@pytest.mark.promise("doors.proxies")
@pytest.mark.parametrize("lines", PROXIED, ids=lambda lines: lines[0].partition(b":")[0].decode())
async def test_what_a_proxy_says_changes_neither_the_person_nor_the_links_nor_the_cookies(
    lines: list[bytes], world: World
) -> None:
    assert len(_READ) > 20
    await world.still()  # what an earlier test began would change what is read meanwhile
    for door in _READ:
        token = await world.token(door.who)
        known = await (world.session(None) if door.guard == "public" else world.pass_of(door, token))
        plain, dressed = await world.knock(door, known), await world.knock(door, [*known, *lines])
        assert _same(dressed) == _same(plain), door.name


@pytest.mark.promise("doors.names")
@pytest.mark.parametrize("name", FOREIGN, ids=repr)
async def test_a_laptop_answers_to_its_own_names_only(name: bytes, world: World) -> None:
    for door in DOORS:
        token = await world.token(door.who)
        known = await world.pass_of(door, token)
        reply = await world.knock(door, [b"Host: " + name, *known])
        assert (reply.status, reply.code) in {(421, "misdirected"), (400, "")}, door.name


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "LocalHost", "[::1]"])
async def test_each_of_its_own_names_will_do(name: str, world: World) -> None:
    door = next(door for door in DOORS if door.path == "/v1/agents")
    lines = [f"Host: {name}:80".encode(), *await world.pass_of(door, await world.token("alice"))]
    assert (await world.knock(door, lines)).status == 200


def test_a_laptop_behind_an_address_of_its_own_answers_to_that_too() -> None:
    public = settings.Http(public_url="https://charter.contoso.example/")
    assert "charter.contoso.example" in local_names(settings.Settings(http=public))
    assert local_names(settings.Settings(profile="azure")) == ()
