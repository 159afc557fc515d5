"""Which deployment answers a turn: by priority, weight, health and region. The clock is given in; nothing waits."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from charter import settings
from charter.errors import Forbidden, ModelFault, ModelUnavailable, StartRefused
from charter.models import breaker
from charter.models.chat import Reply, Usage
from charter.models.deployments import Deployed
from charter.models.prices import tariff_of
from charter.models.route import ASKS, PATIENCE_SECONDS, Route, Try, Unanswered, open_route

TODAY = datetime.now(UTC).date()


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def deployed(name: str, **said: Any) -> Deployed:
    deployment = settings.Deployment(kind="openai", name=name, model=f"model-{name}", **said)
    tariff = tariff_of(deployment, settings.Costs())
    return Deployed("standard", name, "openai", deployment.model, "openai", None, lambda: "yours", deployment, tariff)


def route(*deployments: Deployed) -> tuple[Route, Clock]:
    clock = Clock()
    return Route("standard", deployments, clock=clock, sleep=clock.sleep, chance=Random(7)), clock


def fault(why: ModelFault, retry_after: float | None = None) -> ModelUnavailable:
    return ModelUnavailable(f"It is {why}.", why=why, retry_after=retry_after)


class Makers:
    """Answers for all deployments: what ``faults`` has of one is raised in turn, the last again and again."""

    def __init__(self, clock: Clock, faults: Mapping[str, list[ModelUnavailable | None]]) -> None:
        self.clock = clock
        self.faults = {name: list(each) for name, each in faults.items()}
        self.asked: list[str] = []
        self.times: list[float] = []

    async def __call__(self, trial: Try) -> Reply:
        name = trial.deployed.name
        self.asked.append(name)
        self.times.append(self.clock.now)
        left = self.faults.get(name, [None])
        trial.usage = Usage(1_000_000, 0)
        if (wrong := left.pop(0) if len(left) > 1 else left[0]) is not None:
            raise wrong
        return Reply("Here.", (), trial.usage, "m", "yours", "stop", name)


@pytest.mark.promise("models.route")
async def test_the_lowest_priority_is_asked_and_the_next_only_where_it_fails() -> None:
    several, clock = route(deployed("far", priority=1), deployed("near"))
    well = Makers(clock, {})
    for _ in range(20):
        await several.ask(well)
    assert set(well.asked) == {"near"}
    ill = Makers(clock, {"near": [fault("failing")]})
    reply = await several.ask(ill)
    assert (ill.asked, reply.deployment) == (["near", "far"], "far")
    assert [(each.deployment, each.why, each.detail) for each in reply.attempts] == [
        ("near", "failing", "It is failing.")
    ]


@pytest.mark.promise("models.route")
async def test_equals_are_asked_in_proportion_to_their_weight() -> None:
    several, clock = route(deployed("one", weight=3), deployed("two", weight=1), deployed("spare", weight=0))
    makers = Makers(clock, {})
    for _ in range(4000):
        await several.ask(makers)
    shares = Counter(makers.asked)
    assert shares["spare"] == 0
    assert 0.72 < shares["one"] / 4000 < 0.78


@pytest.mark.promise("models.route")
async def test_weight_zero_is_asked_when_all_others_fail() -> None:
    several, clock = route(deployed("spare", weight=0), deployed("one"), deployed("two", priority=3))
    makers = Makers(clock, {"one": [fault("slow")], "two": [fault("unreachable")]})
    assert (await several.ask(makers)).deployment == "spare"
    assert makers.asked == ["one", "two", "spare"]


@pytest.mark.promise("models.residency")
async def test_a_residency_is_kept_in_failover_too() -> None:
    several, clock = route(
        deployed("here", region="westeurope"), deployed("there", region="eastus"), deployed("somewhere")
    )
    makers = Makers(clock, {"here": [fault("failing")]})
    with pytest.raises(Unanswered):
        await several.ask(makers, regions=("westeurope",))
    assert set(makers.asked) == {"here"}
    with pytest.raises(Forbidden, match="data may go"):
        await several.ask(makers, regions=("mars",))
    with pytest.raises(Forbidden):
        await several.ask(makers, regions=())
    assert several.likely(("mars",)) is None


@pytest.mark.promise("models.busy")
async def test_a_busy_deployment_is_left_alone_as_long_as_it_asks() -> None:
    several, clock = route(deployed("one"), deployed("two", priority=1))
    makers = Makers(clock, {"one": [fault("busy", 40), None]})
    assert (await several.ask(makers)).deployment == "two"
    clock.now += 39
    assert (await several.ask(makers)).deployment == "two"
    clock.now += 1.1
    assert (await several.ask(makers)).deployment == "one"
    assert makers.asked == ["one", "two", "two", "one"]


@pytest.mark.promise("models.busy")
async def test_where_all_are_busy_for_a_while_the_first_to_be_free_is_waited_for() -> None:
    several, clock = route(deployed("one"), deployed("two"))
    makers = Makers(clock, {"one": [fault("busy", 30), None], "two": [fault("busy", 7), None]})
    reply = await several.ask(makers)
    assert (reply.deployment, clock.now) == ("two", 1007.0)
    assert {each.why for each in reply.attempts} == {"busy"}


@pytest.mark.promise("models.busy")
async def test_nobody_waits_longer_than_the_turn_has_time_or_than_patience() -> None:
    for asked, seconds in ((30, 20.0), (PATIENCE_SECONDS + 10, 900.0)):
        several, clock = route(deployed("one"))
        with pytest.raises(Unanswered, match="It is busy") as caught:
            await several.ask(Makers(clock, {"one": [fault("busy", asked)]}), seconds=seconds)
        assert (clock.now, caught.value.retry_after, caught.value.retryable) == (1000.0, asked, True)


@pytest.mark.promise("models.route")
async def test_a_deployment_that_stands_alone_is_asked_again_with_growing_pauses() -> None:
    alone, clock = route(deployed("one"))
    makers = Makers(clock, {"one": [fault("failing"), fault("unreadable"), None]})
    assert (await alone.ask(makers)).deployment == "one"
    assert makers.times == [1000.0, 1000.5, 1001.5]
    makers = Makers(clock, {"one": [fault("failing")]})
    with pytest.raises(Unanswered, match="It is failing") as caught:
        await alone.ask(makers)
    assert len(makers.asked) == len(caught.value.attempts) == ASKS


@pytest.mark.promise("models.route")
async def test_where_there_is_another_one_nobody_pauses_first() -> None:
    several, clock = route(deployed("one"), deployed("two", priority=1))
    await several.ask(Makers(clock, {"one": [fault("slow")]}))
    assert clock.now == 1000.0


@pytest.mark.promise("models.faults")
@pytest.mark.parametrize("why", ["rejected", "filtered"])
async def test_what_no_other_would_answer_either_is_asked_of_no_other(why: ModelFault) -> None:
    several, clock = route(deployed("one"), deployed("two", priority=1))
    makers = Makers(clock, {"one": [fault(why)]})
    for _ in range(breaker.FAILURES + 1):
        with pytest.raises(Unanswered) as caught:
            await several.ask(makers)
        assert (caught.value.why, caught.value.retryable) == (why, False)
    assert set(makers.asked) == {"one"}, "that says nothing of its health"


@pytest.mark.promise("models.breaker")
async def test_failures_in_a_row_open_the_breaker_for_all_and_one_request_finds_out_later() -> None:
    several, clock = route(deployed("one"), deployed("two", priority=1))
    makers = Makers(clock, {"one": [fault("failing")]})
    for _ in range(breaker.FAILURES + 3):
        assert (await several.ask(makers)).deployment == "two"
    assert makers.asked.count("one") == breaker.FAILURES
    clock.now += breaker.COOL_SECONDS
    await several.ask(makers)
    assert makers.asked[-2:] == ["one", "two"]
    clock.now += breaker.COOL_SECONDS  # it opened for twice as long
    await several.ask(makers)
    assert makers.asked[-1:] == ["two"]
    clock.now += breaker.COOL_SECONDS
    makers.faults = {}
    assert [(await several.ask(makers)).deployment for _ in range(3)] == ["one"] * 3


@pytest.mark.promise("models.breaker")
async def test_while_one_request_finds_out_the_others_go_elsewhere() -> None:
    several, clock = route(deployed("one"), deployed("two", priority=1))
    await several.ask(Makers(clock, {"one": [fault("denied")]}))
    clock.now += breaker.COOL_SECONDS
    others: list[str] = []

    async def probing(trial: Try) -> Reply:
        others.append((await several.ask(Makers(clock, {}))).deployment)
        return Reply("Here.", (), Usage(), "m", "yours", "stop", trial.deployed.name)

    assert (await several.ask(probing)).deployment == "one"
    assert others == ["two"]


@pytest.mark.promise("models.breaker")
async def test_a_probe_that_is_cancelled_leaves_the_next_one_free_to_find_out() -> None:
    several, clock = route(deployed("one"), deployed("two", priority=1))
    await several.ask(Makers(clock, {"one": [fault("denied")]}))
    clock.now += breaker.COOL_SECONDS

    async def cancelled(_: Try) -> Reply:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await several.ask(cancelled)
    assert (await several.ask(Makers(clock, {}))).deployment == "one"


@pytest.mark.promise("models.breaker")
async def test_a_denial_opens_the_breaker_at_once() -> None:
    several, clock = route(deployed("one"), deployed("two", priority=1))
    makers = Makers(clock, {"one": [fault("denied")]})
    for _ in range(3):
        assert (await several.ask(makers)).deployment == "two"
    assert makers.asked.count("one") == 1


@pytest.mark.promise("models.breaker")
async def test_where_every_breaker_is_open_each_gets_one_try_and_the_turn_says_when_to_come_back() -> None:
    several, clock = route(deployed("one"), deployed("two", priority=1))
    makers = Makers(clock, {"one": [fault("denied")], "two": [fault("denied")]})
    for _ in range(3):
        with pytest.raises(Unanswered, match="None of the 2 models") as caught:
            await several.ask(makers)
        assert caught.value.retry_after == breaker.COOL_SECONDS
    assert (makers.asked, clock.now) == (["one", "two"] * 3, 1000.0)
    makers.faults = {}
    assert [(await several.ask(makers)).deployment for _ in range(2)] == ["one", "one"], "an answer closes it"


@pytest.mark.promise("models.busy")
async def test_where_all_are_busy_for_long_nobody_is_asked() -> None:
    alone, clock = route(deployed("one"))
    makers = Makers(clock, {"one": [fault("busy", 900)]})
    with pytest.raises(Unanswered):
        await alone.ask(makers)
    with pytest.raises(Unanswered, match="are busy") as caught:
        await alone.ask(makers)
    assert (len(makers.asked), caught.value.retry_after) == (1, 900)


@pytest.mark.promise("models.cost")
async def test_a_turn_costs_what_the_answering_deployment_and_the_failed_attempts_cost() -> None:
    dear, cheap = {"input_price": Decimal(8)}, {"input_price": Decimal(1)}
    several, clock = route(deployed("cheap", **cheap), deployed("dear", priority=1, **dear))
    reply = await several.ask(Makers(clock, {"cheap": [fault("failing")]}))
    assert several.cost(reply, TODAY) == 9
    assert several.cost(await several.ask(Makers(clock, {})), TODAY) == 1
    with pytest.raises(Unanswered) as caught:
        await several.ask(Makers(clock, {name: [fault("failing")] for name in ("cheap", "dear")}))
    assert several.spent(caught.value.attempts, date(2030, 1, 1)) == ASKS * 8 + (ASKS - 1) * 1 + 1


async def test_two_deployments_of_one_name_refuse_the_start() -> None:
    twice = settings.Deployment(kind="openai", model="m", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(StartRefused, match="two deployments named openai:m"):
        open_route("standard", [twice, twice], None)
