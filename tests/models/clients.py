"""The stock client over a wire of ours, as the deployments build it."""

from typing import Any

import httpx2
from openai import AsyncOpenAI

from charter.models.wire import Answer, AnswerTransport

TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("p-one", "p-two")
]


def client_of(answer: Answer, *, retries: int = 0) -> AsyncOpenAI:
    http = httpx2.AsyncClient(transport=AnswerTransport(answer))
    return AsyncOpenAI(base_url="http://model.invalid/v1", api_key="none", http_client=http, max_retries=retries)
