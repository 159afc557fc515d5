"""The scripted model, through a deployment as the host opens it."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from charter import settings
from charter.errors import StartRefused
from charter.models.deployments import Deployed, open_deployment

SCRIPT = r"""
name: drill
turns:
  - when: 'order an? (?P<item>.+) for (?P<amount>[\d,.]+) EUR'
    call: {name: p-order, arguments: {item: "{item}", total: {minor: "{amount:minor}", currency: EUR}}}
    then:
      - call: [{name: p-log, arguments: {line: "ordered {item}"}}, {name: p-log, arguments: {line: twice}}]
      - say: "Ordered {{ item }}: {{ results[0].order_id }}, log {{ result.line }}."
  - when: busy
    fault: {status: 429, retry_after: 0, times: 1}
    say: Here I am again.
  - when: broken
    fault: {status: 500}
  - when: garbage
    fault: {garbage: true}
  - when: cut
    fault: {cut: true}
  - when: hello
    say: "Good day."
"""


@pytest.fixture
def drill(tmp_path: Path) -> Deployed:
    return opened(tmp_path, SCRIPT)


def opened(folder: Path, script: str) -> Deployed:
    path = folder / "script.yaml"
    path.write_text(script, "utf-8")
    return open_deployment("standard", settings.Deployment(kind="scripted", model="scripted", script=path), None)


async def ask(deployed: Deployed, *messages: dict[str, Any]) -> Any:
    return await deployed.client.chat.completions.create(model=deployed.model, messages=list(messages))


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@pytest.mark.promise("models.scripted")
async def test_a_script_calls_and_then_speaks_of_the_results(drill: Deployed) -> None:
    talk = [user("Please order a standing desk for 1,450.50 EUR")]
    results = iter([{"order_id": "PO-1"}, {"line": "a"}, {"line": "b"}])
    for _ in range(2):
        message = (await ask(drill, *talk)).choices[0].message
        talk.append({"role": "assistant", "tool_calls": [call.model_dump() for call in message.tool_calls]})
        talk += [
            {"role": "tool", "tool_call_id": call.id, "content": json.dumps(next(results))}
            for call in message.tool_calls
        ]
    first = json.loads(talk[1]["tool_calls"][0]["function"]["arguments"])
    assert first == {"item": "standing desk", "total": {"minor": 145050, "currency": "EUR"}}
    assert [call["function"]["name"] for call in talk[3]["tool_calls"]] == ["p-log", "p-log"]
    end = await ask(drill, *talk)
    assert end.choices[0].message.content == "Ordered standing desk: PO-1, log b."
    assert end.model == "drill"


async def test_only_the_last_message_of_the_person_counts(drill: Deployed) -> None:
    earlier = [user("order a lamp for 5 EUR"), {"role": "assistant", "content": "Done."}]
    assert (await ask(drill, *earlier, user("HELLO"))).choices[0].message.content == "Good day."


async def test_a_script_without_a_fitting_turn_says_so(drill: Deployed) -> None:
    assert "no answer" in (await ask(drill, user("something else"))).choices[0].message.content


async def test_a_fault_that_happens_once_is_overcome_by_asking_again(drill: Deployed) -> None:
    with pytest.raises(openai.RateLimitError):
        await ask(drill, user("busy"))
    assert (await ask(drill, user("busy"))).choices[0].message.content == "Here I am again."


@pytest.mark.parametrize(
    ("word", "fault"),
    [("broken", openai.InternalServerError), ("garbage", openai.APIError), ("cut", openai.APIConnectionError)],
)
@pytest.mark.promise("models.scripted")
async def test_scripted_faults_are_the_faults_of_a_real_endpoint(
    drill: Deployed, word: str, fault: type[Exception]
) -> None:
    with pytest.raises((fault, json.JSONDecodeError)):
        await drill.client.chat.completions.create(model="m", messages=[user(word)])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("turns: [{when: '(', say: x}]", "/turns/0/when"),
        ("turns: [{wenn: x}]", "/turns/0/wenn"),
        ("turns: {", "cannot be read"),
    ],
)
async def test_a_wrong_script_is_refused_at_start_with_its_place(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(StartRefused, match=words):
        opened(tmp_path, script)
