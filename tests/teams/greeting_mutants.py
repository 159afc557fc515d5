"""The guards of first contact, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

GREETING = ("tests/teams/test_greeting.py",)

GREETED = (
    Mutant(
        "a stranger greeted with every agent",
        "charter/runs/service.py",
        "if self._may_see(anybody, spec)",
        "if self.entitlement.agent(tenant, spec.name)",
        GREETING,
    ),
    Mutant(
        "somebody known greeted as a stranger",
        "charter/channels/teams/lifecycle.py",
        "return cards.welcome(speech, desk.service.agents(caller.ctx), name)",
        "return cards.welcome(speech, desk.service.offered(tenant), name)",
        GREETING,
    ),
    Mutant(
        "a person who is added keeps no name",
        "charter/channels/teams/lifecycle.py",
        'name = next((each.account.name for each in members if each.account.oid == who.oid), "")',
        'name = ""',
        GREETING,
    ),
    Mutant(
        "asked to choose among none",
        "charter/channels/teams/talk.py",
        "        if not offered:\n",
        "        if offered is None:\n",
        GREETING,
    ),
)

LONG = ("tests/teams/test_long_call.py",)

ENDED = (
    Mutant(
        "a long call below a text that nobody tells of",
        "charter/channels/teams/answering.py",
        "return (QUIET_SECONDS if self.calling else None) if self.text else PATIENCE_SECONDS",
        "return None if self.text else PATIENCE_SECONDS",
        LONG,
    ),
    Mutant(
        "a failure told beside its stream",
        "charter/channels/teams/answering.py",
        'if growing.broken or not (run.status == "completed" or (run.finished and not growing.shown)):',
        'if growing.broken or run.status != "completed":',
        ("tests/teams/test_ending.py",),
    ),
    Mutant(
        "a stop that ends what is elsewhere",
        "charter/channels/teams/tasks.py",
        "where person = $1 and conversation = $2 and exists",
        "where person = $1 and $2 <> '' and exists",
        ("tests/teams/test_ending.py",),
    ),
    Mutant(
        "a choice that is pressed twice begins twice",
        "charter/channels/teams/talk.py",
        'return f"teams:{activity.place.conversation}:{original}"',
        'return f"teams:{activity.place.conversation}:{activity.id}"',
        ("tests/teams/test_pressing.py",),
    ),
    Mutant(
        "another try that is pressed twice",
        "charter/channels/teams/talk.py",
        'return f"teams:again:{run_id}"',
        'return f"teams:again:{activity.id}"',
        ("tests/teams/test_pressing.py",),
    ),
    Mutant(
        "a file forgotten while somebody chooses",
        "charter/channels/teams/talk.py",
        'waiting.get("attachments", ())',
        "()",
        ("tests/teams/test_pressing.py",),
    ),
)

NAMED = (
    Mutant(
        "the id of whoever has no name",
        "charter/channels/teams/speech/__init__.py",
        'return self.say("named") if _GUID.fullmatch(name) else name',
        "return name",
        ("tests/teams/test_cards.py",),
    ),
    Mutant(
        "the id of a group",
        "charter/channels/teams/speech/__init__.py",
        'return self.say("members" if kind == "group" else "named") if _GUID.fullmatch(name) else name',
        "return name",
        ("tests/teams/test_messages.py",),
    ),
)
