"""Values under a lease: as new as the store within seconds, and there while the store is not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from charter.errors import StartRefused, Unavailable
from charter.secrets.leases import KEPT_SECONDS, Leases
from charter.secrets.memory import MemoryStore
from charter.secrets.references import Reference, parsed
from charter.secrets.secrets import Secrets
from charter.secrets.store import Secret, SecretRefused

ERP = Reference("erp-key")


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Troubled:
    """A store that can be held up or made to fail."""

    memory: MemoryStore = field(default_factory=MemoryStore)
    fails: bool = False
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    async def read(self, name: str, version: str | None = None) -> Secret:
        self.waiting += 1
        await self.flows.wait()
        self.waiting -= 1
        if self.fails:
            raise Unavailable("The vault does not answer.")
        return await self.memory.read(name, version)

    async def close(self) -> None: ...


@dataclass
class Room:
    store: Troubled
    clock: Clock
    leases: Leases

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)

    async def becomes(self, value: str) -> None:
        async with asyncio.timeout(5):
            while await self.leases.value(ERP) != value:
                await asyncio.sleep(0.001)


@pytest.fixture
def room() -> Room:
    clock, store = Clock(), Troubled()
    store.flows.set()
    store.memory.set("erp-key", "one")
    return Room(store, clock, Leases(store, seconds=3, clock=clock))


@pytest.mark.promise("secrets.lease")
async def test_a_value_in_use_is_looked_up_when_its_lease_ends_and_nobody_waits(room: Room) -> None:
    assert [await room.leases.value(ERP) for _ in range(50)] == ["one"] * 50
    assert room.store.memory.reads == 1
    room.store.memory.set("erp-key", "two")
    room.clock.now += 2.9
    assert await room.leases.value(ERP) == "one"
    assert room.store.memory.reads == 1
    room.clock.now += 0.2
    assert await room.leases.value(ERP) == "one"  # while it is looked up behind
    await room.becomes("two")
    assert room.store.memory.reads == 2


@pytest.mark.promise("secrets.lease")
async def test_a_value_that_was_not_used_for_a_while_is_looked_up_first(room: Room) -> None:
    await room.leases.value(ERP)
    room.store.memory.set("erp-key", "two")
    room.clock.now += 600
    assert await room.leases.value(ERP) == "two"


@pytest.mark.promise("secrets.lease")
async def test_many_who_ask_at_once_cause_one_look(room: Room) -> None:
    room.store.flows.clear()
    asking = [asyncio.create_task(room.leases.value(ERP)) for _ in range(20)]
    await room.until(lambda: room.store.waiting == 1)
    room.store.flows.set()
    assert set(await asyncio.gather(*asking)) == {"one"}
    assert room.store.memory.reads == 1


@pytest.mark.promise("secrets.outage")
async def test_a_silent_store_stalls_nobody_who_has_a_value(room: Room) -> None:
    await room.leases.value(ERP)
    room.store.flows.clear()
    room.clock.now += 4
    assert await room.leases.value(ERP) == "one"
    await room.until(lambda: room.store.waiting == 1)
    for _ in range(20):
        room.clock.now += 60
        asked = asyncio.create_task(room.leases.value(ERP))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asked.done()
        assert asked.result() == "one"
    assert room.store.waiting == 1


@pytest.mark.promise("secrets.outage")
async def test_a_failing_store_leaves_the_last_value_for_an_hour_and_the_log_says_so(room: Room) -> None:
    await room.leases.value(ERP)
    room.store.fails = True
    room.clock.now += 4
    with capture_logs() as lines:
        assert await room.leases.value(ERP) == "one"
        await room.until(lambda: bool(room.leases.status()))
    said = [(line["event"], line["secret"], line["reason"]) for line in lines]
    assert said == [("a secret cannot be read", "erp-key", "The vault does not answer.")]
    assert Secrets(room.leases, [].append).status() == {"failing": 1}
    room.clock.now = 1_000 + KEPT_SECONDS - 1
    assert await room.leases.value(ERP) == "one"
    room.clock.now += 10
    with pytest.raises(Unavailable, match="does not answer"):
        await room.leases.value(ERP)
    room.store.fails = False
    room.clock.now += 10
    assert await room.leases.value(ERP) == "one"
    assert room.leases.status() == {}
    assert Secrets(room.leases, [].append).status() == {}


@pytest.mark.promise("secrets.outage")
async def test_a_value_that_is_not_known_yet_is_refused_in_a_sentence(room: Room) -> None:
    room.store.fails = True
    with pytest.raises(Unavailable, match="The vault does not answer"):
        await room.leases.value(ERP)
    room.store.fails = False
    with pytest.raises(SecretRefused, match="The vault has no secret other"):
        await room.leases.value(Reference("other"))


@pytest.mark.promise("secrets.lease")
async def test_what_the_store_withdraws_is_given_out_no_more(room: Room) -> None:
    await room.leases.value(ERP)
    room.store.memory.drop("erp-key")
    room.clock.now += 600
    with pytest.raises(SecretRefused):
        await room.leases.value(ERP)


@pytest.mark.promise("secrets.fresh")
async def test_after_a_refusal_the_store_is_asked_whatever_the_lease_says(room: Room) -> None:
    await room.leases.value(ERP)
    room.store.memory.set("erp-key", "two")
    assert await room.leases.value(ERP) == "one"
    assert await room.leases.fresh(ERP) == "two"
    assert await room.leases.value(ERP) == "two"


@pytest.mark.promise("secrets.fresh")
async def test_a_look_that_began_before_the_refusal_does_not_count(room: Room) -> None:
    await room.leases.value(ERP)
    before = room.store.memory
    room.store.flows.clear()
    room.clock.now += 4
    await room.leases.value(ERP)  # begins a look
    await room.until(lambda: room.store.waiting == 1)
    asked = asyncio.create_task(room.leases.fresh(ERP))
    await asyncio.sleep(0)
    reads = before.reads
    room.store.flows.set()
    await asked
    assert before.reads == reads + 2


async def test_a_version_that_is_named_is_that_one_for_ever() -> None:
    store = MemoryStore()
    first = store.set("erp-key", "one")
    store.set("erp-key", "two")
    leases = Leases(store, seconds=3)
    assert await leases.value(Reference("erp-key", first.version)) == "one"
    assert await leases.value(ERP) == "two"


@pytest.mark.promise("secrets.reference")
def test_a_reference_is_a_name_and_perhaps_a_version() -> None:
    assert parsed("keyvault:erp-key") == ERP
    assert parsed("keyvault:erp-key/0a1b") == Reference("erp-key", "0a1b")
    assert str(parsed("keyvault:erp-key/0a1b")) == "keyvault:erp-key/0a1b"
    for wrong in ("keyvault:", "keyvault:a_b", "keyvault:a/b/c", "keyvault:" + "a" * 128, "Keyvault:a", "keyvault:a "):
        with pytest.raises(ValueError, match="keyvault:NAME"):
            parsed(wrong)


@pytest.mark.promise("secrets.reference")
async def test_a_consumer_holds_a_literal_and_a_reference_alike(room: Room) -> None:
    told: list[str] = []
    secrets = Secrets(room.leases, told.append)
    assert await secrets.live("plain text")(False) == "plain text"
    assert await secrets.live("keyvault:erp-key")(True) == "one"
    assert told == ["plain text", "one"]
    with pytest.raises(StartRefused, match="keyvault:NAME"):
        secrets.live("keyvault:not_a_name")
    with pytest.raises(StartRefused, match="CHARTER_SESSION_KEY"):
        await secrets.once("keyvault:nothing-there", "CHARTER_SESSION_KEY")
    with pytest.raises(Unavailable, match="no vault"):
        await Secrets(None, told.append).live("keyvault:erp-key")(False)


@pytest.mark.promise("secrets.hidden")
def test_a_secret_shows_everything_but_its_value() -> None:
    secret = MemoryStore().set("erp-key", "canary-value")
    assert "erp-key" in repr(secret)
    assert "canary-value" not in repr(secret) + str(secret)
