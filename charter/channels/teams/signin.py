"""People sign in, once, in private; what they had asked goes on by itself.

Sources: Teams' single sign-on for bots (``signin/tokenExchange``, ``signin/verifyState``, ``signin/failure``), and Universal
Actions for Adaptive Cards for sign-in from a card (``loginRequest``).
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import structlog

from charter.channels.teams import cards, exchanges, messages, outbox, pending, people, standing
from charter.channels.teams.callers import Callers
from charter.channels.teams.incoming import Activity, Json
from charter.channels.teams.ingress import Invoked
from charter.channels.teams.outbox import Said
from charter.channels.teams.ports import TokenService
from charter.channels.teams.sending import Sender
from charter.channels.teams.speech import speech_of
from charter.context import Context, Principal
from charter.errors import Forbidden, TenantSuspended
from charter.identity.authentication import Caller
from charter.identity.grants import Grants
from charter.settings import Teams
from charter.store.database import Database

_log = structlog.get_logger(__name__)

_CARD = "signin"
_LONGEST_ID = 512
_CODE = re.compile(r"\d{6}")
_LOGIN = "application/vnd.microsoft.activity.loginRequest"
_REFUSED = "application/vnd.microsoft.error.preconditionFailed"
_WRONG_CODE = "application/vnd.microsoft.error.incorrectAuthCode"
_CONSENT = "The token cannot be exchanged; the person has to consent."
_BUTTON_HELPS = frozenset({"userconsentrequired", "interactionrequired"})
"""Failures of a client after which the button of the sign-in card is all that is needed."""


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
        """Let the activity wait until its sender has signed in, and ask them to, in private: once in some minutes, however
        much of theirs waits.

        Raises:
            Unavailable: where to sign in cannot be found out now.
            Forbidden, TenantSuspended: see ``Callers.present``.
        """
        body = messages.with_card(await self._card(activity), speech_of(activity.locale).say("signin.heading"))
        conversation, who = activity.place.conversation, activity.sender
        async with self._database.tenant_session(tenant) as session:
            await people.seen(session, tenant, activity)
            again = not await standing.asked(session, tenant, who.oid, conversation)
            await pending.waits_for_sign_in(session, activity)
            if not again:
                key = f"{_CARD}:{conversation}:{secrets.token_hex(8)}"
                await outbox.put(session, tenant, _private(activity, key, body, activity.thread, activity.id))
        self._sender.wake(tenant)
        # Whoever has signed in just before it began to wait has nothing more to do: it would wait for ever.
        if await self._callers.present(tenant, activity, fresh=True):
            self.resumed(tenant)

    async def exchanged(self, tenant: str, activity: Activity) -> Invoked:
        """Answer ``signin/tokenExchange``: a client of the person signs them in without their doing anything. Each open
        client of theirs does, with the same exchange; it is done once.

        Raises:
            Unavailable, TenantSuspended: not now.
        """
        value = _object(activity.value)
        identifier, connection, token = (_text(value, name) for name in ("id", "connectionName", "token"))
        if not self._ours(connection) or not 0 < len(identifier) <= _LONGEST_ID or not token:
            return _failed(identifier, connection, 400, "There is no such connection, or the exchange is incomplete.")
        key = f"signin-refused:{identifier}"
        outcome = await exchanges.once(
            self._database, tenant, identifier, activity.sender.oid,
            lambda: self._taken(tenant, activity, key, self._with_token, token),
        )  # fmt: skip
        if outcome == "foreign":
            _log.warning("a sign-in was offered that is another person's", tenant=tenant)
            return _failed(identifier, connection, 403, "The exchange is another person's.")
        if outcome == "refused":
            return _failed(identifier, connection, 412, _CONSENT)
        return Invoked(200)

    async def verified(self, tenant: str, activity: Activity) -> Invoked:
        """Answer ``signin/verifyState``: the person comes back from the page of their identity provider with a code.

        Raises:
            Unavailable, TenantSuspended: not now.
        """
        code = _text(_object(activity.value), "state")
        if not _CODE.fullmatch(code):
            return Invoked(404)
        taken = await self._taken(tenant, activity, f"signin-refused:{activity.id}", self._with_code, code)
        if taken:
            await self._settled(tenant, activity)
        return Invoked(200 if taken else 412)

    async def failed(self, tenant: str, activity: Activity) -> Invoked:
        """Answer ``signin/failure``: tell the person what they can do, once for each card, where the card itself does not."""
        code = _text(_object(activity.value), "code")[:80]
        _log.warning("a sign-in failed in a client", tenant=tenant, code=code)
        if code not in _BUTTON_HELPS:
            key = f"signin-failed:{activity.sender.oid}:{activity.reply_to[:_LONGEST_ID]}"
            await self._tell(tenant, activity, key, speech_of(activity.locale).say("signin.failed"))
        return Invoked(200)

    async def for_click(self, tenant: str, activity: Activity) -> Caller | Invoked:
        """Return who pressed a button of a card, or the answer by which their client signs them in and presses again. The
        token service is asked each time: a button decides.

        Raises:
            Forbidden, Unavailable, TenantSuspended: see ``Callers.present``.
        """
        if caller := await self._callers.present(tenant, activity, fresh=True):
            return caller
        value = _object(activity.value)
        if "authentication" in value:
            offered = _object(value["authentication"])
            token = _text(offered, "token") if self._ours(_text(offered, "connectionName")) else ""
            caller = await self._with_token(tenant, activity, token) if token else None
            return caller or _card_fault(412, _REFUSED, _CONSENT)
        if code := _text(value, "state"):
            caller = await self._with_code(tenant, activity, code) if _CODE.fullmatch(code) else None
            return caller or _card_fault(401, _WRONG_CODE, "The code is not the one that was shown.")
        return _told(401, _LOGIN, (await self._card(activity))["content"])

    async def sign_out(self, tenant: str, activity: Activity) -> None:
        """Forget the person here and at the token service. What runs in their name ends with ``authority_lost`` where it
        next needs their authority: a run that waits, when it is resumed.

        Raises:
            Unavailable: the token service does not answer; they are signed out here all the same.
        """
        person = activity.sender.oid
        async with self._database.tenant_session(tenant) as session:
            await standing.left(session, tenant, person)
        self._callers.forget(tenant, person)
        await self._grants.forget(Context(tenant, Principal(person, "user", person)))
        await self._tokens.sign_out(activity.sender.id, activity.channel)

    async def _card(self, activity: Activity) -> Json:
        link = await self._tokens.link(dict(activity.raw))
        return cards.sign_in(speech_of(activity.locale), link, self._connection)

    def _ours(self, connection: str) -> bool:
        return connection.lower() == self._connection.lower()

    async def _taken(
        self, tenant: str, activity: Activity, key: str,
        sign_in: Callable[[str, Activity, str], Awaitable[Caller | None]], proof: str,
    ) -> bool:  # fmt: skip
        """Return whether the person was taken in with what they brought; who may not come in is told why, once by this key."""
        try:
            return await sign_in(tenant, activity, proof) is not None
        except TenantSuspended:
            raise
        except Forbidden as fault:
            await self._tell(tenant, activity, key, cards.told_briefly(speech_of(activity.locale), fault))
            return False

    async def _with_token(self, tenant: str, activity: Activity, token: str) -> Caller | None:
        return await self._signed_in(
            tenant, activity, lambda: self._tokens.exchange(activity.sender.id, activity.channel, token)
        )

    async def _with_code(self, tenant: str, activity: Activity, code: str) -> Caller | None:
        return await self._signed_in(
            tenant, activity, lambda: self._tokens.token(activity.sender.id, activity.channel, code)
        )

    async def _signed_in(
        self, tenant: str, activity: Activity, granted: Callable[[], Awaitable[str | None]]
    ) -> Caller | None:
        """Take the person in with the token that is granted, and let what they asked for go on; who signs out meanwhile stays
        signed out.
        """
        stands = await self._callers.stands(tenant, activity.sender.oid)
        token = await granted()
        caller = await self._callers.arrived(tenant, activity, token, stands) if token else None
        if caller is not None:
            self.resumed(tenant)
        return caller

    async def _settled(self, tenant: str, activity: Activity) -> None:
        """Say in the sender's sign-in card there that it is done with. Where a client signs in by itself nobody saw one."""
        conversation, speech = activity.place.conversation, speech_of(activity.locale)
        body = messages.with_card(cards.signed_in(speech), speech.say("signin.done"))
        async with self._database.tenant_session(tenant) as session:
            if asked := await outbox.newest(session, f"{_CARD}:{conversation}:", _alone(activity)):
                done = Said(f"{asked}:done", body, conversation, private_to=_alone(activity), edits=asked)
                await outbox.put(session, tenant, done)
        self._sender.wake(tenant)

    async def _tell(self, tenant: str, activity: Activity, key: str, sentence: str) -> None:
        """Tell the sender, once by this key, that it did not work and that they may write again."""
        said = _private(activity, key, messages.plain(sentence), activity.place.root)
        async with self._database.tenant_session(tenant) as session:
            await standing.failed(session, tenant, activity.sender.oid)
            await outbox.put(session, tenant, said)
        self._sender.wake(tenant)


def _private(activity: Activity, key: str, body: Json, root: str, reply_to: str = "") -> Said:
    """Return something for the sender alone, where they are."""
    return Said(key, body, activity.place.conversation, root, reply_to=reply_to, private_to=_alone(activity))


def _alone(activity: Activity) -> str:
    """Return whom alone something is for there; nothing where they are alone."""
    return activity.sender.id if activity.place.scope != "personal" else ""


def _failed(identifier: str, connection: str, status: int, detail: str) -> Invoked:
    return Invoked(status, {"id": identifier, "connectionName": connection, "failureDetail": detail})


def _told(status: int, kind: str, value: Json) -> Invoked:
    """Answer a press of a button: what happened is told within a 200."""
    return Invoked(200, {"statusCode": status, "type": kind, "value": value})


def _card_fault(status: int, kind: str, sentence: str) -> Invoked:
    return _told(status, kind, {"code": str(status), "message": sentence})


def _object(value: object) -> Mapping[str, Any]:
    return cast("Json", value) if isinstance(value, dict) else {}


def _text(given: Mapping[str, Any], name: str) -> str:
    found = given.get(name)
    return found if isinstance(found, str) else ""
