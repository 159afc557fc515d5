"""Signing in at the Entra twin: who is shown, where it leads, what a code is worth."""

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import pytest

from tests.twins.running import RunningTwin

BACK = "http://localhost:3978/console/signed-in"
VERIFIER = "v" * 43
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"
SCOPE = "openid profile offline_access api://charter/access_as_user"
GOOD = {
    "client_id": "charter-host",
    "response_type": "code",
    "redirect_uri": BACK,
    "scope": SCOPE,
    "state": "the state",
    "nonce": "the nonce",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def asked(twin: RunningTwin, tenant: str = "contoso", **changed: str) -> tuple[int, str, dict[str, str]]:
    """Ask to sign in; return status, page, and what was sent back with a redirect."""
    query = {name: value for name, value in (GOOD | changed).items() if value}
    url = f"{twin.url}/{tenant}/oauth2/v2.0/authorize"
    async with twin.http.get(url, params=query, allow_redirects=False) as response:
        location = urlsplit(response.headers.get("Location", ""))
        return response.status, await response.text(), {k: v[0] for k, v in parse_qs(location.query).items()}


async def code(twin: RunningTwin, name: str = "alice", tenant: str = "contoso", **changed: str) -> str:
    return (await asked(twin, tenant, login_hint=name, **changed))[2]["code"]


async def redeem(twin: RunningTwin, text: str, tenant: str = "contoso", **changed: str) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "authorization_code", "code": text, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return await twin.as_host(tenant, **(form | changed))


@pytest.mark.promise("twins.sign-in")
async def test_a_code_gives_tokens_that_tell_who_signed_in(twin: RunningTwin) -> None:
    status, _, sent = await asked(twin, login_hint="Alice@contoso.example")
    assert (status, sent["state"]) == (302, "the state")
    status, answer = await redeem(twin, sent["code"])
    assert status == 200
    told = jwt.decode(answer["id_token"], options={"verify_signature": False})
    assert {"aud": "charter-host", "nonce": "the nonce", "oid": "alice", "tid": "contoso"}.items() <= told.items()
    assert (told["iss"], told["name"], told["roles"]) == (f"{twin.url}/contoso/v2.0", "Alice", ["employee"])
    access = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (access["aud"], access["scp"], access["azp"]) == ("api://charter", "access_as_user", "charter-host")
    status, renewed = await twin.refresh(answer["refresh_token"], "api://charter/access_as_user offline_access")
    assert (status, "id_token" in renewed) == (200, False)


@pytest.mark.promise("twins.sign-in")
async def test_the_page_shows_the_people_of_the_tenant_and_each_choice_signs_in(twin: RunningTwin) -> None:
    status, page, _ = await asked(twin, prompt="select_account", login_hint="alice", state='"><script>')
    assert status == 200
    assert "asks for no password" in page
    assert re.findall(r'name="login_hint" value="(\w+)"', page) == ["alice", "bob", "carol", "dora"]
    assert "<script" not in page
    fields = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page))
    assert "prompt" not in fields
    query = {name: html.unescape(value) for name, value in fields.items()} | {"login_hint": "bob"}
    _, _, sent = await asked(twin, **query)
    assert sent["state"] == '"><script>'
    assert (await redeem(twin, sent["code"]))[0] == 200


@pytest.mark.parametrize("tenant", ["organizations", "common"])
async def test_at_a_shared_address_the_account_decides_the_tenant(tenant: str, twin: RunningTwin) -> None:
    _, page, _ = await asked(twin, tenant)
    assert 'value="alice"' in page
    assert 'value="frank"' in page
    _, answer = await redeem(twin, await code(twin, "frank", tenant), tenant)
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["tid"] == "fabrikam"
    async with twin.http.get(f"{twin.url}/{tenant}/v2.0/.well-known/openid-configuration") as response:
        metadata = await response.json()
    assert metadata["issuer"] == f"{twin.url}/{{tenantid}}/v2.0"
    assert metadata["authorization_endpoint"] == f"{twin.url}/{tenant}/oauth2/v2.0/authorize"
    assert metadata["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.promise("twins.sign-in")
@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"client_id": "unknown"}, 700016),
        ({"client_id": "charter-cli"}, 700016),
        ({"redirect_uri": "https://evil.example/console/signed-in"}, 50011),
        ({"redirect_uri": f"{BACK}/"}, 50011),
        ({"redirect_uri": f"{BACK}?next=x"}, 50011),
        ({"redirect_uri": "http://localhost.evil.example/console/signed-in"}, 50011),
        ({"redirect_uri": "http://localhost:3978@evil.example/console/signed-in"}, 50011),
        ({"redirect_uri": ""}, 50011),
    ],
)
async def test_nothing_is_sent_to_an_address_that_nobody_registered(
    changed: dict[str, str], number: int, twin: RunningTwin
) -> None:
    status, page, sent = await asked(twin, login_hint="alice", **changed)
    assert (status, sent) == (400, {})
    assert f"AADSTS{number}" in page


@pytest.mark.parametrize(
    ("changed", "error", "number"),
    [
        ({"response_type": "token"}, "unsupported_response_type", 700054),
        ({"response_mode": "fragment"}, "invalid_request", 9002313),
        ({"code_challenge": ""}, "invalid_request", 9002325),
        ({"code_challenge_method": "plain"}, "invalid_request", 9002313),
        ({"code_challenge_method": ""}, "invalid_request", 9002313),
        ({"scope": "api://charter/everything"}, "consent_required", 65001),
        ({"login_hint": "", "prompt": "none"}, "login_required", 50058),
        ({"login_hint": "-"}, "access_denied", 65004),
    ],
)
async def test_what_is_wrong_is_told_to_the_application(
    changed: dict[str, str], error: str, number: int, twin: RunningTwin
) -> None:
    status, _, sent = await asked(twin, **({"login_hint": "alice"} | changed))
    assert (status, sent["error"], sent["state"]) == (302, error, "the state")
    assert sent["error_description"].startswith(f"AADSTS{number}: ")


async def test_a_disabled_person_is_shown_but_not_signed_in(twin: RunningTwin) -> None:
    text = await code(twin)
    await twin.change("alice", disabled=True)
    assert (await asked(twin, login_hint="alice"))[2]["error"] == "access_denied"
    assert 'value="alice" disabled' in (await asked(twin))[1]
    assert (await redeem(twin, text))[1]["error_codes"] == [50057]


@pytest.mark.promise("twins.sign-in")
@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"code_verifier": "w" * 43}, 501481),
        ({"code_verifier": CHALLENGE}, 501481),
        ({"code_verifier": ""}, 501481),
        ({"redirect_uri": "http://localhost:3979/console/signed-in"}, 500112),
        ({"code": "1.invented"}, 70000),
        ({"client_secret": "wrong"}, 7000215),
        ({"client_secret": ""}, 7000218),
    ],
)
async def test_a_code_is_of_worth_to_whoever_asked_for_it_only(
    changed: dict[str, str], number: int, twin: RunningTwin
) -> None:
    text = await code(twin)
    form = {"grant_type": "authorization_code", "code": text, "redirect_uri": BACK, "code_verifier": VERIFIER}
    own = {"client_id": "charter-host", "client_secret": twin.secret()}
    _, answer = await twin.grant("contoso", **(form | own | changed))
    assert answer["error_codes"] == [number]
    assert (await redeem(twin, text))[0] == 200


async def test_a_code_is_redeemed_in_its_own_tenant_by_its_own_client(twin: RunningTwin) -> None:
    assert (await redeem(twin, await code(twin), "fabrikam"))[1]["error_codes"] == [70000]
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    other = {"client_id": "erp", "client_secret": twin.secret("erp")}
    assert (await twin.grant("contoso", code=await code(twin), **form, **other))[1]["error_codes"] == [70000]


@pytest.mark.promise("twins.sign-in")
async def test_a_code_redeemed_twice_ends_what_was_given_for_it(twin: RunningTwin) -> None:
    text = await code(twin)
    _, answer = await redeem(twin, text)
    assert (await redeem(twin, text))[1]["error_codes"] == [54005]
    assert (await twin.refresh(answer["refresh_token"]))[1]["error_codes"] == [70000]


async def test_a_code_lives_for_a_minute_at_most(twin: RunningTwin) -> None:
    assert (await twin.lever("PATCH", "lifetimes", {}))["code"] == 60
    await twin.lever("PATCH", "lifetimes", {"code": 0})
    assert (await redeem(twin, await code(twin)))[1]["error_codes"] == [70008]


async def test_a_further_address_is_registered_by_a_lever(twin: RunningTwin) -> None:
    address = "https://charter.contoso.example/console/signed-in"
    await twin.lever("POST", "redirects", {"uri": address})
    text = await code(twin, redirect_uri=address)
    assert (await redeem(twin, text, redirect_uri=address))[0] == 200


async def test_an_answer_may_come_as_a_form(twin: RunningTwin) -> None:
    status, page, _ = await asked(twin, login_hint="alice", response_mode="form_post")
    assert (status, f'action="{BACK}"' in page) == (200, True)
    fields = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page))
    assert fields["state"] == "the state"
    assert (await redeem(twin, fields["code"]))[0] == 200


@pytest.mark.parametrize(("back", "led"), [(BACK, True), ("https://evil.example/", False), ("", False)])
async def test_a_sign_out_leads_back_to_a_registered_address_only(
    back: str, led: bool, twin: RunningTwin, http: aiohttp.ClientSession
) -> None:
    url = f"{twin.url}/contoso/oauth2/v2.0/logout"
    async with http.get(url, params={"post_logout_redirect_uri": back}, allow_redirects=False) as response:
        assert (response.status, response.headers.get("Location")) == ((302, BACK) if led else (200, None))
