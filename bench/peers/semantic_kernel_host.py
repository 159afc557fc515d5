"""A bare Semantic Kernel agent behind aiohttp: no gate, no journal, no identity.

usage: python -m bench.peers.semantic_kernel_host PORT MODEL_URL
"""

import sys
from typing import Annotated

import uvloop
from aiohttp import web
from openai import AsyncOpenAI
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function

from bench.peers.history import messages


class Leave:
    @kernel_function(description="Days of leave left.")
    def get_leave_balance(self, employee_id: Annotated[str, "The employee"]) -> str:
        return "17"


def main(port: int, model: str) -> None:
    service = OpenAIChatCompletion(ai_model_id="fake", async_client=AsyncOpenAI(base_url=model, api_key="x"))
    agent = ChatCompletionAgent(name="clerk", plugins=[Leave()], service=service)

    async def run(request: web.Request) -> web.Response:
        asked = await request.json()
        history = ChatHistory(system_message="You help employees.")
        for role, text in messages(asked["history"]):
            history.add_user_message(text) if role == "user" else history.add_assistant_message(text)
        history.add_user_message(asked["input"])
        answer = await agent.get_response(thread=ChatHistoryAgentThread(chat_history=history))
        return web.json_response({"output": str(answer.message)})

    app = web.Application()
    app.router.add_post("/run", run)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
