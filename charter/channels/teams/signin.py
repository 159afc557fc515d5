"""People sign in, once, in private; what they had asked goes on by itself.

Sources: Teams' single sign-on for bots (``signin/tokenExchange``, ``signin/verifyState``, ``signin/failure``), and Universal
Actions for Adaptive Cards for sign-in from a card (``loginRequest``).
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog

from charter.channels.teams import cards, exchanges, messages, outbox, pending
from charter.channels.teams.callers import Callers
from charter.channels.teams.incoming import Activity, Json
from charter.channels.teams.ingress import Invoked
from charter.channels.teams.outbox import Said
from charter.channels.teams.ports import TokenService
from charter.channels.teams.sending import Sender
from charter.channels.teams.speech import speech_of
from charter.context import Context, Principal
from charter.errors import Forbidden
from charter.identity.authentication import Caller
from charter.identity.grants import Grants
from charter.settings import Teams
from charter.store.database import Database

_log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 300
"""So long a person is not asked again to sign in in the same place."""
_LOGIN = "application/vnd.microsoft.activity.loginRequest"
_REFUSED = "application/vnd.microsoft.error.preconditionFailed"
_WRONG_CODE = "application/vnd.microsoft.error.incorrectAuthCode"


class SignIn:
    """Asks people to sign in, and takes what their clients bring. ``resumed`` is told where work may go on."""

    def __init__(
        self,
        callers: Callers,
        tokens: TokenService,
        grants: Grants,
        database: Database,
        sender: Sender,
        settings: Teams,
    ) -> None:
        self._callers = callers
        self._tokens = tokens
        self._grants = grants
        self._database = database
        self._sender = sender
        self._connection = settings.connection
        self.resumed: Callable[[str], None] = lambda _: None

    async def ask(self, tenant: str, activity: Activity) -> None:
        """Let the activity wait until its sender has signed in, and ask them to, in private and not more often than it helps.

        Raises:
            Unavailable: where to sign in cannot be found out now.
        """
        speech, place, who = speech_of(activity.locale), activity.place, activity.sender
        attachment = cards.sign_in(speech, await self._tokens.link(dict(activity.raw)), self._connection)
        body = messages.with_card(attachment, speech.say("signin.heading"))
        key = f"signin:{who.oid}:{place.conversation}:{int(time.time()) // _AGAIN_SECONDS}"
        private = who.id if place.scope != "personal" else ""
        said = Said(key, body, place.conversation, place.root, reply_to=activity.id, private_to=private)
        async with self._database.tenant_session(tenant) as session:
            await pending.waits_for_sign_in(session, activity)
            await outbox.put(session, tenant, said)
        self._sender.wake(tenant)

    async def exchanged(self, tenant: str, activity: Activity) -> Invoked:
        """Answer ``signin/tokenExchange``: a client of the person signs them in without their doing anything."""
        value = _object(activity.value)
        identifier, connection, token = (_text(value, name) for name in ("id", "connectionName", "token"))
        if connection.lower() != self._connection.lower() or not identifier or not token:
            return _failed(identifier, connection, 400, "There is no such connection, or the exchange is incomplete.")
        outcome = await exchanges.once(
            self._database, tenant, identifier, activity.sender.oid, lambda: self._redeemed(tenant, activity, token)
        )
        if outcome == "foreign":
            return _failed(identifier, connection, 403, "The exchange is another person's.")
        if outcome == "refused":
            return _failed(identifier, connection, 412, "The token cannot be exchanged; the person has to consent.")
        return Invoked(200)

    async def verified(self, tenant: str, activity: Activity) -> Invoked:
        """Answer ``signin/verifyState``: the person comes back from the page of their identity provider with a code."""
        code = _text(_object(activity.value), "state")
        token = await self._tokens.token(activity.sender.id, activity.channel, code) if code else None
        if token is None or await self._signed_in(tenant, activity, token) is None:
            return Invoked(412)
        return Invoked(200)

    async def failed(self, tenant: str, activity: Activity) -> Invoked:
        """Answer ``signin/failure``: tell the person what they can do, once."""
        told = _object(activity.value)
        _log.warning("a sign-in failed in a client", code=_text(told, "code")[:80])
        speech, place, who = speech_of(activity.locale), activity.place, activity.sender
        key = f"signin-failed:{who.oid}:{place.conversation}:{int(time.time()) // _AGAIN_SECONDS}"
        private = who.id if place.scope != "personal" else ""
        body = messages.plain(speech.say("signin.failed"))
        async with self._database.tenant_session(tenant) as session:
            await outbox.put(session, tenant, Said(key, body, place.conversation, place.root, private_to=private))
        self._sender.wake(tenant)
        return Invoked(200)

    async def for_click(self, tenant: str, activity: Activity) -> Caller | Invoked:
        """Return who pressed a button of a card, or the answer by which their client signs them in and presses again.

        Raises:
            Forbidden, Unavailable, TenantSuspended: see ``Callers.present``.
        """
        if caller := await self._callers.present(tenant, activity):
            return caller
        value = _object(activity.value)
        if token := _text(_object(value.get("authentication")), "token"):
            granted = await self._tokens.exchange(activity.sender.id, activity.channel, token)
            caller = await self._signed_in(tenant, activity, granted) if granted else None
            return caller or _card_fault(412, _REFUSED, "The token cannot be exchanged; the person has to consent.")
        if code := _text(value, "state"):
            granted = await self._tokens.token(activity.sender.id, activity.channel, code)
            caller = await self._signed_in(tenant, activity, granted) if granted else None
            return caller or _card_fault(401, _WRONG_CODE, "The code is not the one that was shown.")
        speech = speech_of(activity.locale)
        attachment = cards.sign_in(speech, await self._tokens.link(dict(activity.raw)), self._connection)
        return Invoked(200, {"statusCode": 401, "type": _LOGIN, "value": attachment["content"]})

    async def sign_out(self, tenant: str, activity: Activity) -> None:
        """Forget the person here and at the token service. What runs in their name ends with ``authority_lost`` as soon as it
        needs their authority again.

        Raises:
            Unavailable: the token service does not answer; they are signed out here all the same.
        """
        person = activity.sender.oid
        async with self._database.tenant_session(tenant) as session:
            await session.execute("update teams_people set signed_out = true where id = $1", person)
        self._callers.forget(tenant, person)
        await self._grants.forget(Context(tenant, Principal(person, "user", person)))
        await self._tokens.sign_out(activity.sender.id, activity.channel)

    async def _redeemed(self, tenant: str, activity: Activity, token: str) -> bool:
        granted = await self._tokens.exchange(activity.sender.id, activity.channel, token)
        if granted is None:
            return False
        try:
            return await self._signed_in(tenant, activity, granted) is not None
        except Forbidden:
            return False

    async def _signed_in(self, tenant: str, activity: Activity, token: str) -> Caller | None:
        """Take the person in with their token, and let what they asked for go on."""
        caller = await self._callers.arrived(tenant, activity, token)
        if caller is None:
            return None
        async with self._database.tenant_session(tenant) as session:
            await session.execute("update teams_people set signed_out = false where id = $1", activity.sender.oid)
            await pending.resume(session, activity.sender.oid)
        self.resumed(tenant)
        return caller


def _failed(identifier: str, connection: str, status: int, detail: str) -> Invoked:
    return Invoked(status, {"id": identifier, "connectionName": connection, "failureDetail": detail})


def _card_fault(status: int, kind: str, sentence: str) -> Invoked:
    return Invoked(200, {"statusCode": status, "type": kind, "value": {"code": str(status), "message": sentence}})


def _object(value: object) -> Mapping[str, Any]:
    return cast("Json", value) if isinstance(value, dict) else {}


def _text(given: Mapping[str, Any], name: str) -> str:
    found = given.get(name)
    return found if isinstance(found, str) else ""
