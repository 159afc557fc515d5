"""Asking a person to sign in, and why."""

from charter.channels.teams.cards import element
from charter.channels.teams.incoming import Json
from charter.channels.teams.ports import SignInLink
from charter.channels.teams.speech import Speech

OAUTH = "application/vnd.microsoft.card.oauth"


def sign_in(speech: Speech, link: SignInLink, connection: str) -> Json:
    """Return the attachment by which a Teams client signs the person in: in silence where it can, by a button elsewhere."""
    content: Json = {
        "text": speech.say("signin.why"),
        "connectionName": connection,
        "buttons": [{"type": "signin", "title": speech.say("signin.button"), "value": link.link}],
        "tokenExchangeResource": link.exchange,
    }
    if link.post is not None:
        content["tokenPostResource"] = link.post
    return {"contentType": OAUTH, "content": content}


def signed_in(speech: Speech) -> Json:
    """Return what is in its place afterwards."""
    return element.card(speech, [element.sentence(speech, "signin.done", colour="good")])
