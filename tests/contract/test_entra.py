"""Microsoft's own clients, unchanged, at Entra ID: each kind of credential, plain and for asyncio."""

from typing import Any

import pytest

from tests.contract.services import Entra, claims
from tests.twins.running import RunningTwin

GRAPH = "https://graph.microsoft.com/.default"
BOTH = 2


def tokens(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    assert len(answers) == BOTH
    return [claims(answer) for answer in answers]


def refusals(answers: list[dict[str, Any]], *words: str) -> list[dict[str, Any]]:
    """Return the refusals of both clients, each of which tells all the words."""
    assert len(answers) == BOTH
    for answer in answers:
        assert "fault" in answer, claims(answer)
        assert all(word in answer["message"] for word in words), answer["message"]
    return answers


@pytest.mark.promise("twins.clients")
@pytest.mark.parametrize("place", ["container app", "virtual machine"])
async def test_a_managed_identity_gets_its_own_token(place: str, entra: Entra) -> None:
    system, user = await entra.ask(
        place,
        entra.job("ManagedIdentityCredential"),
        entra.job("ManagedIdentityCredential", client_id=entra.user),
    )
    for token in tokens(system):
        assert (token["aud"], token["idtyp"]) == (entra.vault, "app")
        assert entra.system in ("", token.get("azp", token.get("appid")))
    for token in tokens(user):
        assert token.get("azp", token.get("appid")) == entra.user


@pytest.mark.promise("twins.clients")
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("container app", "No User Assigned or Delegated Managed Identity found"),
        ("virtual machine", "Identity not found"),
    ],
)
async def test_an_identity_that_the_machine_does_not_have_is_refused(place: str, words: str, entra: Entra) -> None:
    [unknown] = await entra.ask(
        place, entra.job("ManagedIdentityCredential", client_id="00000000-0000-0000-0000-0000000000ff")
    )
    refusals(unknown, words)


@pytest.mark.promise("twins.clients")
async def test_a_wrong_identity_header_is_refused(entra: Entra) -> None:
    [wrong] = await entra.ask("container app", entra.job("ManagedIdentityCredential"), IDENTITY_HEADER="guessed")
    refusals(wrong)


@pytest.mark.promise("twins.clients")
async def test_a_workload_identity_and_the_narrowed_chain_act_as_the_application(entra: Entra) -> None:
    alone, chained = await entra.ask(
        "cluster",
        entra.job("WorkloadIdentityCredential"),
        entra.job("DefaultAzureCredential"),
        AZURE_TOKEN_CREDENTIALS="WorkloadIdentityCredential",
    )
    for token in tokens(alone) + tokens(chained):
        assert token["aud"] == entra.vault
        assert token.get("azp", token.get("appid")) == entra.client_id
        assert token.get("azpacr", token.get("appidacr")) == "2"


@pytest.mark.promise("twins.clients")
@pytest.mark.parametrize("place", ["container app", "virtual machine"])
async def test_the_chain_narrowed_to_managed_identities_finds_them(place: str, entra: Entra) -> None:
    [chained] = await entra.ask(
        place, entra.job("DefaultAzureCredential"), AZURE_TOKEN_CREDENTIALS="ManagedIdentityCredential"
    )
    assert all(token["idtyp"] == "app" for token in tokens(chained))


@pytest.mark.promise("twins.clients")
async def test_a_client_secret_gets_a_token_and_a_wrong_one_none(entra: Entra) -> None:
    good, wrong = await entra.ask(
        "anywhere",
        entra.client("ClientSecretCredential", client_secret=entra.client_secret),
        entra.client("ClientSecretCredential", client_secret="guessed"),
    )
    for token in tokens(good):
        assert (token["aud"], token.get("azp", token.get("appid"))) == (entra.vault, entra.client_id)
    for answer in refusals(wrong, "AADSTS7000215"):
        assert answer["fault"] == "ClientAuthenticationError"


@pytest.mark.promise("twins.clients")
async def test_an_assertion_that_is_none_is_refused(entra: Entra) -> None:
    [wrong] = await entra.ask("anywhere", entra.client("ClientAssertionCredential", assertion="guessed"))
    refusals(wrong, "AADSTS50027")


@pytest.mark.promise("twins.clients")
async def test_a_managed_identitys_token_proves_the_application(entra: Entra) -> None:
    [machine] = await entra.ask(
        "container app", entra.job("ManagedIdentityCredential", "api://AzureADTokenExchange/.default")
    )
    [[plain, other]] = await entra.ask(
        "anywhere", entra.client("ClientAssertionCredential", assertion=machine[0]["token"])
    )
    for answer in (plain, other):
        assert claims(answer).get("azp", claims(answer).get("appid")) == entra.client_id


@pytest.mark.promise("twins.clients")
async def test_on_behalf_of_keeps_the_person(twin_entra: Entra, levers: RunningTwin) -> None:
    alice, file = await levers.token("alice"), (levers.folder / "workload-identity" / "token").read_text("ascii")
    secret, asserted = await twin_entra.ask(
        "anywhere",
        twin_entra.client("OnBehalfOfCredential", GRAPH, client_secret=twin_entra.client_secret, user_assertion=alice),
        twin_entra.client("OnBehalfOfCredential", GRAPH, assertion=file, user_assertion=alice),
    )
    for token in tokens(secret) + tokens(asserted):
        assert (token["oid"], token["azp"], token["aud"]) == ("alice", "charter-host", "https://graph.microsoft.com")
    assert {token["azpacr"] for token in tokens(asserted)} == {"2"}


@pytest.mark.promise("twins.clients")
async def test_on_behalf_of_tells_why_it_is_refused(twin_entra: Entra, levers: RunningTwin) -> None:
    elsewhere = (await levers.sign_in("alice", "api://procurement/.default"))["access_token"]
    jobs = [
        twin_entra.client(
            "OnBehalfOfCredential", GRAPH, client_secret=twin_entra.client_secret, user_assertion=assertion
        )
        for assertion in (elsewhere, await levers.forge(exp=1), await levers.token("bob"))
    ]
    await levers.change("bob", step_up=True)
    try:
        audience, expired, step_up = await twin_entra.ask("anywhere", *jobs)
    finally:
        await levers.change("bob", step_up=False)
    refusals(audience, "AADSTS500131", "audience")
    refusals(expired, "AADSTS500133")
    for answer in refusals(step_up, "AADSTS50076"):
        assert (answer["body"]["error"], answer["body"]["suberror"]) == ("interaction_required", "basic_action")
        assert "access_token" in answer["body"]["claims"]


@pytest.mark.promise("twins.clients")
async def test_a_workloads_file_must_name_the_application_in_time(twin_entra: Entra, levers: RunningTwin) -> None:
    wrong = {
        "AADSTS700213": {"subject": "system:serviceaccount:other:charter-host"},
        "AADSTS700212": {"audience": "api://elsewhere"},
        "AADSTS700024": {"lifetime": -60},
    }
    try:
        for number, asked in wrong.items():
            await levers.lever("POST", "workload-token", asked)
            [answers] = await twin_entra.ask("cluster", twin_entra.job("WorkloadIdentityCredential"))
            refusals(answers, number)
    finally:
        await levers.lever("POST", "workload-token")
    [answers] = await twin_entra.ask("cluster", twin_entra.job("WorkloadIdentityCredential"))
    assert len(tokens(answers)) == BOTH
