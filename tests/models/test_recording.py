"""A model's traffic is recorded once, without secrets, and answered from again by a whole host."""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from charter import settings
from charter.errors import StartRefused
from charter.models.chat import Message, Reply, ToolCall, Usage
from charter.models.recording import Recorder, load, redacted
from charter.telemetry.masking import Mask
from tests.running import SCRIPT, RunningHost, running_host

BALANCE = "days of annual leave, please"
ORDER = "Order a webcam for 59 EUR"


def _scripted(recording: Path) -> dict[str, Any]:
    model = settings.Deployment(
        kind="scripted", model="scripted", script=SCRIPT, recording=recording, api_key=SecretStr("sk-canary-1234567890")
    )
    return {"standard": (model,)}


def _recorded(recording: Path) -> dict[str, Any]:
    return {"standard": (settings.Deployment(kind="recorded", model="recorded", recording=recording),)}


async def _texts(host: RunningHost) -> list[str]:
    asked = [
        ("employee_assistant", BALANCE),
        ("buyer", ORDER),
        ("employee_assistant", "write to bob@contoso.example, hello"),
    ]
    return [(await host.ask("alice", agent, text))["output"]["text"] for agent, text in asked]


@pytest.mark.promise("models.recorded")
async def test_what_one_host_recorded_another_answers_from_without_the_model(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "traffic.jsonl"
    async with running_host(tmp_path / "one", models=_scripted(file)) as host:
        said = await _texts(host)
    written = file.read_text("utf-8")
    async with running_host(tmp_path / "other", models=_recorded(file)) as host:
        again = await _texts(host)
        unknown = await host.ask("alice", "employee_assistant", "something nobody has asked before")

    assert again[0] == said[0]
    assert "is placed" in again[1]
    assert unknown["status"] == "failed"
    assert unknown["error"]["code"] == "model_unavailable"
    assert len(written.splitlines()) == 5
    assert "[mail]" in written
    assert "bob@contoso.example" not in written
    assert "sk-canary" not in written
    assert "You act for" not in written


@pytest.mark.promise("models.recorded")
async def test_no_secret_that_the_host_knows_and_nobodys_account_is_recorded(tmp_path: Path) -> None:
    mask, file = Mask(), tmp_path / "traffic.jsonl"
    mask.tell("correct-horse-battery")
    call = ToolCall("call_1", "people.tell", '{"to":"dana@contoso.example","iban":"DE89370400440532013000"}')
    reply = Reply("Call +49 30 23125 911, secret correct-horse-battery.", (call,), Usage(3, 4), "m", "yours")
    messages = [Message("system", "You act for Dana."), Message("user", "The key is correct-horse-battery")]

    await Recorder(file, mask.clean).note(messages, ["people-tell"], reply)
    line = file.read_text("utf-8")

    for kept_out in ("correct-horse", "dana@", "DE8937", "23125", "You act for"):
        assert kept_out not in line
    tools = [{"type": "function", "function": {"name": "people-tell", "parameters": {}}}]
    asked = {"messages": [{"role": "user", "content": "The key is [secret]"}], "tools": tools}
    found = await load(file).answer(asked)
    assert found.calls[0].name == "people-tell"
    assert orjson.loads(found.calls[0].arguments) == {"to": "[mail]", "iban": "[account]"}
    assert found.usage == Usage(3, 4)


async def test_the_same_turn_asked_again_gets_the_next_reply(tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    recorder = Recorder(file, str)
    for text in ("one", "two"):
        await recorder.note([Message("user", "again")], [], Reply(text, (), Usage(), "m", "yours"))
    model = load(file)

    asked = {"messages": [{"role": "user", "content": "again"}]}
    assert [(await model.answer(asked)).text for _ in range(3)] == ["one", "two", "two"]


@pytest.mark.parametrize(("content", "said"), [("", "is empty"), ("{\n", "Line 1"), ('{"turn": "x"}\n', "Line 1")])
def test_what_is_no_recording_stops_the_start(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    file.write_text(content)

    with pytest.raises(StartRefused, match=said):
        load(file)
    with pytest.raises(StartRefused, match="cannot be read"):
        load(tmp_path / "nowhere.jsonl")


def test_amounts_dates_and_ids_are_no_private_numbers() -> None:
    text = "PO-7781 of 2026-11-27 costs 1,450 EUR; INV-10023; 0x80070005; version 3.11.2"

    assert redacted(text) == text


@pytest.mark.promise("models.recorded")
def test_a_long_word_does_not_hold_up_the_host() -> None:
    """Whoever writes it would stop everybody else's runs for as long as it is looked through."""
    began = time.process_time()
    assert redacted("a" * 60_000) == "a" * 60_000
    assert redacted("a." * 30_000 + "b@contoso.example") == "[mail]"
    assert time.process_time() - began < 1
