"""How the service says no: ``{"error": {"code", "message"}}`` (REST reference, "HTTP status codes")."""

from typing import Any

from aiohttp import web


class Refused(Exception):
    """A refusal in the service's form."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def response(self) -> web.Response:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        headers = {"Retry-After": f"{self.retry_after:g}"} if self.retry_after is not None else {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return web.json_response({"error": error}, status=self.status, headers=headers)


def bad(message: str, code: str = "InvalidRequestParameter") -> Refused:
    return Refused(400, code, f"The request is invalid. Details: {message}")


def no_index(name: str) -> Refused:
    return Refused(404, "ResourceNotFound", f"No index with the name '{name}' was found in this service.")


def no_alias(name: str) -> Refused:
    return Refused(404, "ResourceNotFound", f"No alias with the name '{name}' was found in this service.")


def changed(name: str) -> Refused:
    return Refused(412, "PreconditionFailed", f"The precondition given in the request does not hold for '{name}'.")


def taken(name: str) -> Refused:
    return Refused(
        409, "ResourceNameAlreadyInUse", f"Cannot create '{name}' because it already exists; names are not shared."
    )


def beyond(what: str) -> Refused:
    """Refuse what the service knows and its twin does not: silence would look like an answer."""
    return Refused(400, "NotInTwin", f"The service's twin does not know {what}.")
