"""The one passage of every function call. Whatever goes wrong in here, the answer is no."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from charter.catalog.spec import AgentSpec, Catalog, FunctionSpec
from charter.context import Context
from charter.governance import arguments
from charter.governance.approval import Approval
from charter.governance.decision import ApprovalKind, Call, Decision, Level, call_digest
from charter.governance.labels import Label
from charter.governance.policy import Policies, Verdict

__all__ = ["Call", "Decision", "Directory", "Gate", "Person"]


class Person(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


class Directory(Protocol):
    """Who answers for whom."""

    async def manager(self, ctx: Context) -> Person | None:
        """Return the manager of the principal; ``None``: there is none."""
        ...


class _Refused(Exception):
    """The call cannot go on; the sentence says why, for everybody."""


class Gate:
    """Decides each call from the catalog, the policies and the directory. Stateless between calls."""

    def __init__(self, catalog: Catalog, policies: Policies, directory: Directory, *, patience: float = 10) -> None:
        """``patience`` is how many seconds the directory has to name a manager."""
        self._catalog = catalog
        self._policies = policies
        self._directory = directory
        self._patience = patience

    async def check(
        self, ctx: Context, call: Call, labels: Label, *, level: Level, approval: Approval | None = None
    ) -> Decision:
        """Decide one call of the agent that ``ctx`` names; ``labels`` is the joined label of all its model has seen.

        Never raises and never allows by accident: any fault inside is a denial. With an ``approval`` the policies are
        asked again; it answers their question only if it is approved, for this very digest, by one of those who are
        to be asked now, and not by the requester (a confirmation: by no one else). Otherwise the question stands.
        """
        try:
            return await self._check(ctx, call, labels, level, approval)
        except Exception as fault:  # noqa: BLE001 - no fault of any kind may let a call through
            public = "Not permitted: the call could not be judged."
            return Decision("deny", (), f"{public} {type(fault).__name__}: {fault}"[:1000], public=public)

    def visible(self, ctx: Context, agent: AgentSpec) -> frozenset[str]:
        """Return the functions of ``agent`` to offer to this principal's model; none where that cannot be told."""
        try:
            return self._policies.visible(ctx, agent)
        except Exception:  # noqa: BLE001 - what cannot be judged is not offered
            return frozenset()

    async def _check(
        self, ctx: Context, call: Call, labels: Label, level: Level, approval: Approval | None
    ) -> Decision:
        digest = ""
        try:
            agent, function = self._declared(ctx, call)
            arguments.check(function, call.arguments)
            digest = self._digest(ctx, agent, function, call)
            verdict = self._policies.decide(ctx, agent, function, call.arguments, label=labels, level=level)
            if verdict.outcome != "ask":
                return Decision(verdict.outcome, verdict.policies, verdict.reason, digest=digest, public=verdict.public)
            question = await self._question(ctx, function, verdict, digest)
        except _Refused as fault:
            return Decision("deny", (), str(fault), digest=digest, public=f"Not permitted: {fault}")
        except arguments.InvalidArguments as fault:
            return Decision("deny", (), fault.public, digest=digest, public=fault.public)
        return question if approval is None else _answered(question, approval, ctx)

    def _declared(self, ctx: Context, call: Call) -> tuple[AgentSpec, FunctionSpec]:
        agent = self._catalog.agents.get(ctx.agent) if ctx.agent else None
        if agent is None:
            raise _Refused("No agent of this host makes this call.")
        if call.function.full_name not in agent.functions:
            raise _Refused(f"The agent {agent.name} does not have {call.function.full_name}.")
        # The catalog's own word, not the caller's, says what the function does to the world.
        return agent, self._catalog.function(call.function.full_name)

    def _digest(self, ctx: Context, agent: AgentSpec, function: FunctionSpec, call: Call) -> str:
        return call_digest(
            function,
            call.arguments,
            policy_version=self._policies.versions[agent.name],
            bundle=agent.bundle,
            requester=ctx.principal.id,
            tenant=ctx.tenant,
        )

    async def _question(self, ctx: Context, function: FunctionSpec, verdict: Verdict, digest: str) -> Decision:
        kind, approvers, who = await self._judges(ctx, verdict.asks)
        public = f"{function.full_name} waits until {who} {'confirms' if kind == 'confirmation' else 'approves'} it."
        return Decision("ask", verdict.policies, verdict.reason, approvers, kind, digest, public)

    async def _judges(self, ctx: Context, asks: Sequence[str]) -> tuple[ApprovalKind, tuple[str, ...], str]:
        requester = f"user:{ctx.principal.id}"
        if set(asks) == {"requester"}:
            if ctx.principal.type == "workload":
                raise _Refused("The person who asked has to confirm this, and a workload cannot.")
            return "confirmation", (requester,), ctx.principal.name
        named = {ask: ask.partition(":")[2] for ask in asks if ask not in ("manager", "requester")}
        if "manager" in asks:
            entry, name = await self._superior(ctx)
            named[entry] = name
        named.pop(requester, None)
        if not named:
            raise _Refused("Nobody but the requester could approve this, and nobody approves their own request.")
        return "approval", tuple(sorted(named)), " or ".join(named[entry] for entry in sorted(named))

    async def _superior(self, ctx: Context) -> tuple[str, str]:
        """Return who is asked as a manager is, and their name: for a workload whom its trigger names."""
        if ctx.principal.type != "workload":
            manager = await self._manager(ctx)
            return f"user:{manager.id}", manager.name
        if ctx.approver is None:
            raise _Refused("A manager has to approve this, and a workload has none.")
        return ctx.approver, ctx.approver.partition(":")[2]

    async def _manager(self, ctx: Context) -> Person:
        try:
            async with asyncio.timeout(self._patience):
                manager = await self._directory.manager(ctx)
        except Exception as fault:
            raise _Refused(
                f"The manager of {ctx.principal.name} has to approve this, and the directory does not answer."
            ) from fault
        if manager is None:
            raise _Refused(f"A manager has to approve this, and {ctx.principal.name} has none.")
        return manager


def _answered(question: Decision, approval: Approval, ctx: Context) -> Decision:
    if flaw := _flaw(question, approval, ctx.principal.id):
        return Decision(
            "ask",
            question.policies,
            f"{question.reason} {flaw}",
            question.approvers,
            question.kind,
            question.digest,
            question.public,
        )
    word = "Confirmed" if approval.kind == "confirmation" else "Approved"
    return Decision(
        "allow", question.policies, f"{question.reason} {word} by {approval.decided_by}.", digest=question.digest
    )


def _flaw(question: Decision, approval: Approval, requester: str) -> str | None:
    """Say why the approval does not answer the question; ``None``: it does."""
    if approval.status != "approved":
        return f"The approval is {approval.status}."
    if approval.digest != question.digest:
        return "The approval was given for another call."
    if approval.kind != question.kind:
        return f"A {approval.kind} does not answer for the {question.kind} that is needed."
    if approval.decided_as not in question.approvers:
        return "The approval was given by somebody who is not asked."
    if (approval.decided_by == requester) != (question.kind == "confirmation"):
        return "The approval was given by the wrong side: nobody approves their own request."
    return None
