"""Send an export to a reader who sets the pace, but not for ever: it holds a connection of the database."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import structlog
from aiohttp import web

_LONGEST_SECONDS = 3600.0
PATIENCE_SECONDS = 60.0
"""How long one line may wait for a reader who takes nothing."""

_log = structlog.get_logger(__name__)


async def sent(
    request: web.Request,
    lines: AsyncGenerator[bytes],
    headers: Mapping[str, str],
    *,
    patience: float = PATIENCE_SECONDS,
) -> web.StreamResponse:
    """Send the lines, and close them. What goes wrong meanwhile cuts the answer: its last line does not come."""
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        async with asyncio.timeout(_LONGEST_SECONDS), aclosing(lines):
            async for line in lines:
                async with asyncio.timeout(patience):
                    await response.write(line)
            async with asyncio.timeout(patience):
                await response.write_eof()
    except Exception:  # noqa: BLE001 - the answer has begun: all that can be told is that it ends too early
        _log.exception("an export was cut", path=request.path)
        if request.transport is not None:
            request.transport.abort()
    return response
