"""What this host says to the Bot Connector, over the SDK's client."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import TypeVar

from microsoft_teams.api import Account as SdkAccount
from microsoft_teams.api import ApiClient, MessageActivityInput, SentActivity, TypingActivityInput
from microsoft_teams.api.clients.conversation.params import CreateConversationParams
from microsoft_teams.api.models import ConversationAccount, TeamsChannelAccount
from pydantic import ValidationError

from charter.channels.teams.connector.faults import FAULTS, undelivered
from charter.channels.teams.connector.streams import Shown
from charter.channels.teams.connector.token_service import UserTokens
from charter.channels.teams.connector.wire import TokenOf, Wire, segment
from charter.channels.teams.incoming import Account, Json, Place
from charter.channels.teams.ports import Member, Undelivered
from charter.settings.teams import Teams

T = TypeVar("T")

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What the SDK raises over an answer of the connector that it does not know."""
_NO_ID = "DO_NOT_USE_PLACEHOLDER_ID"
_PAGE = 200
_PAGES = 50


class Link(UserTokens):
    """Implements ``Connector`` and ``TokenService`` (``ports``)."""

    def __init__(self, settings: Teams, client_id: str, token_of: TokenOf) -> None:
        self._wire = Wire(settings, token_of)
        super().__init__(self._wire, settings.connection, client_id)
        self._bot = Account(f"28:{client_id}")
        self._streaming: dict[str, Shown] = {}
        self._sweeping: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._sweeping:
            task.cancel()
        await self._wire.close()

    async def send(self, place: Place, activity: Json, *, reply_to: str = "", private_to: str = "") -> str:
        api, where = self._api(place), segment(place.address)
        message = _message(place, activity, reply_to)
        if private_to and place.scope != "personal":
            message.recipient = SdkAccount(id=private_to, is_targeted=True)
            return await _taken(api.conversations.create_targeted_activity(where, message))
        return await _taken(api.conversations.create_activity(where, message))

    async def edit(self, place: Place, activity_id: str, activity: Json, *, private: bool = False) -> None:
        api, where, what = self._api(place), segment(place.address), segment(activity_id)
        message = _message(place, activity)
        message.id = activity_id
        if private and place.scope != "personal":
            await _taken(api.conversations.update_targeted_activity(where, what, message))
        else:
            await _taken(api.conversations.update_activity(where, what, message))

    async def typing(self, place: Place) -> None:
        api, where = self._api(place), segment(place.address)
        sign = TypingActivityInput.model_validate(_addressed(place, {"type": "typing"}))
        await _taken(api.conversations.create_activity(where, sign))

    async def create(self, service_url: str, tid: str, oid: str) -> Place:
        params = CreateConversationParams(
            members=[SdkAccount(id=oid)], tenant_id=tid, channel_data={"tenant": {"id": tid}}
        )
        try:
            opened = await _called(self._wire.api(service_url).conversations.create(params))
        except Undelivered as fault:
            # By 400 the connector says that the tenant has nobody of that id.
            raise (Undelivered("gone", fault.detail, status=400) if fault.answered == 400 else fault) from None
        if opened is None:
            raise Undelivered("busy", "The connector's answer cannot be read.")
        return Place(opened.service_url or service_url, segment(opened.id), "personal", self._bot)

    async def members(self, place: Place) -> Sequence[Member]:
        api, where = self._api(place), segment(place.conversation)
        found: list[Member] = []
        more: str | None = None
        for _ in range(_PAGES):
            page = await _called(api.conversations.get_paged_members(where, _PAGE, more))
            if page is None:
                raise Undelivered("busy", "The connector's answer cannot be read.")
            found += [_member(each) for each in page.members]
            more = page.continuation_token
            if not more:
                return found
        raise Undelivered("refused", "The conversation has more members than this host reads.")

    def stream(self, place: Place, reply_to: str) -> Shown:
        """Return a stream. Where another one of the conversation is open, or none is allowed, it shows nothing, and its
        end is to be said plainly.
        """
        shown = Shown(self._streamed(place), place, reply_to, lambda shown: self._over(shown, place))
        if shown.live:
            self._streaming = {where: each for where, each in self._streaming.items() if each.live}
            self._streaming[place.conversation] = shown
        return shown

    def _streamed(self, place: Place) -> ApiClient | None:
        other = self._streaming.get(place.conversation)
        if place.scope != "personal" or (other is not None and other.live):
            return None
        try:
            segment(place.address)
            return self._api(place)
        except Undelivered:
            return None

    def _over(self, shown: Shown, place: Place) -> None:
        self._streaming = {where: each for where, each in self._streaming.items() if each is not shown}
        if shown.left:
            task = asyncio.create_task(self._swept(place, shown.left, shown.wait))
            self._sweeping.add(task)
            task.add_done_callback(self._sweeping.discard)

    async def _swept(self, place: Place, activity_id: str, wait: float) -> None:
        """Take away what would go on growing for ever: its end is said as a message of its own."""
        await asyncio.sleep(wait)
        with suppress(Undelivered):
            await _called(self._api(place).conversations.delete_activity(segment(place.address), segment(activity_id)))

    def _api(self, place: Place) -> ApiClient:
        return self._wire.api(place.service_url)


def _addressed(place: Place, activity: Json) -> Json:
    bot = {"id": place.bot.id, "name": place.bot.name} if place.bot.name else {"id": place.bot.id}
    conversation = ConversationAccount(id=place.address).model_dump(by_alias=True, exclude_none=True)
    return {**activity, "from": bot, "conversation": conversation}


def _message(place: Place, activity: Json, reply_to: str = "") -> MessageActivityInput:
    """Return it as the SDK has it.

    Raises:
        Undelivered: it is no message.
    """
    try:
        message = MessageActivityInput.model_validate(_addressed(place, activity))
    except ValidationError as fault:
        # Not its own words: they quote the message.
        where = ", ".join(".".join(map(str, each["loc"])) for each in fault.errors(include_input=False))
        raise Undelivered("refused", f"It is no message: {where}.") from None
    if reply_to:
        message.reply_to_id = reply_to
    return message


async def _called(call: Awaitable[T]) -> T | None:
    """Wait for the connector; ``None``: it answered, but nobody can read how.

    Raises:
        Undelivered: it took nothing.
    """
    try:
        return await call
    except FAULTS as fault:
        raise undelivered(fault) from fault
    except _UNREADABLE:
        return None


async def _taken(call: Awaitable[SentActivity]) -> str:
    """Return the id of what the connector took; nothing where it names none, which is all it does for an edit."""
    sent = await _called(call)
    return sent.id if sent and sent.id != _NO_ID else ""


def _member(found: TeamsChannelAccount) -> Member:
    account = Account(found.id, found.aad_object_id or "", found.name or "")
    guest = (found.user_role or "").lower() == "guest" or "#EXT#" in (found.user_principal_name or "").upper()
    return Member(account, found.tenant_id or "", guest)
