"""How Key Vault says no: ``{"error": {"code", "message", "innererror"}}``."""

from typing import Any

from aiohttp import web

_HELP = (
    "If you recently deleted this secret you may be able to recover it using the correct recovery command. "
    "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
)


class Refused(Exception):
    """A refusal in the service's form; ``inner`` is the more exact code."""

    def __init__(self, status: int, code: str, message: str, *, inner: str = "", challenge: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.challenge = challenge

    def response(self) -> web.Response:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        headers = {"WWW-Authenticate": self.challenge} if self.challenge else {}
        return web.json_response({"error": error}, status=self.status, headers=headers)


def not_found(name: str) -> Refused:
    return Refused(404, "SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault. {_HELP}")


def not_deleted(name: str) -> Refused:
    return Refused(404, "SecretNotFound", f"Deleted Secret not found: {name}")


def recoverable(name: str) -> Refused:
    text = (
        f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
        "the secret can only be recovered or purged."
    )
    return Refused(409, "Conflict", text, inner="ObjectIsDeletedButRecoverable")


def disabled(operation: str) -> Refused:
    return Refused(
        403, "Forbidden", f"Operation {operation} is not allowed on a disabled secret.", inner="SecretDisabled"
    )


def bad(message: str) -> Refused:
    return Refused(400, "BadParameter", message)
