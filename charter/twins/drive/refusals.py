"""How Graph says no."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web


class Refused(Exception):
    """A refusal in Graph's form; ``wait`` is how many seconds a client shall stay away."""

    def __init__(self, status: int, code: str, text: str, *, wait: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.wait = wait

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.wait)} if self.wait is not None else {}

    def body(self) -> dict[str, Any]:
        inner = {"date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "request-id": str(uuid4())}
        return {"error": {"code": self.code, "message": self.text, "innerError": inner}}

    def response(self) -> web.Response:
        return web.json_response(self.body(), status=self.status, headers=self.headers)


def bad(text: str) -> Refused:
    return Refused(400, "invalidRequest", text)


def missing(text: str = "The resource could not be found.") -> Refused:
    return Refused(404, "itemNotFound", text)
