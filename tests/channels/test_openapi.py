"""The OpenAPI document and the running host say the same."""

import random
import re
from typing import Any

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from pydantic import BaseModel

from charter.channels.admin import shapes as admin
from charter.channels.api import shapes as api
from charter.channels.described import Problem
from charter.channels.ops import described as ops
from charter.channels.responses import shapes as openai
from tests.channels.cited import QUESTION, cited_run
from tests.running import RunningHost

UNDESCRIBED = {("GET", "/"), ("POST", "/api/messages")}
"""The way from the bare address to the console's pages, which are for people; and the door of Teams, which speaks as the Bot
Framework describes it.
"""


@pytest.fixture
async def document(host: RunningHost) -> dict[str, Any]:
    answer = await host.call(None, "GET", "/openapi.json")
    assert answer.status == 200
    return answer.body


def doors(app: web.Application) -> set[tuple[str, str]]:
    """Return method and path of each route of ours; HEAD comes with GET, and the console is mounted as a whole."""
    found = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    return {(method, path) for method, path in found if method != "HEAD" and not path.startswith("/console")}


@pytest.mark.promise("openapi.doors")
async def test_every_door_is_described_and_every_described_one_exists(
    host: RunningHost, document: dict[str, Any]
) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert len(described) > 15
    assert host.inner is not None
    assert described == doors(host.inner.app) - UNDESCRIBED


async def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document, cls=OpenAPIV31SpecValidator)
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


async def test_every_reference_leads_somewhere_and_no_schema_is_idle(document: dict[str, Any]) -> None:
    references = set(re.findall(r"'#/components/schemas/([^']+)'", str(document)))
    assert references == document["components"]["schemas"].keys()


async def test_the_document_says_which_doors_ask_for_a_token(host: RunningHost, document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            told = operation.get("security", document["security"])
            answer = await host.call(None, method.upper(), re.sub(r"{\w+}", "x", path))
            assert (answer.status == 401) == (told != []), path


def holds(shape: type[BaseModel], value: Any) -> None:
    """Assert that a value is of this shape and has no member that the shape does not tell."""
    shape.model_validate(value, extra="forbid")


@pytest.mark.promise("openapi.doors")
async def test_runs_steps_and_approvals_are_as_described(host: RunningHost) -> None:
    waiting = await host.ask("alice", "buyer", f"Order a shelf {random.randrange(10**6)} for 1,350 EUR")
    finished = await cited_run(host)
    failed = await host.ask("alice", "employee_assistant", "are you overloaded?")

    for run in (waiting, finished, failed):
        holds(api.Run, run)
        holds(api.StepList, (await host.call("alice", "GET", f"/v1/runs/{run['id']}/timeline")).body)
    assert (waiting["waiting"], finished["output"], failed["error"]) != (None, None, None)
    holds(api.RunPage, (await host.call("alice", "GET", "/v1/runs?limit=3")).body)
    holds(api.ApprovalPage, (await host.call("bob", "GET", "/v1/approvals")).body)
    approval = await host.pending("bob", waiting["id"])
    holds(api.Approval, approval)
    holds(api.Approval, (await host.decide("bob", approval, "reject", comment="No.")).body)


@pytest.mark.promise("openapi.doors")
async def test_agents_health_and_problems_are_as_described(host: RunningHost) -> None:
    holds(api.AgentList, (await host.call("alice", "GET", "/v1/agents")).body)
    holds(api.Agent, (await host.call("alice", "GET", "/v1/agents/buyer")).body)
    holds(ops.Alive, (await host.call(None, "GET", "/healthz")).body)
    ops.Readiness.model_validate((await host.call(None, "GET", "/readyz")).body)  # open: each dependency tells its own
    holds(Problem, (await host.call("alice", "POST", "/v1/runs", {"agent": "buyer", "surprise": 1})).body)
    holds(openai.OpenAIProblem, (await host.call("alice", "GET", "/v1/responses/resp_0")).body)
    holds(openai.OpenAIProblem, (await host.call(None, "GET", "/v1/models")).body)


@pytest.mark.promise("openapi.doors")
async def test_the_openai_doors_are_as_described(host: RunningHost) -> None:
    await cited_run(host)
    asked = {"model": "employee_assistant", "input": QUESTION}
    holds(openai.Response, (await host.call("alice", "POST", "/v1/responses", asked)).body)
    failed = (await host.call("alice", "POST", "/v1/responses", {**asked, "input": "overloaded?"})).body
    holds(openai.Response, failed)
    assert failed["error"]["code"] == "server_error"
    chat = {"model": "employee_assistant", "messages": [{"role": "user", "content": QUESTION}]}
    holds(openai.ChatCompletion, (await host.call("alice", "POST", "/v1/chat/completions", chat)).body)
    holds(openai.ModelList, (await host.call("alice", "GET", "/v1/models")).body)
    holds(openai.Model, (await host.call("alice", "GET", "/v1/models/buyer")).body)


@pytest.mark.promise("openapi.doors")
async def test_the_operators_door_is_as_described(host: RunningHost) -> None:
    page = (await host.call("carol", "GET", "/v1/admin/tenants")).body
    holds(admin.TenantPage, page)
    holds(admin.Tenant, (await host.call("carol", "GET", f"/v1/admin/tenants/{page['items'][0]['id']}")).body)
    holds(Problem, (await host.call("alice", "GET", "/v1/admin/tenants")).body)
