"""An OpenAI-compatible model that costs almost nothing: it asks for one function, then answers.

usage: python -m bench.peers.model PORT
"""

import json
import sys

import uvloop
from aiohttp import web

ANSWER = "You have 17 days of annual leave left this year."
USAGE = {"prompt_tokens": 120, "completion_tokens": 16, "total_tokens": 136}


def _answer(message: dict, finish: str) -> web.Response:
    choice = {"index": 0, "finish_reason": finish, "message": message, "logprobs": None}
    return web.json_response(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "fake", "choices": [choice], "usage": USAGE}
    )


async def chat(request: web.Request) -> web.Response:
    body = await request.json()
    if body["messages"][-1]["role"] == "tool" or not body.get("tools"):
        return _answer({"role": "assistant", "content": ANSWER}, "stop")
    name = body["tools"][0]["function"]["name"]
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps({"employee_id": "E1001"})},
    }
    return _answer({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")


def main(port: int) -> None:
    app = web.Application(client_max_size=50_000_000)
    app.router.add_post("/v1/chat/completions", chat)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
