"""Microsoft's REST interfaces, asked with the token of whoever is signed in to the Azure CLI. Standard library only."""

import http.client
import json
import shlex
import ssl
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, urlsplit

_SECONDS = 60
_LOOPBACK = {"localhost", "127.0.0.1"}
_HINTS = {
    401: " Sign in with az login.",
    403: " Whoever is signed in may not do this; infra/README.md says which role it takes.",
    404: " What was made a moment ago may not be known everywhere yet: run this again.",
}


class Refused(Exception):
    """One sentence for the person who runs the script."""


@dataclass(slots=True)
class Rest:
    """One interface. With ``dry`` what would change something is printed, and not sent."""

    base: str
    token_command: str
    dry: bool = False
    _token: str = field(default="", repr=False)

    def get(self, path: str) -> dict[str, Any] | None:
        """Return the object, or nothing where there is none.

        Raises:
            Refused: no answer, no permission, or an answer that is no object.
        """
        status, answer = self._send("GET", path, None)
        if status == 404:
            return None
        return _good("GET", path, status, answer)

    def change(
        self, method: str, path: str, body: Mapping[str, Any], *, hidden: tuple[str, ...] = ()
    ) -> dict[str, Any] | None:
        """Send a change and return the answer; in a dry run print it and return nothing.

        What stands at ``hidden`` in the body is never printed.

        Raises:
            Refused: as ``get``.
        """
        if self.dry:
            sys.stdout.write(f"{method} {self.base}{path}\n{json.dumps(_without(body, hidden), indent=2)}\n\n")
            return None
        return _good(method, path, *self._send(method, path, body))

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
        place = urlsplit(f"{self.base}{path}")
        connection = _connection(place.scheme, place.hostname or "", place.port)
        target = f"{place.path}?{place.query}" if place.query else place.path
        headers = {"Authorization": f"Bearer {self._signed_in()}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, target, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, _object(answer.read())
        except (OSError, http.client.HTTPException) as fault:
            raise Refused(f"{self.base} does not answer: {fault}.") from fault
        finally:
            connection.close()

    def _signed_in(self) -> str:
        if not self._token:
            try:
                told = subprocess.run(shlex.split(self.token_command), capture_output=True, text=True, check=False)  # noqa: S603
            except OSError as fault:
                raise Refused(
                    f"The Azure CLI does not start ({fault}). Install it, or name another --token-command."
                ) from fault
            if told.returncode != 0 or not told.stdout.strip():
                raise Refused("The Azure CLI gives no token. Run az login first.")
            self._token = told.stdout.strip()
        return self._token


def literal(text: str) -> str:
    """Return a text as it stands in an OData filter or key."""
    return quote("'" + text.replace("'", "''") + "'", safe="")


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=ssl.create_default_context())
    if scheme == "http" and host in _LOOPBACK:
        return http.client.HTTPConnection(host, port, timeout=_SECONDS)
    raise Refused(f"A token is sent over https only, not to {scheme}://{host}.")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found: object = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _good(method: str, path: str, status: int, answer: dict[str, Any]) -> dict[str, Any]:
    if 200 <= status < 300:
        return answer
    error: dict[str, Any] = answer.get("error") or {}
    told = f"{error.get('code', status)}: {error.get('message', 'no reason is given')}".rstrip(".")
    raise Refused(f"{method} {path.split('?', maxsplit=1)[0]} was refused ({told}).{_HINTS.get(status, '')}")


def _without(body: Mapping[str, Any], hidden: tuple[str, ...]) -> Any:
    if not hidden:
        return body
    first, *rest = hidden
    inner = _without(body[first], tuple(rest)) if rest else "(not shown)"
    return {**body, first: inner}
