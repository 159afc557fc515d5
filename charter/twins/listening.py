"""Sockets on loopback, under both of its addresses, and applications that serve on them."""

import errno
import socket
import ssl
from dataclasses import dataclass

from aiohttp import web

from charter.errors import StartRefused

_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Place:
    """A port of localhost that is ours: clients may try either address first, so nobody else may sit on the other.

    ``secure``: it is spoken to over TLS.
    """

    port: int
    sockets: tuple[socket.socket, ...]
    secure: bool = False

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://localhost:{self.port}"

    def close(self) -> None:
        for each in self.sockets:
            each.close()


def take(port: int, what: str, *, secure: bool = False) -> Place:
    """Take the port (0: any free one) for what will listen there.

    Raises:
        StartRefused: another program has it, or it may not be had; one sentence with what to do.
    """
    try:
        return _taken(port, secure=secure)
    except OSError as fault:
        reason = "is in use" if fault.errno == errno.EADDRINUSE else f"cannot be had ({fault.strerror})"
        raise StartRefused(
            f"Port {port}, wanted for the {what}, {reason}. Stop what runs there, or set CHARTER_PORT to another port."
        ) from fault


def _taken(port: int, *, secure: bool) -> Place:
    for attempt in range(_ATTEMPTS):
        first = socket.create_server(("127.0.0.1", port), backlog=128)
        try:
            second = _second(first.getsockname()[1])
        except OSError as fault:
            first.close()
            if port or fault.errno != errno.EADDRINUSE or attempt == _ATTEMPTS - 1:
                raise
            continue
        return Place(first.getsockname()[1], tuple(s for s in (first, second) if s is not None), secure)
    raise OSError(errno.EADDRINUSE, "no free port")


def _second(port: int) -> socket.socket | None:
    """Return the same port of ``::1``, or nothing on a machine without IPv6."""
    if not socket.has_ipv6:
        return None
    try:
        return socket.create_server(("::1", port), family=socket.AF_INET6, backlog=128)
    except OSError as fault:
        if fault.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return None
        raise


async def serve(application: web.Application, *places: Place, tls: ssl.SSLContext | None = None) -> web.AppRunner:
    """Serve the application in its places, in the secure ones with ``tls``; ``cleanup()`` of what is returned ends it."""
    assert tls is not None or not any(place.secure for place in places), "a secure place needs a certificate"
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    for place in places:
        for each in place.sockets:
            await web.SockSite(runner, each, ssl_context=tls if place.secure else None).start()
    return runner
