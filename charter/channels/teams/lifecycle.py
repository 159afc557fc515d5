"""The app comes and goes, and so do people: who is greeted, and who can be reached."""

from charter.channels.teams import cards, conversations, known, messages, outbox
from charter.channels.teams.desk import Desk
from charter.channels.teams.incoming import Activity
from charter.channels.teams.outbox import Said
from charter.channels.teams.speech import speech_of


async def changed(desk: Desk, tenant: str, activity: Activity) -> None:
    """Greet where the app was added, once; stop reaching for people where it was removed."""
    conversation = activity.place.conversation
    if conversations.removed(activity):
        async with desk.database.tenant_session(tenant) as session:
            await outbox.forget(session, _key(conversation))
    else:
        await desk.say(tenant, await _greeting(desk, tenant, activity))


async def _greeting(desk: Desk, tenant: str, activity: Activity) -> Said:
    """A card with things to begin with in somebody's own chat, one line where others read along."""
    async with desk.database.tenant_session(tenant) as session:
        speech = speech_of(activity.locale or await known.locale(session, activity.sender.oid))
    place = activity.place
    if place.scope != "personal":
        return Said(_key(place.conversation), messages.plain(speech.say("group.welcome")), place.conversation)
    card = cards.welcome(speech, desk.service.offered(tenant), activity.sender.name)
    return Said(_key(place.conversation), messages.with_card(card, speech.say("welcome.heading")), place.conversation)


def _key(conversation: str) -> str:
    return f"welcome:{conversation}"
