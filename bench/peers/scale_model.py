"""An OpenAI-compatible model for runs of many steps and for many at once; it keeps nothing of a conversation.

Asked for "N steps" it calls one function N times, then answers. Asked for a stream it thinks for two seconds, then
talks.

usage: python -m bench.peers.scale_model PORT
"""

import asyncio
import json
import re
import sys

import uvloop
from aiohttp import web

THINKS = 2.0
TALKS = 0.5
WORDS = 20
USAGE = {"prompt_tokens": 120, "completion_tokens": 16, "total_tokens": 136}
HEAD = {"id": "c", "created": 1, "model": "fake"}
_STEPS = re.compile(r"(\d+) steps")


def _next(messages: list[dict]) -> int:
    """Return the number of the next call: the one after the last result, wherever the conversation begins by now."""
    last = messages[-1]
    return int(last["tool_call_id"].removeprefix("call_")) + 1 if last["role"] == "tool" else 1


def _message(body: dict) -> dict:
    said = next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user")
    wanted = _STEPS.search(said)
    number = _next(body["messages"])
    if not wanted or number > int(wanted[1]):
        return {"role": "assistant", "content": f"Done, in {number - 1} steps."}
    function = {"name": "leave-get_leave_balance", "arguments": json.dumps({"employee_id": f"E{number:04}"})}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"call_{number}", "type": "function", "function": function}],
    }


async def chat(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    if body.get("stream"):
        return await _talk(request)
    message = _message(body)
    finish = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "finish_reason": finish, "message": message, "logprobs": None}
    return web.json_response({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE})


async def _talk(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await asyncio.sleep(THINKS)
    for number in range(WORDS):
        await _send(response, {"index": 0, "delta": {"content": f"word{number} "}, "finish_reason": None})
        await asyncio.sleep(TALKS / WORDS)
    await _send(response, {"index": 0, "delta": {}, "finish_reason": "stop"})
    await response.write(b"data: [DONE]\n\n")
    return response


async def _send(response: web.StreamResponse, choice: dict) -> None:
    chunk = {**HEAD, "object": "chat.completion.chunk", "choices": [choice]}
    await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")


def main(port: int) -> None:
    app = web.Application(client_max_size=50_000_000)
    app.router.add_post("/v1/chat/completions", chat)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
