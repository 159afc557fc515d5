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
