"""Feedback: what people thought of an answer is kept with the run, once, and read by them and by operators alone."""

from typing import Any

import pytest

from charter.runs.retention import Retention
from tests.running import Answer, RunningHost


async def _asked(host: RunningHost, name: str = "alice") -> str:
    return (await host.ask(name, "employee_assistant", "hello"))["id"]


async def _say(host: RunningHost, name: str, run: str, reaction: str, **more: Any) -> Answer:
    return await host.call(name, "PUT", f"/v1/runs/{run}/feedback", {"reaction": reaction, **more})


async def _read(host: RunningHost, name: str, run: str) -> Answer:
    return await host.call(name, "GET", f"/v1/runs/{run}/feedback")


async def _all(host: RunningHost, query: str = "") -> list[dict[str, Any]]:
    """Return what carol, an operator, sees, from all pages."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await host.call("carol", "GET", f"/v1/admin/feedback?limit=2{query}{cursor}")
        assert answer.status == 200, answer.body
        found += answer.body["items"]
        if answer.body["next"] is None:
            return found
        cursor = f"&cursor={answer.body['next']}"


async def _rows(host: RunningHost, sql: str, *values: Any) -> list[Any]:
    assert host.inner is not None
    async with host.inner.service.database.tenant_session("contoso") as session:
        return await session.fetch(sql, *values)


@pytest.mark.promise("feedback.kept")
async def test_what_a_person_thinks_is_kept_and_said_anew_replaces_it(host: RunningHost) -> None:
    run = await _asked(host)
    assert (await _read(host, "alice", run)).status == 404
    said = await _say(host, "alice", run, "dislike", reason="  Too long.\r\nAnd it\u202e is\u200b old.\u0007 ")
    assert said.status == 200
    expected = {"run": run, "agent": "employee_assistant", "principal": "alice", "reaction": "dislike"}
    assert said.body == {**expected, "reason": "Too long.\nAnd it is old.", "at": said.body["at"]}
    assert (await _read(host, "alice", run)).body == said.body
    anew = await _say(host, "alice", run, "like")
    assert (anew.body["reaction"], anew.body["reason"]) == ("like", "")
    assert anew.body["at"] > said.body["at"]
    assert [row["reaction"] for row in await _rows(host, "select * from run_feedback where run_id = $1", run)] == [
        "like"
    ]


@pytest.mark.promise("feedback.kept")
async def test_the_same_again_changes_nothing_and_each_change_is_recorded_without_its_words(host: RunningHost) -> None:
    run = await _asked(host)
    first = await _say(host, "alice", run, "like", reason="Clear, thank you")
    assert (await _say(host, "alice", run, "like", reason="Clear, thank you")).body == first.body
    await _say(host, "alice", run, "dislike")
    records = await _rows(host, "select * from audit where run_id = $1 and action = 'feedback.given' order by seq", run)
    assert [(record["actor"], record["detail"]["reaction"]) for record in records] == [
        ("user:alice", "like"),
        ("user:alice", "dislike"),
    ]
    assert "Clear" not in str([dict(record) for record in records])


@pytest.mark.promise("feedback.own")
async def test_only_the_person_whose_run_it_is_says_it(host: RunningHost) -> None:
    run = await _asked(host)
    for name, status, code in (("carol", 403, "forbidden"), ("bob", 404, "not_found"), ("mona", 404, "not_found")):
        refused = await _say(host, name, run, "dislike")
        assert (refused.status, refused.body["code"]) == (status, code)
    assert await _rows(host, "select * from run_feedback where run_id = $1", run) == []


@pytest.mark.promise("feedback.own")
async def test_it_is_read_by_that_person_and_by_operators_alone(host: RunningHost) -> None:
    run = await _asked(host)
    said = await _say(host, "alice", run, "dislike", reason="It is not what I asked")
    assert (await _read(host, "carol", run)).body == said.body
    assert [(await _read(host, name, run)).status for name in ("bob", "mona")] == [404, 404]
    assert said.body in await _all(host)
    refused = await host.call("alice", "GET", "/v1/admin/feedback")
    assert (refused.status, refused.body["code"]) == (403, "forbidden")


@pytest.mark.promise("feedback.own")
async def test_operators_read_all_of_their_tenant_newest_first_and_what_they_filter(host: RunningHost) -> None:
    runs = [await _asked(host, name) for name in ("alice", "bob", "alice", "dora")]
    for run, name, reaction in zip(
        runs, ("alice", "bob", "alice", "dora"), ("like", "dislike", "dislike", "like"), strict=True
    ):
        await _say(host, name, run, reaction)
    other = await _asked(host, "mona")
    await _say(host, "mona", other, "dislike")
    found = [given["run"] for given in await _all(host)]
    assert [run for run in found if run in runs] == list(reversed(runs))
    assert other not in found
    assert len(found) == len(set(found))
    disliked = [given["run"] for given in await _all(host, "&reaction=dislike&agent=employee_assistant")]
    assert [run for run in disliked if run in runs] == [runs[2], runs[1]]
    assert await _all(host, "&agent=buyer") == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reaction": "love"}, "/reaction"),
        ({}, "/reaction"),
        ({"reaction": "like", "reason": "x" * 2001}, "/reason"),
        ({"reaction": "like", "run": "another"}, "/run"),
    ],
)
async def test_what_does_not_fit_is_refused_where_it_stands(host: RunningHost, body: Any, pointer: str) -> None:
    run = await _asked(host)
    refused = await host.call("alice", "PUT", f"/v1/runs/{run}/feedback", body)
    assert (refused.status, refused.body["code"]) == (422, "invalid_request")
    assert [error["pointer"] for error in refused.body["errors"]] == [pointer]
    assert (await _read(host, "alice", run)).status == 404


async def test_two_thousand_characters_fit_whatever_cannot_be_seen_of_them(host: RunningHost) -> None:
    run = await _asked(host)
    said = await _say(host, "alice", run, "like", reason="é" * 2000 + "\u200b" * 50)
    assert said.body["reason"] == "é" * 2000


@pytest.mark.parametrize("query", ["reaction=love", "cursor=nonsense", "cursor=WyIyMDI2LTAxLTAxIiwgMV0", "limit=0"])
async def test_an_unknown_filter_or_cursor_is_refused(host: RunningHost, query: str) -> None:
    assert (await host.call("carol", "GET", f"/v1/admin/feedback?{query}")).status == 422


async def test_of_a_run_that_goes_on_nothing_can_be_said_yet(host: RunningHost) -> None:
    run = await host.ask("alice", "buyer", "Order a hammock for 1,300 EUR")
    refused = await _say(host, "alice", run["id"], "dislike")
    assert (refused.status, refused.body["code"]) == (409, "conflict")
    await host.call("alice", "POST", f"/v1/runs/{run['id']}/cancel")
    assert (await _say(host, "alice", run["id"], "dislike")).status == 200


@pytest.mark.promise("feedback.kept")
async def test_it_goes_with_the_run(host: RunningHost) -> None:
    run = await _asked(host)
    await _say(host, "alice", run, "like")
    assert host.inner is not None
    service = host.inner.service
    async with service.database.tenant_session("contoso") as session:
        await session.execute("update runs set updated_at = updated_at - interval '91 days' where id = $1", run)
    await Retention(service.database, service.engine._queue, service.editions.keep, days=90).sweep()
    assert await _rows(host, "select * from run_feedback where run_id = $1", run) == []
    assert (await _read(host, "alice", run)).status == 404
