"""Everything of one tenant, asked for as another: at every door, in every place that takes an id, whatever the SQL forgets."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import asyncpg
import pytest

from tests.doors.between import forgetful
from tests.doors.estate import LOGIN, Estate, Way, estate
from tests.doors.table import DOORS, Door
from tests.doors.wire import Reply

ASKERS = ("frank", "mona")
_SLOT = re.compile(r"{(\w+)}")
_MOVING = re.compile(rb"[0-9a-f]{32}|[A-Za-z0-9_-]{20,}={0,2}|20\d\d-\d\d-\d\dT[0-9:.]+Z")
_SHARED = frozenset({"agent"})
"""What is no tenant's own."""


@pytest.fixture(scope="module", params=["as written", "forgetful"])
async def theirs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, database_url: str
) -> AsyncIterator[Estate]:
    """Contoso's things, with statements as they are written, and again with statements that forget the tenant."""
    way: Way = request.param
    async with estate(tmp_path_factory.mktemp("estate") / "of", database_url, way) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a door that takes an id."""

    door: Door
    slot: str


def places() -> list[Place]:
    """Return every place that the table of doors has: in paths, queries and bodies."""
    found: list[Place] = []
    for door in DOORS:
        texts = [door.path, door.query, *(str(value) for value in (door.body or {}).values())]
        found += [Place(door, slot) for slot in dict.fromkeys(_SLOT.findall(" ".join(texts)))]
    return found


def _ids(estate: Estate) -> dict[str, str]:
    """Return contoso's ids of every kind, as each door writes them."""
    run = estate.world.ids["run"].removeprefix("run_")
    made = {"message": f"msg_{run}_0", "completion": f"chatcmpl-{run}", "bare": run}
    return {name: value for name, value in (estate.world.ids | made).items() if name not in _SHARED}


def _unknown(value: str) -> str:
    """Return an id of the same form that nobody has."""
    head, sign, tail = (
        value.rpartition("_") if "_" in value else value.rpartition(":") if ":" in value else ("", "", value)
    )
    return head + sign + tail.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))


def _mutated(value: str) -> Iterator[str]:
    for form in (
        "{0}x",
        "{0}%00",
        "{0}%0a",
        "%20{0}",
        "{0}'--",
        "{0}%27 or 1=1--",
        "..%2f{0}",
        "{0}%ff",
        "%",
        "*",
        "{0}{0}{0}",
    ):
        yield form.format(value)
    yield value.upper()
    yield value[:-1]


async def _asked(estate: Estate, place: Place, asker: str, value: str, *, written: bool = False) -> tuple[Reply, str]:
    """Knock with this id in this place, and tell what was sent; ``written``: in a path it goes out as it is."""
    door, world = place.door, estate.world
    known = {place.slot: value if written or f"{{{place.slot}}}" not in door.path else quote(value, safe="")}
    plain = replace(door, ids={})
    others = {name: world.ids[kind] for name, kind in door.ids.items() if name != place.slot}
    reply = await world.knock(plain, await world.pass_of(door, await world.token(asker)), **others, **known)
    return reply, f"{value} {world.asked(plain, **others, **known)}"


def _same(reply: Reply, value: str) -> tuple[int, bytes]:
    """Return an answer without the id that was asked for, and without what differs each time."""
    body = _MOVING.sub(b"", reply.body)
    for form in (value, quote(value, safe=""), value[:64], value[:80]):
        body = body.replace(form.encode(), b"")
    return reply.status, body


def _told(estate: Estate, reply: Reply, sent: str) -> list[str]:
    """Return what of contoso's an answer has in it that the asker did not send."""
    text = reply.body.decode(errors="replace") + str(reply.headers)
    held = [each for each in (estate.mark, *_ids(estate).values()) if each not in sent and len(each) > 12]
    return [each for each in held if each in text]


@pytest.mark.promise("tenancy.fuzz")
@pytest.mark.parametrize("asker", ASKERS)
async def test_no_id_of_another_tenant_opens_anything_in_any_place(asker: str, theirs: Estate) -> None:
    asked = 0
    for place in places():
        for kind, value in _ids(theirs).items():
            real, sent = await _asked(theirs, place, asker, value)
            other, _ = await _asked(theirs, place, asker, _unknown(value))
            where = f"{place.door.name} {place.slot} := {kind}"
            assert _same(real, value) == _same(other, _unknown(value)), where
            assert _told(theirs, real, sent) == [], where
            assert real.status < 500, where
            asked += 2
    assert asked > 400


@pytest.mark.promise("tenancy.fuzz")
async def test_no_way_of_writing_an_id_brings_more_than_a_refusal(theirs: Estate) -> None:
    async def one(place: Place, form: str, value: str) -> None:
        reply, sent = await _asked(theirs, place, "mona", form, written=True)
        assert reply.status in {200, 303, 400, 403, 404, 409, 421, 422}, f"{place.door.name} {form}: {reply.status}"
        assert _told(theirs, reply, f"{value} {sent}") == [], f"{place.door.name} {form}"

    for place in places():
        if place.slot in _SHARED or place.slot == "model":
            continue
        kind = place.door.ids.get(place.slot, place.slot)
        value = theirs.world.ids[kind]
        await asyncio.gather(*(one(place, form, value) for form in _mutated(value) if " " not in form))


async def _post(theirs: Estate, name: str, path: str, body: Any, *lines: bytes) -> Reply:
    door = Door("bearer", "POST", path, body={})
    known = [*await theirs.world.pass_of(door, await theirs.world.token(name)), *lines]
    return await theirs.world.knock(door, known, body=json.dumps(body).encode())


async def _get(theirs: Estate, name: str, path: str, **query: str) -> Reply:
    door = Door("bearer", "GET", path)
    known = await theirs.world.pass_of(door, await theirs.world.token(name))
    return await theirs.world.knock(door, known, target=f"{path}?{urlencode(query)}")


@pytest.mark.promise("tenancy.fuzz")
async def test_a_conversation_of_another_tenant_is_not_gone_on_with(theirs: Estate) -> None:
    ids, mark = theirs.world.ids, theirs.mark
    run = await theirs.world.host.run("alice", ids["run"])
    for conversation in (ids["thread"], {"id": ids["thread"]}):
        body = {"model": ids["agent"], "input": "hello", "conversation": conversation}
        assert (await _post(theirs, "frank", "/v1/responses", body)).status == 404
    # Word for word what alice said and heard, by the very ids: still it is no talk of frank's.
    said = [
        {"role": "user", "content": run["input"]},
        {"role": "assistant", "content": run["output"]["text"], "id": _ids(theirs)["message"]},
        {"role": "user", "content": "what did I say before"},
    ]
    for path, body in (
        ("/v1/responses", {"model": ids["agent"], "input": [{"type": "message", **each} for each in said]}),
        ("/v1/chat/completions", {"model": ids["agent"], "messages": said}),
    ):
        reply = await _post(theirs, "frank", path, body)
        assert reply.status == 200
        assert _told(theirs, reply, "") == []
    mine = (await theirs.world.host.call("frank", "GET", "/v1/runs")).body["items"]
    assert mine
    assert ids["thread"] not in {each["thread"] for each in mine}
    assert mark not in json.dumps(mine)


@pytest.mark.promise("tenancy.fuzz")
async def test_a_key_that_another_tenant_used_starts_a_run_of_ones_own(theirs: Estate) -> None:
    body = {"agent": theirs.world.ids["agent"], "input": f"hello {theirs.mark}"}
    line = b"Idempotency-Key: the-same-key"
    first, second = [await _post(theirs, name, "/v1/runs", body, line) for name in ("alice", "frank")]
    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] != second.json["id"]
    assert second.json["tenant"] == "fabrikam"


@pytest.mark.promise("tenancy.fuzz")
@pytest.mark.parametrize(("path", "owner"), [("/v1/runs", "alice"), ("/v1/approvals", "bob")])
async def test_a_place_in_another_tenants_list_leads_nowhere(path: str, owner: str, theirs: Estate) -> None:
    page = await _get(theirs, owner, path, limit="1")
    assert page.json["items"]
    assert page.json["next"]
    for name in ASKERS:
        for query in ({"cursor": page.json["next"]}, {"thread": theirs.world.ids["thread"]}, {"agent": "buyer"}):
            reply = await _get(theirs, name, path, **query)
            assert reply.status == 200
            assert {item.get("tenant", "fabrikam") for item in reply.json["items"]} <= {"fabrikam"}
            assert _told(theirs, reply, str(query)) == []


@pytest.mark.promise("tenancy.fuzz")
async def test_an_event_stream_of_another_tenant_is_not_gone_on_with(theirs: Estate) -> None:
    place = next(each for each in places() if each.door.path == "/v1/runs/{run}/events")
    for number in (b"0", b"1", b"999999"):
        lines = [b"Last-Event-ID: " + number, *await theirs.world.pass_of(place.door, await theirs.world.token("mona"))]
        reply = await theirs.world.knock(place.door, lines)
        assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.promise("tenancy.fuzz")
async def test_a_search_finds_no_document_of_another_tenant(theirs: Estate) -> None:
    question = "What does the policy say about the secret word of the purchasing department?"
    own = await theirs.world.host.ask("alice", "employee_assistant", question)
    assert theirs.mark in own["output"]["text"]
    foreign = await theirs.world.host.ask("frank", "employee_assistant", question)
    assert theirs.mark not in json.dumps([foreign, await theirs.world.host.timeline("frank", foreign["id"])])


@pytest.mark.promise("tenancy.unlogged")
async def test_nothing_that_people_wrote_or_read_is_logged_or_traced(theirs: Estate) -> None:
    await _post(theirs, "alice", "/v1/runs", {"agent": theirs.world.ids["agent"], "input": f"hello {theirs.mark}"})
    async with asyncio.timeout(20):
        while not theirs.collector.named("invoke_agent employee_assistant"):
            await asyncio.sleep(0.1)
    log = theirs.log.read_bytes()
    assert log, "the host's log is not heard"
    for told in (log, theirs.collector.raw):
        assert theirs.mark.encode() not in told
        assert b"eyJ" not in told


@pytest.mark.promise("tenancy.forgetful")
async def test_what_people_send_is_in_no_statement_and_none_changes_its_role(theirs: Estate) -> None:
    heard = theirs.between.heard
    assert len(heard) > 30
    assert [each for each in heard if theirs.mark in each or "1=1" in each or "'--" in each] == []
    asked = {f"begin; set local charter.tenant = '{tenant}'" for tenant in ("contoso", "fabrikam")}
    # What the host does by itself for a tenant, it may do for the third one, too.
    known = asked | {"begin; set local charter.tenant = 'doorstep'"}
    changing = re.compile(r"\b(re)?set\b(?!.*\bwhere\b)|row_security|session_authorization", re.IGNORECASE)
    roles = [each for each in heard if re.search(r"\b(set|reset)\s+(local\s+|session\s+)?(role|session)", each.lower())]
    assert roles == []
    opening = {each.partition("; select pg_advisory")[0] for each in heard if changing.search(each) and "begin" in each}
    assert asked <= opening <= known


@pytest.mark.promise("tenancy.forgetful")
async def test_the_statements_really_forget(theirs: Estate) -> None:
    if not theirs.between.forgets:
        assert theirs.between.changed == {}
        return
    assert len(theirs.between.changed) > 3
    assert all("tenant = $" not in each and ".tenant = " not in each for each in theirs.between.changed.values())
    # The same statement, by somebody whom row-level security does not bind, does find what is foreign.
    [reading] = [
        each for each in theirs.between.changed.values() if each.startswith("select sealed") and "for" not in each
    ]
    bound, unbound = [await _rows(theirs.database_url, role, reading) for role in ("charter_app", "")]
    assert (bound, unbound > 0) == (0, True)


async def _rows(url: str, role: str, statement: str) -> int:
    """Run it within fabrikam, for alice of contoso."""
    connection: Any = await asyncpg.connect(url, server_settings={"role": role} if role else {})
    try:
        await connection.execute("select set_config('charter.tenant', 'fabrikam', false)")
        return len(await connection.fetch(statement, "fabrikam", "alice"))
    finally:
        await connection.close()


@pytest.mark.promise("tenancy.forgetful")
async def test_without_row_level_security_the_same_questions_find_what_is_foreign(
    tmp_path_factory: pytest.TempPathFactory, database_url: str
) -> None:
    """The suite can fail: over a role that nothing binds it does."""
    async with estate(tmp_path_factory.mktemp("estate") / "unbound", database_url, "unbound") as unbound:
        place = next(each for each in places() if each.slot == "passage")
        reply, sent = await _asked(unbound, place, "mona", unbound.world.ids["passage"])
        assert unbound.mark in _told(unbound, reply, sent)


@pytest.mark.promise("tenancy.roles")
async def test_no_role_that_the_host_uses_may_pass_row_level_security_by(theirs: Estate) -> None:
    owner = theirs.world.owner
    rows = await owner.fetch(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = any($1)",
        ["charter_app", "charter_host", LOGIN],
    )
    assert len(rows) == 3
    assert {tuple(row)[1:] for row in rows} == {(False, False, False)}
    owned = (
        "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner "
        "where r.rolname = any($1) and relnamespace = 'public'::regnamespace"
    )
    assert await owner.fetchval(owned, ["charter_app", "charter_host", LOGIN]) == 0
    using = await owner.fetch(
        "select distinct usename from pg_stat_activity where datname = current_database() "
        "and pid <> pg_backend_pid() and application_name = 'charter'"
    )
    assert [row["usename"] for row in using] == [LOGIN]


def test_a_statement_forgets_its_tenant_and_nothing_else() -> None:
    assert forgetful("select 1 from a where tenant = $1 and principal = $2") == (
        "select 1 from a where ($1::text is not null) and principal = $2"
    )
    assert forgetful("join b on b.tenant = a.tenant and b.id = a.b where a.tenant = $3::text") == (
        "join b on true and b.id = a.b where ($3::text is not null)"
    )
    assert forgetful("begin; set local charter.tenant = 'contoso'") == "begin; set local charter.tenant = 'contoso'"
    assert forgetful("select true from tenants where id = $1") == (
        "select true from tenants where ($1::text is not null)"
    )
