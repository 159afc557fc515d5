"""The guards of tenants, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

TENANCY = (
    Mutant(
        "suspension not asked at the claim",
        "charter/runs/engine.py",
        'if full == "suspended" or not self._entitlement.served(tenant):',
        "if False:",
        ("tests/tenancy/test_suspension.py",),
    ),
    Mutant(
        "runs of a suspended tenant not let go",
        "charter/runs/engine.py",
        "if not self._entitlement.served(hand.claim.ctx.tenant):",
        "if False:",
        ("tests/tenancy/test_suspension.py",),
    ),
    Mutant(
        "what a tenant may use not asked at a resume",
        "charter/runs/engine.py",
        "self._entitlement.check(tenant, await self._loop.agent(claim))",
        "pass",
        ("tests/tenancy/test_entitlement.py",),
    ),
    Mutant(
        "a suspension taken for lost authority",
        "charter/identity/renewal.py",
        "        except TenantSuspended:\n            raise\n",
        "",
        ("tests/identity/test_suspended.py",),
    ),
    Mutant(
        "runs of a suspended tenant looked after",
        "charter/store/crossing.py",
        "and not exists (select 1 from tenants t where t.id = runs.tenant and t.suspended) ",
        "",
        ("tests/tenancy/test_suspension.py",),
    ),
    Mutant(
        "suspension not asked of remembered callers",
        "charter/identity/authentication.py",
        "if not self._issuers.served(caller.ctx.tenant):",
        "if False:",
        ("tests/tenancy/test_suspension.py",),
    ),
    Mutant(
        "followers of a suspended tenant stay",
        "charter/runs/events.py",
        "self._entitlement.check_served(ctx.tenant)",
        "pass",
        ("tests/tenancy/test_suspension.py",),
    ),
    Mutant(
        "a tenant's agents not asked",
        "charter/runs/service.py",
        "if not self.entitlement.agent(ctx.tenant, spec.name):",
        "if False:",
        ("tests/tenancy/test_entitlement.py",),
    ),
    Mutant(
        "a tenant's collections not asked",
        "host.py",
        "collections = ground.entitlement.collections(ctx.tenant, agent.knowledge)",
        "collections = agent.knowledge",
        ("tests/tenancy/test_entitlement.py",),
    ),
    Mutant(
        "a tenant's regions not asked",
        "charter/tenancy/entitlement.py",
        "if own.residency is not None and self._region(agent.tier) not in own.residency:",
        "if False:",
        ("tests/tenancy/test_entitlement.py",),
    ),
    Mutant(
        "operators of any tenant are the host's",
        "charter/tenancy/operators.py",
        "return _operates(ctx) and ctx.tenant == home",
        "return _operates(ctx)",
        ("tests/tenancy/test_administration.py",),
    ),
    Mutant(
        "a mighty login is not seen",
        "charter/store/migrate.py",
        "await _check_bound(connection, [APP_ROLE, HOST_ROLE, me])",
        "await _check_bound(connection, [APP_ROLE, HOST_ROLE])",
        ("tests/tenancy/test_login.py",),
    ),
)
