"""Conversations with the embedded model on assistance, as the host sees them."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from charter.models.chat import Hint
from charter.models.deployments import open_deployment
from charter.models.embedded.model import EmbeddedModel
from charter.settings import Deployment
from tests.evals.exam import Sitting
from tests.models.conftest import PAPER, Desk

Ask = Callable[..., Awaitable[Sitting]]

ITEMS = [
    "standing desk", "27-inch monitor", "wireless keyboard", "label printer", "filing cabinet", "noise cancelling headset",
    "coffee machine", "USB-C dock", "whiteboard", "desk lamp",
]  # fmt: skip
FRAMES = [
    "Order a {0} for {1} EUR",
    "Please get me a {0}, {1} euros",
    "Could you buy a {0} for €{1}?",
    "I need a {0} for {1} EUR, please",
]


@pytest.mark.promise("models.assistance")
async def test_an_order_is_called_with_its_item_and_amount(ask: Ask) -> None:
    sitting = await ask("Order a standing desk for 1,450 EUR")
    assert sitting.calls == [
        ("procurement.create_order", {"item": "standing desk", "total": {"minor": 145000, "currency": "EUR"}})
    ]


@pytest.mark.promise("models.assistance")
async def test_random_items_and_amounts_arrive_as_written(ask: Ask) -> None:
    dice = random.Random(11)
    for _ in range(25):
        item, minor = dice.choice(ITEMS), dice.randrange(500, 400_000)
        sitting = await ask(dice.choice(FRAMES).format(item, f"{minor / 100:,.2f}"))
        expected = {"item": item, "total": {"minor": minor, "currency": "EUR"}}
        assert sitting.calls == [("procurement.create_order", expected)], sitting.messages


async def test_german_is_understood(ask: Ask) -> None:
    sitting = await ask("Bestelle einen Bürostuhl für 289 Euro")
    assert sitting.calls == [
        ("procurement.create_order", {"item": "Bürostuhl", "total": {"minor": 28900, "currency": "EUR"}})
    ]


@pytest.mark.promise("models.asks_back")
async def test_a_missing_value_is_asked_for_and_the_reply_completes_the_call(ask: Ask, desk: Desk) -> None:
    sitting = await ask("Please order a monitor")
    assert sitting.calls == []
    assert sitting.messages[-1]["content"].endswith("?")
    await sitting.say("320 euros")
    assert sitting.calls == [
        ("procurement.create_order", {"item": "monitor", "total": {"minor": 32000, "currency": "EUR"}})
    ]


async def test_two_missing_values_may_come_one_after_the_other(ask: Ask) -> None:
    sitting = await ask("I need some time off", "from 7 December", "until 9 December")
    assert [arguments for _, arguments in sitting.calls] == [
        {"leave_type": "annual", "start_date": "2026-12-07", "end_date": "2026-12-09"}
    ]


async def test_another_wish_instead_of_the_reply_is_followed(ask: Ask) -> None:
    sitting = await ask("Please order a monitor", "Who is my manager?")
    assert [name for name, _ in sitting.calls] == ["people.get_manager"]


async def test_never_mind_ends_the_question(ask: Ask) -> None:
    sitting = await ask("Open a ticket", "never mind")
    assert sitting.calls == []
    assert "leave it" in sitting.messages[-1]["content"]


async def test_digits_alone_answer_the_question_for_an_id(ask: Ask) -> None:
    sitting = await ask("Please close my ticket", "1031")
    assert sitting.calls == [("service_desk.close_ticket", {"ticket_id": "INC-1031"})]


async def test_two_wishes_are_two_calls_in_their_order(ask: Ask) -> None:
    sitting = await ask("Close INC-1004 and then order a lamp for 30 EUR")
    assert [name for name, _ in sitting.calls] == ["service_desk.close_ticket", "procurement.create_order"]


async def test_the_ready_wish_is_done_and_the_other_asked_for(ask: Ask) -> None:
    sitting = await ask("Order a lamp, and tell me who my manager is")
    assert [name for name, _ in sitting.calls] == ["people.get_manager"]
    assert sitting.messages[-1]["content"].endswith("?")


def body(desk: Desk, *messages: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": PAPER.system}, *messages], "tools": desk.tools}


def called(name: str, arguments: dict[str, Any], result: Any) -> list[dict[str, Any]]:
    function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
    return [
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c1", "content": orjson.dumps(result).decode()},
    ]


DESK_ORDER = {"item": "standing desk", "total": {"minor": 145000, "currency": "EUR"}}


@pytest.mark.promise("models.receipts")
async def test_the_receipt_tells_the_result_and_not_the_request(desk: Desk) -> None:
    said = {"role": "user", "content": "Order a standing desk for 1,450 EUR"}
    result = {
        "order_id": "PO-9001", "status": "placed", "supplier": "Northwind", "expected_on": "2026-12-14",
        "total": {"minor": 139900, "currency": "EUR"},
    }  # fmt: skip
    answered = await desk.model.answer(body(desk, said, *called("procurement-create_order", DESK_ORDER, result)))
    assert answered.calls == ()
    for words in ("PO-9001", "1,399.00 EUR", "14 December 2026"):
        assert words in answered.text
    assert "1,450" not in answered.text


@pytest.mark.promise("models.receipts")
async def test_a_refusal_is_said_and_the_rest_is_not_done(desk: Desk) -> None:
    said = {"role": "user", "content": "Order a standing desk for 1,450 EUR and then close INC-1004"}
    refused = {"error": "The purchasing policy does not allow this."}
    answered = await desk.model.answer(body(desk, said, *called("procurement-create_order", DESK_ORDER, refused)))
    assert answered.calls == ()
    assert answered.text.startswith(refused["error"])
    assert "close ticket" in answered.text


async def test_what_nobody_can_do_is_said_with_what_can_be_done(ask: Ask, desk: Desk) -> None:
    sitting = await ask("Paint the office ceiling green")
    assert sitting.calls == []
    text = sitting.messages[-1]["content"]
    assert any(hint.examples[0] in text for hint in desk.hints)


async def test_the_same_question_has_the_same_answer(desk: Desk) -> None:
    question = body(desk, {"role": "user", "content": "What can you do for me?"})
    answers = {(await desk.model.answer(question)).text for _ in range(5)}
    assert len(answers) == 1


async def test_only_offered_functions_are_called(desk: Desk) -> None:
    some = [tool for tool in desk.tools if tool["function"]["name"].startswith("people-")]
    asked = body(desk, {"role": "user", "content": "Order a standing desk for 1,450 EUR"}) | {"tools": some}
    answered = await desk.model.answer(asked)
    assert all(call.name.startswith("people-") for call in answered.calls)
    assert not (await desk.model.answer(asked | {"tools": []})).calls


async def test_a_function_without_any_hint_is_found_by_its_schema(desk: Desk) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {
        "type": "function",
        "function": {"name": "x-weather", "description": "Tells the weather in a city.", "parameters": parameters},
    }
    asked = body(desk, {"role": "user", "content": "Tell me the weather in Cologne"}) | {"tools": [tool]}
    answered = await desk.model.answer(asked)
    assert [(call.name, orjson.loads(call.arguments)) for call in answered.calls] == [
        ("x-weather", {"city": "Cologne"})
    ]


async def test_the_event_loop_goes_on_while_a_turn_is_taken(desk: Desk) -> None:
    longest = 0.0

    async def pulse() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    beating = asyncio.create_task(pulse())
    text = " ".join(f"Please look into matter {n}, it is odd." for n in range(400))
    await desk.model.answer(body(desk, {"role": "user", "content": text}))
    beating.cancel()
    assert longest < 0.25


async def test_it_serves_through_the_stock_client(desk: Desk) -> None:
    deployed = open_deployment("standard", Deployment(), desk.model)
    reply = await deployed.client.chat.completions.create(
        model="embedded", messages=[{"role": "user", "content": "Who is my manager?"}], tools=desk.tools
    )
    assert reply.choices[0].message.tool_calls[0].function.name == "people-get_manager"
    assert (reply.model, deployed.level()) == ("assistance", "assistance")
    await deployed.close()


async def test_the_second_start_reads_the_examples_from_disk(desk: Desk, tmp_path: Any) -> None:
    for limit in (30.0, 1.0):
        model = EmbeddedModel("off", tmp_path, desk.hints)
        started = time.perf_counter()
        await model.start()
        await model.answer({"messages": []})
        assert time.perf_counter() - started < limit
        assert model.status()["state"] == "off"
        await model.close()


async def test_changed_examples_are_embedded_anew(tmp_path: Any) -> None:
    for example in ("Feed the cat", "Water the plants"):
        hint = Hint("home-act", "Does something at home.", "write", (example,))
        model = EmbeddedModel("off", tmp_path, [hint])
        await model.answer({"messages": []})
        await model.close()
    assert len(list((tmp_path / "examples").glob("*.npy"))) == 1


async def test_new_examples_count_without_a_new_start(tmp_path: Any) -> None:
    names = {"home-feed": "Feed the cat", "home-water": "Give the ficus a drink"}
    tools = [
        {"type": "function", "function": {"name": name, "description": "Acts.", "parameters": {"type": "object"}}}
        for name in names
    ]
    talk = {"messages": [{"role": "user", "content": "Give the ficus a drink"}], "tools": tools}
    hints = [Hint(name, "Acts.", "write", (example,)) for name, example in names.items()]
    model = EmbeddedModel("off", tmp_path, hints[:1])
    before = await model.answer(talk)
    await model.learn(hints)
    after = await model.answer(talk)
    await model.close()
    assert [call.name for call in before.calls] != ["home-water"]
    assert [call.name for call in after.calls] == ["home-water"]


async def test_a_very_long_message_is_answered_soon_and_within_the_limits_of_the_schema(desk: Desk) -> None:
    for text in (
        "What does the policy say? " * 1200,
        "1,234.56 EUR 7. Dezember " * 1200,
        "a" * 32_000,
        "ß" * 32_000,
        "and, " * 6_000,
    ):
        started = time.process_time()
        answered = await desk.model.answer(body(desk, {"role": "user", "content": text}))
        assert time.process_time() - started < 8
        assert all(
            len(str(value)) <= 4000 for call in answered.calls for value in orjson.loads(call.arguments).values()
        )


@pytest.mark.parametrize("said", ["Something new on INC-1001?", "Is PO-7781 late?", "Gibt es Neues zu INC-1001?"])
async def test_a_question_about_a_thing_changes_nothing(ask: Ask, desk: Desk, said: str) -> None:
    effects = {hint.wire_name.replace("-", ".", 1): hint.effect for hint in desk.hints}
    sitting = await ask(said)
    assert [effects[name] for name, _ in sitting.calls] == ["read"]
