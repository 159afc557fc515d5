"""What random people do in random conversations: they ask, order, decide, forge, judge and cancel, aloud and in private."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from tests.knowledge import poison
from tests.teams.grouping import anywhere, whisper
from tests.teams.seeing import Find, words
from tests.teams.views import Message, View
from tests.teams.world import APPROVER, ORDERS, PEOPLE, TICKETS, World, open_to_all, tenant_of

PATIENCE = 60.0
_OPERATORS = ("carol",)


@dataclass(slots=True)
class Stage:
    """The world, and what came of all scenes in it."""

    world: World
    counted: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class Scene:
    """One person in one conversation, in a channel in the thread of ``root``. ``members`` read along; ``alone``: they speak
    to the bot alone. ``there`` is where they found the last answer.
    """

    stage: Stage
    random: Random
    person: str
    chat: str
    members: Sequence[str]
    alone: bool
    root: str = ""
    there: str = ""

    @property
    def world(self) -> World:
        return self.stage.world

    @property
    def personal(self) -> bool:
        return self.chat == self.world.own[self.person]

    @property
    def hearers(self) -> Sequence[str]:
        """Who hears what is said here."""
        return [self.person] if self.alone else self.members

    @property
    def others(self) -> list[str]:
        return [each for each in self.members if each != self.person]

    async def say(self, text: str) -> None:
        teams = self.world.teams
        if self.alone:
            tenant = tenant_of(self.person)
            told = await whisper(teams, self.person, self.chat, text, root=self.root, tenant=tenant)
            assert told.status == 200
        else:
            await teams.say(self.person, self.chat, text, mention=not self.personal, root=self.root)

    async def ask(self, text: str, wanted: Sequence[str], what: str) -> Message:
        """Ask something, and return the answer, which must hold what is wanted; count who could read it."""
        reference = f"ref{self.random.getrandbits(32):08x}"
        await self.say(f"{reference} {text}")
        answer = await self.arrived(_answer(reference, *wanted))
        self.stage.counted[what] += 1
        if not self.personal:
            self.stage.counted["in private" if answer.targeted else "aloud"] += 1
        return answer

    async def arrived(self, find: Find) -> Message:
        """Return what they find here, or in their own chat (``there``)."""
        places = list(dict.fromkeys([self.chat, self.world.own[self.person]]))
        self.there, found = await anywhere(self.world.teams, self.person, places, find, PATIENCE)
        return found

    async def begin_thread(self) -> None:
        """Begin a thread of a channel, and sign in where that is asked for: there no client does it in silence."""
        teams = self.world.teams
        root = self.root = (await teams.say(self.person, self.chat, "/status", mention=True)).activity

        def told(view: View) -> Message | None:
            there = [message for message in view.bots if message.root == root]
            return next((m for m in there if m.sign_in or "How things stand" in m.words), None)

        message = await self.arrived(told)
        if message.sign_in:
            assert (await teams.sign_in(self.person, self.chat, message=message.id)).status == 200

    async def anew(self, agent: str = "") -> None:
        """Begin a new thread: what was said before is not looked at any more."""
        await self.say(f"/new {agent}".strip())
        self.stage.counted["command"] += 1


def _answer(reference: str, *wanted: str) -> Find:
    """Find what the model said to a request, and in which all of these words stand."""

    def is_it(message: Message) -> bool:
        return not message.growing and not message.cards and all(word in message.text for word in (reference, *wanted))

    return lambda view: next((message for message in view.bots if is_it(message)), None)


async def documents(scene: Scene) -> None:
    """Ask for documents by their keys: those that this person may read are told, and no other."""
    mine = [each for each in scene.world.shelf if not open_to_all(each)]
    about = scene.random.sample(mine, 3)
    who = scene.world.people[scene.person]
    wanted = [each.canary for each in about if each.readable(who)]
    await scene.ask(poison.question(scene.random, about), wanted, "documents")


async def open_documents(scene: Scene) -> None:
    """Ask for what everybody of the tenant may read; in a thread of its own it is told to all of them."""
    who = scene.world.people[scene.person]
    about = scene.random.choice([each for each in scene.world.shelf if open_to_all(each) and each.readable(who)])
    await scene.anew("guide")
    answer = await scene.ask(poison.question(scene.random, [about]), [about.canary], "open documents")
    if not scene.personal:
        house = {tenant_of(member) for member in scene.members}
        assert answer.targeted is (scene.alone or len(house) > 1 or scene.chat in scene.world.blind), answer
    await scene.anew("concierge")


async def leave(scene: Scene) -> None:
    own = sorted(scene.world.leave[scene.person])
    await scene.ask("How many days of annual leave do I have left?", own, "leave")


async def ticket(scene: Scene) -> None:
    """Ask for one's own ticket, or for somebody else's, which nobody is shown."""
    whose = scene.random.choice([scene.person, *TICKETS])
    wanted = [scene.world.tickets[whose]] if whose == scene.person in TICKETS else []
    await scene.ask(f"What about {TICKETS.get(whose, 'INC-1001')}?", wanted, "ticket")


async def order(scene: Scene) -> None:
    """Ask for an order: it is told to whom it belongs, and to buyers."""
    whose = scene.random.choice([scene.person, *ORDERS])
    canary = scene.world.orders.get(whose, "")
    wanted = [canary] if canary and scene.person in scene.world.canaries.readers[canary] else []
    await scene.ask(f"Where is {ORDERS.get(whose, 'PO-7781')}?", wanted, "order")


async def new_ticket(scene: Scene) -> None:
    """Have a ticket opened; where the thread has seen content from outside, its card tells that the person is asked first."""
    title = scene.world.canaries.new(tenant_of(scene.person), *scene.hearers)
    reference = f"ref{scene.random.getrandbits(32):08x}"
    await scene.anew("concierge")
    await scene.say(f"{reference} open a ticket about {title}")

    def told(view: View) -> Message | None:
        return next((m for m in view.bots if not m.growing and reference in m.words and title in m.words), None)

    await scene.arrived(told)
    scene.stage.counted["new ticket"] += 1


async def approval(scene: Scene) -> None:
    """Order something dear: the approver alone is asked, others press in vain, and one of them ends it."""
    if scene.person not in APPROVER:
        return await order(scene)
    world, approver = scene.world, APPROVER[scene.person]
    item = world.canaries.new(tenant_of(scene.person), approver, *scene.hearers)
    reference = f"ref{scene.random.getrandbits(32):08x}"
    await scene.anew("concierge")
    await scene.say(f"{reference} order a {item} for 1,450 EUR")
    card = await world.teams.until(approver, world.own[approver], words("Your approval is asked", item), PATIENCE)
    task = await scene.arrived(words("Waiting", item))
    await _in_vain(scene, card, task)
    scene.stage.counted["approval"] += 1
    match scene.random.choice(("Approve", "Reject", "Cancel", "nothing")):
        case "Cancel":
            assert (await world.teams.click(scene.person, scene.chat, task.id, "Cancel")).effect == "card"
            await scene.arrived(words("Cancelled", item))
            await world.teams.until(approver, world.own[approver], words("No longer asked", item), PATIENCE)
        case "nothing":
            pass
        case decision:
            comment = world.canaries.new(tenant_of(scene.person), approver, scene.person)
            pressed = await world.teams.click(approver, world.own[approver], card.id, decision, {"comment": comment})
            assert pressed.effect == "card", pressed
            await scene.arrived(_answer(reference, item))
    return None


async def _in_vain(scene: Scene, card: Message, task: Message) -> None:
    """Let others press what they cannot see, or must not press; what they are told counts as shown to them."""
    world = scene.world
    (data,) = [each["data"] for each in card.card["actions"] if each.get("verb") == "approve"]
    forger = scene.random.choice([each for each in PEOPLE if each not in {scene.person, APPROVER[scene.person]}])
    value = {"action": {"type": "Action.Execute", "verb": "approve", "data": data}, "trigger": "manual"}
    invoke = {"type": "invoke", "name": "adaptiveCard/action", "value": value, "replyToId": card.id}
    told = await world.teams.post(invoke, person=forger, conversation=world.own[forger])
    assert told.body["statusCode"] in {401, 403, 404}, told
    world.told.append((forger, orjson.dumps(told.body).decode()))
    for other in scene.others:
        if other not in _OPERATORS and not task.targeted and not scene.personal:
            assert (await world.teams.click(other, scene.chat, task.id, "Cancel")).effect == "error"
            scene.stage.counted["pressed in vain"] += 1


async def command(scene: Scene) -> None:
    text, heading = scene.random.choice(
        (("/tasks", "Your tasks"), ("/status", "How things stand"), ("/help", "What you can"))
    )
    await scene.say(text)
    found = await scene.arrived(words(heading))
    assert found.targeted or scene.personal or found.id
    scene.stage.counted["command"] += 1


async def feedback(scene: Scene) -> None:
    """Say what one thinks of an answer; others who read it say it, too, and nobody is told."""
    answer = await scene.ask("Good morning.", [], "greeting")
    reason = scene.world.canaries.new(tenant_of(scene.person), scene.person)
    judges = [scene.person] if answer.targeted or scene.there != scene.chat else scene.members
    for judge in judges:
        await scene.world.teams.feedback(judge, scene.there, answer.id, "like", reason if judge == scene.person else "")
    scene.stage.counted["feedback"] += 1


async def guest(scene: Scene) -> None:
    """Somebody of elsewhere asks: they are told in private that nothing is done for them here, or asked to sign in."""
    teams, chat = scene.world.teams, scene.chat
    who = next(each for each in scene.members if tenant_of(each) != tenant_of(scene.person))
    said = await teams.say(who, chat, "How many days of annual leave?", mention=True, root=scene.root)

    def refused(view: View) -> Message | None:
        found = (m for m in view.bots if m.activity.get("replyToId") == said.activity or m.sign_in)
        return next((m for m in found if m.targeted), None)

    await teams.until(who, chat, refused, PATIENCE)
    scene.stage.counted["guest"] += 1


Act = Callable[[Scene], Awaitable[Any]]
ACTS: Sequence[tuple[Act, int]] = (
    (documents, 5), (open_documents, 4), (leave, 4), (ticket, 2), (order, 2), (new_ticket, 2), (approval, 3), (command, 2),
    (feedback, 2),
)  # fmt: skip


async def play(stage: Stage, number: int) -> None:
    """Play the scene of that number."""
    random, world = Random(number), stage.world
    tenant = random.choice(("contoso", "contoso", "fabrikam"))
    house = [each for each in PEOPLE if tenant_of(each) == tenant]
    person = random.choice(house)
    chat = await _place(stage, random, tenant, person)
    members = world.chats[chat]
    scene = Scene(stage, random, person, chat, members, alone=len(members) > 1 and random.random() < 0.15)
    async with world.turns[person, chat]:
        if chat in world.channels:
            await scene.begin_thread()
        for act in random.choices([act for act, _ in ACTS], [weight for _, weight in ACTS], k=2):
            if random.random() < 0.4:
                await scene.anew()
            await act(scene)
        if len({tenant_of(member) for member in members}) > 1:
            await guest(scene)
    stage.counted["scene"] += 1
    stage.counted["own chat" if scene.personal else "among others"] += 1


async def _place(stage: Stage, random: Random, tenant: str, person: str) -> str:
    """Return the person's own chat, a conversation that they are in, or a new one, now and then with people of elsewhere."""
    world = stage.world
    if random.random() < 0.2:
        return world.own[person]
    known = [
        each for each, members in world.chats.items()
        if len(members) > 1 and person in members and tenant_of(members[0]) == tenant
    ]  # fmt: skip
    if known and random.random() < 0.6:
        return random.choice(known)
    pool = PEOPLE if random.random() < 0.3 else [each for each in PEOPLE if tenant_of(each) == tenant]
    others = [each for each in pool if each != person]
    members = (person, *random.sample(others, random.randint(1, len(others))))
    place = await world.chat(random.choice(("group", "channel")), tenant, *members)
    if random.random() < 0.1:
        world.blind.add(place)
        await world.teams.fault("members", 403, times=1_000, conversation=place)
    stage.counted["with guests"] += len({tenant_of(each) for each in members}) > 1
    return place
