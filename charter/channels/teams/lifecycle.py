"""The app comes and goes, and so do people: who is greeted, and who can be reached."""

from contextlib import suppress
from dataclasses import replace

from charter.channels.teams import cards, conversations, known, messages, outbox, people
from charter.channels.teams.desk import Desk
from charter.channels.teams.incoming import Activity, Json
from charter.channels.teams.outbox import Said
from charter.channels.teams.ports import Undelivered
from charter.channels.teams.speech import Speech, speech_of
from charter.errors import DatabaseUnavailable, Forbidden, TenantSuspended, Unavailable
from charter.identity.authentication import Caller


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
    caller = await _present(desk, tenant, activity)
    card = await _welcome(desk, tenant, activity, caller, speech)
    return Said(_key(place.conversation), messages.with_card(card, speech.say("welcome.heading")), place.conversation)


async def _present(desk: Desk, tenant: str, activity: Activity) -> Caller | None:
    """Return who it is, if they have signed in before; a greeting asks nobody to."""
    try:
        return await desk.callers.present(tenant, activity)
    except (DatabaseUnavailable, TenantSuspended):
        raise
    except (Forbidden, Unavailable):
        return None


async def _welcome(desk: Desk, tenant: str, activity: Activity, caller: Caller | None, speech: Speech) -> Json:
    name = await _name(desk, tenant, activity, caller)
    if caller is None:
        return cards.welcome(speech, desk.service.offered(tenant), name, known=False)
    return cards.welcome(speech, desk.service.agents(caller.ctx), name)


async def _name(desk: Desk, tenant: str, activity: Activity, caller: Caller | None) -> str:
    """Return what the person is called, and keep it: Teams does not say it where the app is added, and others are to be
    told whose decision they wait for.
    """
    who = activity.sender
    if who.name:
        return who.name
    name = caller.ctx.principal.name if caller else ""
    if not name:
        with suppress(Undelivered):
            members = await desk.connector.members(activity.place)
            name = next((each.account.name for each in members if each.account.oid == who.oid), "")
    if name and who.oid:
        async with desk.database.tenant_session(tenant) as session:
            await people.seen(session, tenant, replace(activity, sender=replace(who, name=name)))
    return name


def _key(conversation: str) -> str:
    return f"welcome:{conversation}"
