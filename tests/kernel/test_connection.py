"""The way into a business system: bounded, on no detours, and honest about what may have happened."""

import asyncio
from typing import Any

import pytest

from charter.catalog.spec import ConnectionSpec
from charter.kernel.connection import HttpConnection, bearer
from charter.plugin import FunctionFailed
from charter.secrets.leases import Leases
from charter.secrets.secrets import Secrets
from tests.kernel.echo import Echo


@pytest.mark.promise("kernel.connection")
async def test_a_request_carries_the_principals_token_and_the_hosts_headers(echo: Echo) -> None:
    answer = await echo.connection().request("POST", "/orders", body={"a": 1}, headers={"Idempotency-Key": "k1"})
    [seen] = echo.seen
    assert (answer.status, answer.body) == (200, {"ok": True})
    assert seen["headers"]["Authorization"] == "Bearer first"
    assert seen["headers"]["Idempotency-Key"] == "k1"
    assert seen["headers"]["Content-Type"] == "application/json"
    assert seen["json"] == {"a": 1}


async def test_a_connection_without_a_token_sends_none(echo: Echo) -> None:
    echo.tokens = iter([None])
    await echo.connection(auth="none").request("GET", "/x")
    assert "Authorization" not in echo.seen[0]["headers"]


@pytest.mark.promise("kernel.connection")
async def test_a_token_that_is_no_longer_welcome_is_renewed_once(echo: Echo) -> None:
    echo.answer["unwelcome"] = "first"
    answer = await echo.connection().request("POST", "/orders", body={})
    assert answer.status == 200
    assert [seen["headers"]["Authorization"] for seen in echo.seen] == ["Bearer first", "Bearer second"]


async def test_a_second_refusal_of_the_token_is_an_answer(echo: Echo) -> None:
    echo.answer = {"status": 401, "body": {"detail": "No."}}
    assert (await echo.connection().request("GET", "/x")).status == 401
    assert len(echo.seen) == 2


@pytest.mark.promise("kernel.bounds")
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": 302, "raw": b"", "headers": {"Location": "http://localhost:1/"}}, "pointed elsewhere"),
        ({"status": 200, "raw": b"[" + b"1," * 600_000 + b"1]"}, "too large"),
        ({"status": 200, "raw": b"<html>hello</html>"}, "did not answer in JSON"),
        ({"status": 200, "cut": True, "raw": b"{}"}, "broke"),
        ({"status": 200, "hang": True, "raw": b"{}"}, "in time"),
    ],
)
@pytest.mark.parametrize(("method", "happened"), [("GET", False), ("POST", None)])
async def test_an_answer_out_of_bounds_is_none_and_a_write_may_have_happened(
    echo: Echo, answer: dict[str, object], sentence: str, method: str, happened: bool | None
) -> None:
    echo.answer = answer
    with pytest.raises(FunctionFailed, match=sentence) as failed:
        await asyncio.wait_for(echo.connection(seconds=0.5).request(method, "/x", body={}), 10)
    assert failed.value.happened is happened


@pytest.mark.promise("kernel.bounds")
async def test_a_system_that_is_not_there_did_nothing(echo: Echo) -> None:
    echo.url = "http://localhost:1"
    with pytest.raises(FunctionFailed, match="cannot be reached") as failed:
        await echo.connection().request("POST", "/x", body={})
    assert failed.value.happened is False


@pytest.mark.promise("kernel.bounds")
@pytest.mark.parametrize(
    "path", ["/../admin", "/a/../../admin", "/./x", "/%2e%2e/admin", "/a/%2E./x", "/a\\..\\b", "/a%2F..%2Fb"]
)
async def test_no_path_climbs_out_of_the_base_address(echo: Echo, path: str) -> None:
    with pytest.raises(FunctionFailed, match="may call"):
        await echo.connection(path="/api/v1").request("GET", path)
    assert echo.seen == []


async def test_a_path_is_always_below_the_base_address(echo: Echo) -> None:
    for path in ("//evil.example/x", "@evil.example/x", "/ok?next=http://evil.example"):
        await echo.connection(path="/api/v1").request("GET", path)
    assert all(seen["raw"].startswith("/api/v1/") for seen in echo.seen)


async def test_an_empty_answer_is_none_and_an_error_need_not_be_json(echo: Echo) -> None:
    echo.answer = {"status": 204, "raw": b""}
    assert (await echo.connection().request("DELETE", "/x")).body is None
    echo.answer = {"status": 502, "raw": b"<html>Bad gateway</html>"}
    answer = await echo.connection().request("GET", "/x")
    assert (answer.status, answer.body) == (502, None)


async def test_a_header_with_a_line_break_is_not_sent(echo: Echo) -> None:
    with pytest.raises(FunctionFailed, match="could not be sent") as failed:
        await echo.connection().request("GET", "/x", headers={"X-Note": "a\r\nAuthorization: Bearer stolen"})
    assert (failed.value.happened, echo.seen) == (False, [])


async def test_a_query_given_as_values_travels_as_text(echo: Echo) -> None:
    query = {"city": "Köln & Bonn", "open": True, "tags": ["a", "b"], "page": 2, "none": None}
    await echo.connection().request("GET", "/x", query=query)
    assert echo.seen[0]["query"] == [
        ("city", "Köln & Bonn"),
        ("open", "true"),
        ("tags", "a"),
        ("tags", "b"),
        ("page", "2"),
    ]
    await echo.connection().request("GET", "/x?a=1%2F2")
    assert echo.seen[1]["raw"] == "/x?a=1%2F2"


def keyed(echo: Echo, **spec: Any) -> HttpConnection:
    told = ConnectionSpec(echo.url, "secret", "", secret="keyvault:erp-key", **spec)
    secrets = Secrets(Leases(echo.store, seconds=600), lambda _: None)
    nobody: Any = None
    return HttpConnection(told, echo.http, bearer(nobody, secrets, told, nobody), seconds=5)


@pytest.mark.promise("kernel.key")
async def test_a_key_travels_in_the_header_that_the_plugin_names(echo: Echo) -> None:
    echo.store.set("erp-key", "the first key")
    await keyed(echo, header="X-Api-Key", prefix="").request("GET", "/x")
    await keyed(echo, header="X-Api-Key", prefix="Key ").request("GET", "/x")
    await keyed(echo).request("GET", "/x")
    sent = [(seen["headers"].get("X-Api-Key"), seen["headers"].get("Authorization")) for seen in echo.seen]
    assert sent == [("the first key", None), ("Key the first key", None), (None, "Bearer the first key")]


@pytest.mark.promise("kernel.key")
async def test_a_refused_key_is_renewed_from_the_vault_once(echo: Echo) -> None:
    echo.store.set("erp-key", "the first key")
    connection = keyed(echo)
    assert (await connection.request("GET", "/x")).status == 200
    echo.answer["unwelcome"] = "the first key"
    echo.store.set("erp-key", "the second key")
    assert (await connection.request("POST", "/x", body={})).status == 200
    assert [seen["headers"]["Authorization"][7:] for seen in echo.seen] == [
        "the first key",
        "the first key",
        "the second key",
    ]


@pytest.mark.promise("kernel.key")
async def test_no_header_of_a_call_stands_in_for_the_key(echo: Echo) -> None:
    echo.store.set("erp-key", "the first key")
    await keyed(echo, header="X-Api-Key", prefix="").request("GET", "/x", headers={"x-api-key": "mine", "X-Other": "1"})
    [seen] = echo.seen
    assert [value for name, value in seen["headers"].items() if name.lower() == "x-api-key"] == ["the first key"]
    assert seen["headers"]["X-Other"] == "1"


@pytest.mark.promise("kernel.key")
async def test_a_system_that_repeats_the_key_does_not_show_it_to_a_model(echo: Echo) -> None:
    echo.store.set("erp-key", "the first key")
    echo.answer["body"] = {"detail": "You sent 'the first key'."}
    answer = await keyed(echo).request("GET", "/x")
    assert answer.body == {"detail": "You sent '[secret]'."}


@pytest.mark.promise("kernel.key")
async def test_without_its_key_a_call_is_not_sent(echo: Echo) -> None:
    with pytest.raises(FunctionFailed, match="cannot be had") as failed:
        await keyed(echo).request("POST", "/x", body={})
    assert failed.value.happened is False
    for useless in ("", "short", "with\nbreak"):
        echo.store.set("erp-key", useless)
        with pytest.raises(FunctionFailed, match=r"no key|control character"):
            await keyed(echo).request("POST", "/x", body={})
    assert echo.seen == []
