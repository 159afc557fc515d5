"""People's tokens for this host, from the Bot Framework's token service."""

from base64 import b64encode
from collections.abc import Awaitable
from typing import TypeVar

import httpx
import orjson
from microsoft_teams.api import TokenExchangeRequest
from microsoft_teams.api.clients.bot.params import GetBotSignInResourceParams
from microsoft_teams.api.clients.bot.sign_in_client import BotSignInClient
from microsoft_teams.api.clients.user import UserTokenClient
from microsoft_teams.api.clients.user.params import ExchangeUserTokenParams, GetUserTokenParams, SignOutUserParams
from microsoft_teams.api.models import SignInUrlResponse
from microsoft_teams.api.models.custom_base_model import CustomBaseModel

from charter.channels.teams.connector.faults import FAULTS, undelivered
from charter.channels.teams.connector.wire import Wire
from charter.channels.teams.incoming import Json
from charter.channels.teams.ports import SignInLink
from charter.errors import Unavailable

T = TypeVar("T")

NONE = frozenset({404})
REFUSED = frozenset({400, 404, 409, 412})
"""What the service answers where it has none, or where what it was given is good for none: consent is missing, the code
or the token is not theirs."""


class UserTokens:
    """Keeps nothing: who may be whom for how long is for its callers to say."""

    def __init__(self, wire: Wire, connection: str, client_id: str) -> None:
        self._connection = connection
        self._client_id = client_id
        self._users = UserTokenClient(wire.client, wire.oauth)
        self._pages = BotSignInClient(wire.client, wire.oauth)

    async def token(self, account: str, channel: str, code: str = "") -> str | None:
        params = GetUserTokenParams(
            user_id=account, connection_name=self._connection, channel_id=channel, code=code or None
        )
        found = await _answer(self._users.get(params), REFUSED if code else NONE)
        return found.token if found else None

    async def exchange(self, account: str, channel: str, token: str) -> str | None:
        params = ExchangeUserTokenParams(
            user_id=account,
            connection_name=self._connection,
            channel_id=channel,
            exchange_request=TokenExchangeRequest(token=token),
        )
        found = await _answer(self._users.exchange(params), REFUSED)
        return found.token if found else None

    async def link(self, activity: Json) -> SignInLink:
        state = b64encode(orjson.dumps(self._state(activity))).decode()
        found = await _answer(self._pages.get_resource(GetBotSignInResourceParams(state=state)), frozenset())
        if found is None or not found.sign_in_link:
            raise Unavailable("The token service names no page to sign in.")
        return _link(found)

    async def sign_out(self, account: str, channel: str) -> None:
        params = SignOutUserParams(user_id=account, connection_name=self._connection, channel_id=channel)
        await _answer(self._users.sign_out(params), NONE)

    def _state(self, activity: Json) -> Json:
        """Return what the service gets to know of the conversation, so that its answer finds back there."""
        return {
            "connectionName": self._connection,
            "conversation": {
                "activityId": activity.get("id"),
                "user": activity.get("from"),
                "bot": activity.get("recipient"),
                "conversation": activity.get("conversation"),
                "channelId": activity.get("channelId"),
                "serviceUrl": activity.get("serviceUrl"),
                "locale": activity.get("locale"),
            },
            "msAppId": self._client_id,
        }


async def _answer(call: Awaitable[T], none: frozenset[int]) -> T | None:
    """Wait for the service; ``None`` where it answers with one of these statuses.

    Raises:
        Unavailable: it does not answer, or not as agreed. Nothing of its answer is told: tokens stand in it.
    """
    try:
        return await call
    except httpx.HTTPStatusError as fault:
        if fault.response.status_code in none:
            return None
        raise _unavailable(fault) from None
    except FAULTS as fault:
        raise _unavailable(fault) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unavailable("The token service's answer cannot be read.") from None


def _unavailable(fault: BaseException) -> Unavailable:
    found = undelivered(fault)
    said = f"answered {found.answered}" if found.answered else "does not answer"
    return Unavailable(f"The token service {said}.", retry_after=found.retry_after)


def _link(found: SignInUrlResponse) -> SignInLink:
    return SignInLink(
        str(found.sign_in_link),
        _json(found.token_exchange_resource) or {},
        _json(found.token_post_resource),
    )


def _json(model: CustomBaseModel | None) -> Json | None:
    return model.model_dump(by_alias=True, exclude_none=True) if model else None
