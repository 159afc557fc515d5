"""The guards of the way to a model, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_ROUTE = "charter/models/route.py"
_BREAKER = "charter/models/breaker.py"
_PURE = "tests/models/test_route.py"
_FAILOVER = "tests/runs/test_failover.py"

ROUTE = (
    Mutant(
        "residency dropped in failover",
        _ROUTE,
        "turn = _Turn(self, wanted.able(there), ",
        "turn = _Turn(self, wanted.able(self.deployments), ",
        (_PURE,),
    ),
    Mutant(
        "residency not handed to the model's turn",
        "charter/runs/loop.py",
        "                        regions=regions,\n",
        "",
        (_FAILOVER,),
    ),
    Mutant(
        "a deployment that says no region serves a residency",
        "charter/settings/models.py",
        'residency is None or (self.region != "" and self.region in residency)',
        'residency is None or self.region == "" or self.region in residency',
        ("tests/tenancy/test_entitlement.py",),
    ),
    Mutant(
        "Retry-After ignored",
        _BREAKER,
        "return max(self._busy_until - now, 0.0)",
        "return 0.0",
        (_PURE,),
    ),
    Mutant(
        "Retry-After believed without end",
        _ROUTE,
        "self.clock() + min(seconds, PATIENCE_SECONDS)",
        "self.clock() + seconds",
        (_PURE,),
    ),
    Mutant(
        "breaker never opens",
        _BREAKER,
        "if not late and (probe or ",
        "if False and (probe or ",
        (_PURE,),
    ),
    Mutant(
        "all may find out at once",
        _BREAKER,
        "(self._open_until <= now and not self._probing)",
        "self._open_until <= now",
        (_PURE,),
    ),
    Mutant(
        "an abandoned probe keeps all others out",
        _ROUTE,
        "            breaker.abandoned(probe=probe)\n",
        "",
        (_PURE,),
    ),
    Mutant(
        "what was rejected is asked elsewhere",
        "charter/errors.py",
        'return self.why not in {"rejected", "filtered"}',
        "return True",
        (_PURE,),
    ),
    Mutant(
        "weight zero shares in",
        "charter/models/choosing.py",
        "each.weight == 0, ",
        "False, ",
        (_PURE,),
    ),
    Mutant(
        "cost by the wrong deployment",
        _ROUTE,
        "return self.named(reply.deployment).cost(reply.usage, day)",
        "return self.deployments[0].cost(reply.usage, day)",
        (_PURE,),
    ),
    Mutant(
        "failed attempts cost nothing",
        _ROUTE,
        " + self.spent(reply.attempts, day)",
        "",
        (_PURE,),
    ),
    Mutant(
        "the newest price counts for all days",
        "charter/models/prices.py",
        "if each.since <= day",
        "if True",
        ("tests/models/test_prices.py",),
    ),
    Mutant(
        "prices of two currencies are added",
        "charter/models/prices.py",
        "        if (rate := costs.rate(currency)) is None:",
        "        if (rate := costs.rate(currency) or Decimal(1)) is None:",
        ("tests/models/test_prices.py",),
    ),
    Mutant(
        "failover after the first token doubles the text",
        "charter/kernel/session.py",
        "                await hearer.withdraw()\n",
        "                pass\n",
        (_FAILOVER,),
    ),
    Mutant(
        "a stream that ends early passes for whole",
        "charter/kernel/connector.py",
        "            raise broken_off()\n",
        "            return\n",
        (_FAILOVER,),
    ),
    Mutant(
        "text that is withdrawn is sent on",
        "charter/runs/outlet.py",
        "self.text, self.size, self.withdrawn = [], 0, True",
        "self.withdrawn = True",
        ("tests/runs/test_withdrawing.py",),
    ),
    Mutant(
        "who failed before is not kept",
        "charter/runs/conversation.py",
        "if reply.attempts else kept",
        "if False else kept",
        (_FAILOVER,),
    ),
)
