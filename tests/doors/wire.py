"""HTTP/1.1 as an attacker writes it: every byte of the request as given, which no client library would send."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from yarl import URL

SECONDS = 20
Lines = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; of an endless stream only what came with its headers."""

    status: int
    headers: Sequence[tuple[str, str]] = field(repr=False)
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's first value, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def code(self) -> str:
        """Return the stable code of a problem document."""
        told = self.body and self.header("content-type").startswith("application/problem")
        return str(self.json.get("code", "")) if told else ""

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


async def send(address: str, method: str, target: str, lines: Lines = (), body: bytes = b"") -> Reply:
    """Send one request on a connection of its own: ``target`` and the header ``lines`` go out as they are."""
    url = URL(address)
    head = [f"{method} {target} HTTP/1.1".encode(), *lines]
    if not any(line.lower().startswith(b"host:") for line in lines):
        head.append(f"Host: {url.host}:{url.port}".encode())
    if body:
        head.append(f"Content-Length: {len(body)}".encode())
    head.append(b"Connection: close")
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", url.port, limit=1_000_000)
        try:
            writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
            return await _reply(reader, method)
        finally:
            writer.close()


async def _reply(reader: asyncio.StreamReader, method: str) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = [(name.lower(), value.strip()) for name, _, value in pairs]
    reply = Reply(int(head[0].split()[1]), headers, b"")
    if method == "HEAD":
        return reply
    if reply.header("content-type").startswith("text/event-stream"):
        return Reply(reply.status, headers, await reader.read(65_536))
    raw = await reader.read()
    chunked = reply.header("transfer-encoding") == "chunked"
    return Reply(reply.status, headers, _joined(raw) if chunked else raw)


def _joined(raw: bytes) -> bytes:
    """Return a chunked body in one piece."""
    body = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size or b"0", 16)
        body, raw = body + raw[:length], raw[length + 2 :]
    return body
