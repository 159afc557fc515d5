"""A running host among documents with random readers: what reaches the model, a run, its citations, the spans, the log."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import jwt
import orjson
import pytest
from aiohttp import web

from charter import settings
from charter.context import Context, Principal
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.stores import open_index
from charter.secrets.store import Live
from charter.store.database import Database
from tests.knowledge import poison
from tests.knowledge.contract.rest import qdrant_rest
from tests.knowledge.poison import Poisoned
from tests.running import RunningHost, running_host
from tests.runs.recording import Said, calls, recording, says
from tests.telemetry.test_spans import Collector

PEOPLE = ("alice", "bob", "carol", "dora", "frank", "mona")
COLLECTIONS = ("hr-policies", "travel-policy", "it-handbook")
DOCUMENTS, QUESTIONS = 150, 48


def answer(body: dict[str, Any]) -> Said:
    """Search with the very question, then say all that was found and cite it."""
    messages = body["messages"]
    asked = max(at for at, each in enumerate(messages) if each["role"] == "user")
    results = [str(each["content"]) for each in messages[asked:] if each["role"] == "tool"]
    if results:
        return says(f"[1] [2] [3] [4] {' '.join(results)}")
    return calls("knowledge-search", {"query": str(messages[asked]["content"])})


def plain(secret: settings.SecretStr) -> Live | None:
    async def key(_: bool) -> str:
        return secret.get_secret_value()

    return key if secret.get_secret_value() else None


async def principals(host: RunningHost) -> dict[str, Context]:
    """Return who the people are, as their tokens say it."""
    tenants = {each.name: each.tenant for each in host.people.all}
    found: dict[str, Context] = {}
    for name in PEOPLE:
        claims: Mapping[str, Any] = jwt.decode(await host.token(name), options={"verify_signature": False})
        roles, groups = frozenset(claims.get("roles", ())), frozenset(claims.get("groups", ()))
        found[name] = Context(tenants[name], Principal(claims["oid"], "user", name, roles, groups))
    return found


async def poisoned(tree: settings.Settings, host: RunningHost, people: Mapping[str, Context]) -> Sequence[Poisoned]:
    """Put the documents into the store of the host that runs."""
    principals = [who.principal for who in people.values()]
    readers = poison.readers_of(
        sorted({role for each in principals for role in each.roles} | {"board"}),
        sorted({group for each in principals for group in each.groups} | {"press"}),
        [each.id for each in principals],
    )
    shelf = poison.shelf(Random(5), ["contoso", "fabrikam"], readers, COLLECTIONS, many=DOCUMENTS)
    embedder = E5Embedder()
    database = Database(str(orjson.loads((host.folder / "host.json").read_bytes())["database"]), size=2)
    await database.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        stack.callback(embedder.close)
        archive = Archive(await open_index(tree, database, embedder, plain, None, stack), embedder)
        for each in shelf:
            await archive.put(each.document)
    return shelf


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    collector = Collector()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        await runner.cleanup()


@pytest.mark.timeout(900)
@pytest.mark.promise("stores.unspilled")
@pytest.mark.parametrize("store", ["pgvector", "qdrant"])
async def test_nothing_that_a_person_may_not_read_comes_out_of_a_host_anywhere(store: Any, tmp_path: Path) -> None:
    log, random, shown = tmp_path / "host.log", Random(3), 0
    async with recording(answer) as model, collecting() as collector, qdrant_rest() as served:
        qdrant = settings.Qdrant(url=served.address, api_key=settings.SecretStr(served.key))
        knowledge = settings.Knowledge(store=store, qdrant=qdrant, at_start=False)
        chosen: dict[str, Any] = {
            "models": {"standard": (model.deployment,)},
            "telemetry": settings.Telemetry(otlp_endpoint=collector.address, log_level="debug"),
        }
        with log.open("wb") as errors:
            async with running_host(tmp_path / "host", log=errors, knowledge=knowledge, **chosen) as host:
                people = await principals(host)
                shelf = await poisoned(settings.read(knowledge=knowledge), host, people)
                for _ in range(QUESTIONS):
                    name, begun = random.choice(PEOPLE), len(model.requests)
                    about = random.sample(shelf, 3)
                    run = await host.ask(name, "employee_assistant", poison.question(random, about))
                    told = [run, await host.timeline(name, run["id"]), model.requests[begun:]]
                    seen = poison.seen(orjson.dumps(told).decode(), shelf)
                    assert [each.key for each in seen if not each.readable(people[name])] == []
                    # The control: what they asked for and may read reached the model, and them.
                    mine = {each.canary for each in about if each.readable(people[name])}
                    assert mine <= {each.canary for each in seen}
                    assert all(canary in str(run["output"]) for canary in mine)
                    shown += len(seen)
    assert shown > QUESTIONS
    assert b"invoke_agent employee_assistant" in collector.raw
    for told in (log.read_bytes(), collector.raw):
        assert told
        assert poison.seen(told.decode("utf-8", "replace"), shelf) == []
