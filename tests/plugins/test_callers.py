"""Who may call a sandbox, and what the weather does to calls."""

import asyncio
import time
from collections.abc import Mapping

import pytest

from charter.plugin import FunctionFailed
from tests.plugins.calling import PLUGINS, Systems

PATHS = {"people": "/me/manager", "service_desk": "/tickets", "procurement": "/orders"}


async def _status(systems: Systems, plugin: str, headers: Mapping[str, str]) -> tuple[int, str]:
    async with systems.http.get(systems.urls[plugin] + PATHS[plugin], headers=headers) as answer:
        assert answer.status == 200 or answer.content_type == "application/problem+json"
        return answer.status, str((await answer.json()).get("detail", ""))


@pytest.mark.promise("plugins.token")
@pytest.mark.parametrize("plugin", PLUGINS)
async def test_only_a_good_token_for_this_very_system_is_accepted(systems: Systems, plugin: str) -> None:
    audience = f"api://{plugin}"
    good = await systems.twin.forge(aud=audience)
    assert (await _status(systems, plugin, {"Authorization": f"Bearer {good}"}))[0] == 200
    bad = {
        "audience": await systems.twin.forge(aud="api://charter"),
        "issuer": await systems.twin.forge(aud=audience, iss="http://localhost:1/contoso/v2.0"),
        "tenant": await systems.twin.forge(aud=audience, tid="fabrikam"),
        "time": await systems.twin.forge(aud=audience, exp=int(time.time()) - 60),
        "scope": await systems.twin.forge(aud=audience, scp=None),
        "no oid": await systems.twin.forge(aud=audience, oid=None),
        "odd tenant": await systems.twin.forge(aud=audience, tid="../../x"),
        "unknown key": await systems.twin.forge({"kid": "never-published"}, aud=audience),
        "signature": good[:-8] + "AAAAAAAA",
        "not a token": "hello",
        "unsigned": _unsigned(good),
    }
    for why, token in bad.items():
        status, detail = await _status(systems, plugin, {"Authorization": f"Bearer {token}"})
        assert (status, bool(detail)) == (401, True), why
    assert (await _status(systems, plugin, {}))[0] == 401
    assert (await _status(systems, plugin, {"Authorization": f"Basic {good}"}))[0] == 401


def _unsigned(token: str) -> str:
    import jwt

    return jwt.encode(jwt.decode(token, options={"verify_signature": False}), None, "none")


async def test_somebody_who_is_no_employee_has_no_leave(systems: Systems) -> None:
    token = await systems.twin.forge(aud="api://people", oid="stranger")
    status, detail = await _status(systems, "people", {"Authorization": f"Bearer {token}"})
    assert (status, "no employee" in detail) == (403, True)


@pytest.mark.promise("plugins.weather")
async def test_a_connection_cut_after_the_work_leaves_the_effect_and_an_open_question(systems: Systems) -> None:
    fault = {"method": "POST", "path": "/orders", "cut": "after"}
    await systems.admin("procurement", "faults", "POST", fault)
    order = {"item": "mirror", "total": {"minor": 5000, "currency": "EUR"}}
    with pytest.raises(FunctionFailed) as broken:
        await systems.call("alice", "procurement.create_order", idempotency="k1", **order)
    assert broken.value.happened is None

    again = await systems.call("alice", "procurement.create_order", idempotency="k1", **order)
    rows = [row for row in (await systems.admin("procurement", "orders"))["orders"] if row["item"] == "mirror"]
    assert [row["order_id"] for row in rows] == [again["order_id"]]


@pytest.mark.promise("plugins.weather")
async def test_a_connection_cut_before_the_work_leaves_nothing(systems: Systems) -> None:
    await systems.admin("procurement", "faults", "POST", {"method": "POST", "cut": "before"})
    with pytest.raises(FunctionFailed):
        await systems.call("alice", "procurement.create_order", item="vase", total={"minor": 500, "currency": "EUR"})
    assert "vase" not in str(await systems.admin("procurement", "orders"))


@pytest.mark.promise("plugins.weather")
async def test_slow_and_failing_answers_come_on_demand_and_end(systems: Systems) -> None:
    await systems.admin("people", "faults", "POST", {"delay_seconds": 0.4})
    await systems.admin("people", "faults", "POST", {"status": 503})
    begun = asyncio.get_running_loop().time()
    assert (await systems.call("alice", "people.get_manager"))["name"] == "Bob"
    assert asyncio.get_running_loop().time() - begun >= 0.4
    with pytest.raises(FunctionFailed) as refused:
        await systems.call("alice", "people.get_manager")
    assert (refused.value.status, refused.value.happened) == (503, False)
    assert (await systems.call("alice", "people.get_manager"))["name"] == "Bob"


async def test_an_order_for_weather_that_does_not_exist_is_refused(systems: Systems) -> None:
    url = f"{systems.urls['people']}/_sandbox/faults"
    async with systems.http.post(url, json={"dleay_seconds": 1}) as answer:
        assert answer.status == 422
