"""Who is in a conversation, as the connector tells it."""

from aiohttp import web

from charter.twins.bot_connector.chats import Chat
from charter.twins.bot_connector.entering import Asked, Json, door
from charter.twins.bot_connector.people import Person
from charter.twins.bot_connector.refusals import Refused, bad
from charter.twins.bot_connector.state import Channel

_MOST_IN_A_PAGE = 500


def routes(conversations: str) -> list[web.RouteDef]:
    """Both spellings of the paged list are asked for by clients."""
    one = f"{conversations}/{{conversation}}"
    return [
        web.get(f"{one}/members", door("members", _members)),
        web.get(f"{one}/pagedmembers", door("members", _paged)),
        web.get(f"{one}/pagedMembers", door("members", _paged)),
        web.get(f"{one}/members/{{member}}", door("members", _member)),
        web.get(f"{one}/activities/{{activity}}/members", door("members", _members)),
    ]


async def people(channel: Channel, chat: Chat) -> list[Person]:
    return [await channel.people.named(channel.http, oid) for oid in chat.members]


async def accounts(channel: Channel, chat: Chat) -> set[str]:
    """Return the accounts that may be mentioned there, the bot's own among them."""
    return {person.account for person in await people(channel, chat)} | {channel.bot.account}


async def _members(asked: Asked) -> web.Response:
    chat, _ = asked.channel.chats.find(asked.conversation)
    return web.json_response([_told(chat, person) for person in await people(asked.channel, chat)])


async def _paged(asked: Asked) -> web.Response:
    chat, _ = asked.channel.chats.find(asked.conversation)
    size, start = asked.query.get("pageSize", "200"), asked.query.get("continuationToken", "0")
    if not size.isdecimal() or not 1 <= int(size) <= _MOST_IN_A_PAGE or not start.isdecimal():
        raise bad("The pageSize is a number from 1 to 500, and the continuationToken one that was given.")
    told = [_told(chat, person) for person in await people(asked.channel, chat)]
    end = int(start) + int(size)
    answer: Json = {"members": told[int(start) : end]}
    return web.json_response(answer | ({"continuationToken": str(end)} if end < len(told) else {}))


async def _member(asked: Asked) -> web.Response:
    chat, _ = asked.channel.chats.find(asked.conversation)
    wanted = asked.request.match_info["member"]
    for person in await people(asked.channel, chat):
        if wanted in (person.account, person.oid):
            return web.json_response(_told(chat, person))
    raise Refused(404, "MemberNotFoundInConversation", "Member not found in conversation.")


def _told(chat: Chat, person: Person) -> Json:
    """Somebody of another tenant is a guest."""
    given, _, surname = person.name.partition(" ")
    return {
        "id": person.account,
        "name": person.name,
        "givenName": given,
        "surname": surname,
        "email": person.address,
        "userPrincipalName": person.address,
        "aadObjectId": person.oid,
        "objectId": person.oid,
        "tenantId": person.tenant,
        "userRole": "user" if person.tenant == chat.tenant else "guest",
    }
