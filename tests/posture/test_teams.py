"""The door of Teams in production: one cloud of Microsoft's, and nobody without a token; and what the doctor sees of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from charter.errors import StartRefused
from charter.posture import declared
from charter.posture.start import allow
from charter.posture.teams import CLOUDS
from charter.settings import Settings
from tests.posture.production import settings
from tests.posture.test_doctor import findings
from tests.running import RunningHost

GOVERNMENT = {
    "issuer": "https://api.botframework.us",
    "metadata_url": "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
    "scope": "https://api.botframework.us/.default",
    "token_service": "https://tokengcch.botframework.azure.us",
    "service_urls": ["https://smba.infra.gov.teams.microsoft.us/"],
}


def opened(**teams: Any) -> Settings:
    return settings(("teams", {"enabled": True, **teams}))


def refused(tree: Settings) -> list[str]:
    return [finding.name for finding in declared.settings(tree) if finding.state == "refused"]


@pytest.mark.promise("posture.teams")
@pytest.mark.parametrize(
    "teams",
    [
        {},
        {"service_urls": ["https://smba.trafficmanager.net/emea/", "https://smba.infra.gcc.teams.microsoft.com/"]},
        {"token_service": "https://europe.token.botframework.com"},
        GOVERNMENT,
    ],
)
def test_a_door_within_one_cloud_of_microsofts_is_accepted(teams: dict[str, Any]) -> None:
    tree = opened(**teams)
    assert refused(tree) == []
    allow(tree)
    (found,) = [finding for finding in declared.settings(tree) if finding.name == "CHARTER_TEAMS"]
    assert "alone" in found.sentence


@pytest.mark.promise("posture.teams")
@pytest.mark.parametrize(
    ("teams", "name"),
    [
        ({"anonymous": True}, "ANONYMOUS"),
        ({"anonymous": True, "enabled": False}, "ANONYMOUS"),
        ({"connection": ""}, "CONNECTION"),
        ({"issuer": "https://login.contoso.example"}, "ISSUER"),
        ({"issuer": ""}, "ISSUER"),
        ({"issuer": "https://api.botframework.com/"}, "ISSUER"),
        ({"issuer": "https://api.botframework.us"}, "METADATA_URL"),
        ({"metadata_url": "http://login.botframework.com/v1/.well-known/openidconfiguration"}, "METADATA_URL"),
        ({"metadata_url": "https://login.botframework.com.contoso.example/keys"}, "METADATA_URL"),
        ({"metadata_url": "https://login.botframework.com@contoso.example/keys"}, "METADATA_URL"),
        ({"metadata_url": "https://login.botframework.com:8443/keys"}, "METADATA_URL"),
        ({"metadata_url": "https://localhost:3985/keys"}, "METADATA_URL"),
        ({"metadata_url": "https://[login"}, "METADATA_URL"),
        ({"scope": "https://graph.microsoft.com/.default"}, "SCOPE"),
        ({"scope": ""}, "SCOPE"),
        ({"token_service": "http://token.botframework.com"}, "TOKEN_SERVICE"),
        ({"token_service": "https://token.contoso.example"}, "TOKEN_SERVICE"),
        ({"service_urls": []}, "SERVICE_URLS"),
        ({"service_urls": ["http://smba.trafficmanager.net/"]}, "SERVICE_URLS"),
        ({"service_urls": ["https://"]}, "SERVICE_URLS"),
        ({"service_urls": [""]}, "SERVICE_URLS"),
        ({"service_urls": ["https://smba.trafficmanager.net"]}, "SERVICE_URLS"),
        ({"service_urls": ["https://trafficmanager.net/"]}, "SERVICE_URLS"),
        ({"service_urls": ["https://evil.trafficmanager.net/"]}, "SERVICE_URLS"),
        ({"service_urls": ["https://smba.trafficmanager.net@contoso.example/"]}, "SERVICE_URLS"),
        ({"service_urls": ["https://smba.trafficmanager.net/", "http://localhost:3985/"]}, "SERVICE_URLS"),
        ({**GOVERNMENT, "service_urls": ["https://smba.trafficmanager.net/"]}, "SERVICE_URLS"),
    ],
)
def test_what_leads_out_of_microsofts_cloud_is_refused_by_its_name(teams: dict[str, Any], name: str) -> None:
    tree = settings(("teams", {"enabled": True, **teams}))
    assert refused(tree)[0] == f"CHARTER_TEAMS__{name}"
    with pytest.raises(StartRefused):
        allow(tree)


@pytest.mark.promise("posture.teams")
@pytest.mark.parametrize("client", ["charter-production", "", "00000000-0000-0000-0000-000000000000"])
def test_a_door_whose_bot_is_no_application_is_refused(client: str) -> None:
    tree = settings(("teams.enabled", True), ("identity.client_id", client))
    assert "CHARTER_TEAMS__ENABLED" in refused(tree)


@pytest.mark.promise("posture.teams")
def test_of_a_closed_door_nothing_is_said() -> None:
    tree = settings(("teams", {"service_urls": ["http://localhost:3985/"]}))
    assert refused(tree) == []
    assert not any(finding.name.startswith("CHARTER_TEAMS") for finding in declared.settings(tree))


def test_the_clouds_are_those_that_microsofts_own_library_knows() -> None:
    from microsoft_teams.api.auth import cloud_environment as microsofts

    known = {cloud.issuer: cloud for cloud in CLOUDS}
    for name in ("PUBLIC", "US_GOV", "US_GOV_DOD", "CHINA"):
        theirs = getattr(microsofts, name)
        ours = known[theirs.token_issuer]
        assert theirs.bot_scope == ours.scope
        assert theirs.openid_metadata_url.split("/")[2] == ours.metadata
        assert theirs.token_service_url.split("/")[2].lower() in ours.token_services


@dataclass
class Framework:
    """The Bot Framework as far as an examination asks it."""

    address: str = ""
    issuer: str = "https://api.botframework.com"
    keys: list[str] = field(default_factory=lambda: ["key"])
    status: int = 404
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def metadata(self, _: web.Request) -> web.Response:
        return web.json_response({"issuer": self.issuer, "jwks_uri": f"{self.address}/keys"})

    async def published(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": self.keys})

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append((request.query_string, request.headers.get("Authorization", "")))
        return web.json_response({}, status=self.status)


@asynccontextmanager
async def framework() -> AsyncIterator[Framework]:
    found = Framework()
    app = web.Application()
    app.add_routes(
        [
            web.get("/openid", found.metadata),
            web.get("/keys", found.published),
            web.get("/api/usertoken/GetToken", found.token),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


async def seen(host: RunningHost, found: Framework, **more: str) -> dict[str, tuple[str, str]]:
    env = {
        "CHARTER_TEAMS__ENABLED": "true",
        "CHARTER_TEAMS__METADATA_URL": f"{found.address}/openid",
        "CHARTER_TEAMS__TOKEN_SERVICE": found.address,
        "CHARTER_TEAMS__SCOPE": "https://graph.microsoft.com/.default",
    }
    _, told = await findings(**{"CHARTER_DATA_DIR": str(host.folder), **env, **more})
    return {each["name"]: (each["state"], each["sentence"]) for each in told["findings"] if "teams" in each["name"]}


@pytest.mark.promise("posture.teams")
async def test_the_doctor_asks_for_keys_and_for_a_token_of_nobody(host: RunningHost) -> None:
    async with framework() as found:
        told = await seen(host, found)
    assert {name: state for name, (state, _) in told.items()} == {"teams.metadata": "ok", "teams.token-service": "ok"}
    ((query, bearer),) = found.asked
    assert "userId=28:charter-doctor" in query
    assert "connectionName=charter" in query
    assert bearer.count(".") == 2


@pytest.mark.promise("posture.teams")
@pytest.mark.parametrize(
    ("wrong", "name", "sentence"),
    [
        (
            {"issuer": "https://login.contoso.example"},
            "teams.metadata",
            "It calls itself https://login.contoso.example",
        ),
        ({"keys": []}, "teams.metadata", "publishes no key"),
        ({"status": 401}, "teams.token-service", "does not know this host as a bot"),
        ({"status": 400}, "teams.token-service", "by the connection charter it answers 400"),
    ],
)
async def test_the_doctor_refuses_what_answers_wrongly(
    host: RunningHost, wrong: dict[str, Any], name: str, sentence: str
) -> None:
    async with framework() as found:
        for attribute, value in wrong.items():
            setattr(found, attribute, value)
        state, told = (await seen(host, found))[name]
    assert state == "refused"
    assert sentence in told


@pytest.mark.promise("posture.teams")
async def test_the_doctor_names_who_does_not_answer_and_asks_nobody_where_the_door_is_closed(host: RunningHost) -> None:
    gone = Framework(address="http://127.0.0.1:9")
    told = await seen(host, gone)
    assert {state for state, _ in told.values()} == {"refused"}
    assert "http://127.0.0.1 does not answer" in told["teams.metadata"][1]
    assert await seen(host, gone, CHARTER_TEAMS__ENABLED="false") == {}
