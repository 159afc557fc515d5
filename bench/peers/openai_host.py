"""The plain openai client behind aiohttp, with the tool loop written by hand.

usage: python -m bench.peers.openai_host PORT MODEL_URL
"""

import sys

import uvloop
from aiohttp import web
from openai import AsyncOpenAI

from bench.peers.history import messages

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_leave_balance",
            "description": "Days of leave left.",
            "parameters": {
                "type": "object",
                "properties": {"employee_id": {"type": "string"}},
                "required": ["employee_id"],
            },
        },
    }
]


def main(port: int, model: str) -> None:
    client = AsyncOpenAI(base_url=model, api_key="x")

    async def run(request: web.Request) -> web.Response:
        asked = await request.json()
        sent = [{"role": "system", "content": "You help employees."}]
        sent += [{"role": role, "content": text} for role, text in messages(asked["history"])]
        sent.append({"role": "user", "content": asked["input"]})
        while True:
            message = (
                (await client.chat.completions.create(model="fake", messages=sent, tools=TOOLS)).choices[0].message
            )
            if not message.tool_calls:
                return web.json_response({"output": message.content})
            sent.append(message.model_dump(exclude_none=True))
            sent += [{"role": "tool", "tool_call_id": call.id, "content": "17"} for call in message.tool_calls]

    app = web.Application()
    app.router.add_post("/run", run)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
