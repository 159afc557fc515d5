"""Runs over the REST door: states, events, journal, limits."""

import asyncio
import secrets

import pytest

from tests.running import RunningHost


@pytest.mark.promise("runs.accepted")
async def test_a_run_is_accepted_at_once_and_can_be_followed_to_its_end(host: RunningHost) -> None:
    answer = await host.call("alice", "POST", "/v1/runs", {"agent": "employee_assistant", "input": "hello"})

    assert answer.status == 202
    assert answer.headers["Location"] == f"/v1/runs/{answer.body['id']}"
    done = await host.settled("alice", answer.body["id"], "completed")
    assert done["output"]["text"] == "Good day."
    assert done["usage"]["model_turns"] == 1
    assert len(done["trace_id"]) == 32


@pytest.mark.promise("runs.events")
async def test_a_follower_that_comes_back_misses_no_event_and_gets_none_twice(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "two things")
    first = [(event, number) async for event, _, number in host.events("alice", run["id"])]
    cut = first[len(first) // 2][1]
    assert cut is not None
    rest = [(event, number) async for event, _, number in host.events("alice", run["id"], after=cut)]

    numbers = [number for _, number in first]
    assert numbers == sorted(set(numbers))
    assert [entry for entry in first if entry[1] > cut] == rest
    assert first[-1][0] == "done"
    assert [event async for event, _, _ in host.events("alice", run["id"], after=first[-1][1])] == []


async def test_live_text_reaches_a_follower_before_the_answer_is_whole(host: RunningHost) -> None:
    started = await host.call(
        "alice", "POST", "/v1/runs", {"agent": "employee_assistant", "input": "slow the first time"}
    )
    texts, final = [], None
    async for event, data, number in host.events("alice", started.body["id"]):
        if event == "output.delta":
            assert number is None
            texts.append(data["text"])
        elif event == "done":
            final = data["output"]["text"]
    assert final is not None
    assert len(texts) > 3
    assert "".join(texts) == final


@pytest.mark.promise("runs.idempotency")
async def test_the_same_key_is_the_same_run_and_another_request_under_it_a_conflict(host: RunningHost) -> None:
    key, body = secrets.token_hex(8), {"agent": "employee_assistant", "input": "hello"}
    one = await host.call("alice", "POST", "/v1/runs", body, Idempotency_Key=key)
    two = await host.call("alice", "POST", "/v1/runs", body, Idempotency_Key=key)
    other = await host.call("alice", "POST", "/v1/runs", {**body, "input": "hello again"}, Idempotency_Key=key)

    assert one.body["id"] == two.body["id"]
    assert (other.status, other.body["code"]) == (409, "idempotency_key_reused")
    assert (await host.call("bob", "POST", "/v1/runs", body, Idempotency_Key=key)).body["id"] != one.body["id"]


async def test_twenty_requests_with_one_key_at_once_are_one_run(host: RunningHost) -> None:
    key, body = secrets.token_hex(8), {"agent": "employee_assistant", "input": "hello"}
    answers = await asyncio.gather(
        *(host.call("alice", "POST", "/v1/runs", body, Idempotency_Key=key) for _ in range(20))
    )
    assert len({answer.body["id"] for answer in answers}) == 1


@pytest.mark.promise("runs.private")
async def test_a_run_is_seen_by_its_owner_and_operators_only(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "hello")
    for path in (f"/v1/runs/{run['id']}", f"/v1/runs/{run['id']}/timeline", f"/v1/runs/{run['id']}/events"):
        assert (await host.call("bob", "GET", path)).status == 404
        assert (await host.call("frank", "GET", path)).status == 404
    assert (await host.call("carol", "GET", f"/v1/runs/{run['id']}")).status == 200


async def test_a_thread_carries_the_conversation_and_belongs_to_one_person(host: RunningHost) -> None:
    first = await host.ask("alice", "employee_assistant", "hello")
    second = await host.ask("alice", "employee_assistant", "what did I say before", thread=first["thread"])
    stolen = await host.call(
        "bob", "POST", "/v1/runs", {"agent": "employee_assistant", "input": "hello", "thread": first["thread"]}
    )

    assert second["thread"] == first["thread"]
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    assert stolen.status == 404


async def test_the_model_is_told_of_a_function_that_does_not_exist_and_nothing_is_called(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "use another agent's function")
    [step] = [s for s in await host.timeline("alice", run["id"]) if s["type"] == "function"]
    assert step["status"] == "failed"
    assert "no function" in step["output"]["error"]


async def test_an_unknown_argument_is_refused_before_the_function(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "use a foreign tenant")
    [step] = [s for s in await host.timeline("alice", run["id"]) if s["type"] == "function"]
    assert step["status"] == "failed"
    assert "no argument 'tenant'" in step["output"]["error"]


async def test_a_model_that_never_ends_is_stopped_by_the_budget(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "on and on, for ever")
    assert run["status"] in {"completed", "failed"}
    assert run["usage"]["model_turns"] <= 20


async def test_a_model_that_does_not_answer_fails_the_run_with_what_to_do(host: RunningHost) -> None:
    run = await host.ask("alice", "employee_assistant", "are you overloaded?")
    assert run["status"] == "failed"
    assert run["error"]["code"] == "model_unavailable"
    assert run["error"]["action"]
    assert run["error"]["retryable"] is True


async def test_a_waiting_run_that_is_cancelled_does_nothing_more(host: RunningHost) -> None:
    run = await host.ask("alice", "buyer", "Order a bench for 1,700 EUR")
    approval = await host.pending("bob", run["id"])
    cancelled = await host.call("alice", "POST", f"/v1/runs/{run['id']}/cancel")

    assert cancelled.body["status"] == "cancelled"
    assert (await host.decide("bob", approval, "approve")).status == 409
    assert (await host.call("alice", "POST", f"/v1/runs/{run['id']}/cancel")).body["code"] == "run_finished"


async def test_lists_page_by_cursor_without_gap_or_repeat(host: RunningHost) -> None:
    for _ in range(5):
        await host.ask("dora", "employee_assistant", "hello")
    seen, cursor = [], None
    while True:
        page = (await host.call("dora", "GET", "/v1/runs?limit=2" + (f"&cursor={cursor}" if cursor else ""))).body
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) >= 5


@pytest.mark.promise("problems")
async def test_bad_input_gets_a_problem_document_that_says_what_to_do(host: RunningHost) -> None:
    cases = [
        ({"agent": "employee_assistant", "input": ""}, 422, "invalid_request"),
        ({"agent": "employee_assistant"}, 422, "invalid_request"),
        ({"agent": "employee_assistant", "input": "x", "tenant": "fabrikam"}, 422, "invalid_request"),
        ({"agent": "nobody", "input": "x"}, 404, "not_found"),
        ({"agent": "employee_assistant", "input": "x" * 40_000}, 422, "invalid_request"),
        ([], 422, "invalid_request"),
    ]
    for body, status, code in cases:
        answer = await host.call("alice", "POST", "/v1/runs", body)
        assert (answer.status, answer.body["code"]) == (status, code), body
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.body["action"]
        assert answer.body["trace_id"]


async def test_without_a_token_nothing_but_health_is_answered(host: RunningHost) -> None:
    for path in ("/v1/agents", "/v1/runs", "/v1/approvals", "/v1/models", "/nowhere"):
        answer = await host.call(None, "GET", path)
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated"), path
    assert (await host.call(None, "GET", "/healthz")).status == 200
    assert (await host.call(None, "GET", "/readyz")).status == 200
