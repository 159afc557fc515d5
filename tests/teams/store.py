"""A store of files and a connector's attachments on loopback, and what was asked of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class Store:
    """``holds`` has what lies at a path; ``leads`` where a path leads; ``asked`` each request with its headers."""

    address: str = ""
    holds: dict[str, bytes] = field(default_factory=dict[str, bytes])
    leads: dict[str, str] = field(default_factory=dict[str, str])
    packed: set[str] = field(default_factory=set[str])
    silent: set[str] = field(default_factory=set[str])
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list[tuple[str, Mapping[str, str]]])

    def put(self, path: str, content: bytes) -> str:
        """Keep it there, and return its address."""
        self.holds[path] = content
        return self.address + path

    def file(self, name: str, content: bytes, **more: Any) -> dict[str, Any]:
        """Return the attachment of a file that lies here."""
        given = {"downloadUrl": self.put(f"/{name}?tempauth=a%2Fb", content), "uniqueId": name, **more}
        return {"contentType": "application/vnd.microsoft.teams.file.download.info", "name": name, "content": given}

    def image(self, name: str, content: bytes) -> dict[str, Any]:
        return {"contentType": "image/*", "contentUrl": self.put(f"/v3/attachments/{name}/views/original", content)}

    async def give(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path
        self.asked.append((path, request.headers))
        if path in self.silent:
            await asyncio.Event().wait()
        if path in self.leads:
            return web.Response(status=302, headers={"Location": self.leads[path]})
        if path not in self.holds:
            return web.Response(status=404)
        headers = {"Content-Encoding": "gzip"} if path in self.packed else {}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(self.holds[path])
        return response


@asynccontextmanager
async def store() -> AsyncIterator[Store]:
    made = Store()
    app = web.Application()
    app.router.add_get("/{any:.*}", made.give)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
