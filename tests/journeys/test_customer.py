"""A customer comes in at their own identity provider, through the console of a running laptop."""

import aiohttp
import pytest

from tests.console.conftest import Visitor
from tests.running import RunningHost


@pytest.mark.promise("customers.console")
async def test_a_customer_signs_in_at_their_own_identity_provider_and_is_nobodys_colleague(host: RunningHost) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar()) as browser:
        walter = Visitor(browser, host.address)
        _, page = await walter.get("/sign-in")
        assert "Sign in as </span><strong>Walter" in page
        address = await walter.begin({"name": "walter", "back": ""})
        assert not address.startswith(host.entra)
        assert (await walter.arrive(address)).status == 303
        status, home = await walter.get("/chat")
        assert status == 200
        assert "Signed in as </span>Walter" in home
        # None of the tenant's own agents is for customers, and none of its runs is theirs to see.
        assert (await walter.get("/chat/employee_assistant"))[0] == 404
        left = await walter.post("/sign-out", {})
        assert "logout" in await left.text()
        assert (await walter.get("/runs"))[1].count("Signed in as") == 0


@pytest.mark.promise("customers.console")
async def test_a_customers_token_opens_the_api_as_a_customer(host: RunningHost) -> None:
    answer = await host.call("walter", "GET", "/v1/agents")
    assert (answer.status, answer.body["items"]) == (200, [])
    assert (await host.call("walter", "POST", "/v1/runs", {"agent": "buyer", "input": "hello"})).status == 404
