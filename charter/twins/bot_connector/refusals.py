"""How the connector and the token service say no, and how a lever does."""

from typing import Any

from aiohttp import web


class Refused(Exception):
    """A refusal in the connector's form; ``wait`` is how many seconds a bot shall stay away."""

    def __init__(self, status: int, code: str, text: str, *, wait: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.wait = wait

    def response(self) -> web.Response:
        headers = {"Retry-After": f"{self.wait:g}"} if self.wait is not None else {}
        return web.json_response(self.body(), status=self.status, headers=headers)

    def body(self) -> dict[str, Any]:
        if self.status == 401:
            return {"message": self.text}
        return {"error": {"code": self.code, "message": self.text}}


class Wrong(Exception):
    """A lever was pulled that does not exist here, as ``status`` says: nobody of that name, no such button."""

    def __init__(self, sentence: str, status: int = 422) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


def bad(text: str) -> Refused:
    return Refused(400, "BadArgument", text)


def unauthorized() -> Refused:
    return Refused(401, "", "Authorization has been denied for this request.")


def not_in_roster() -> Refused:
    return Refused(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")


def no_activity() -> Refused:
    return Refused(404, "ActivityNotFoundInConversation", "The activity was not found in the conversation.")


def no_stream(text: str) -> Refused:
    return Refused(403, "ContentStreamNotAllowed", text)


def too_big(text: str) -> Refused:
    return Refused(413, "MessageSizeTooBig", text)
