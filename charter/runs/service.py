"""What every channel calls: start, decide or read. Authority comes with the context, never from a request's body."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from charter.catalog.spec import AgentSpec
from charter.context import Context, Principal
from charter.errors import FieldError, InvalidRequest, NotFound, RunFinished
from charter.governance import approvals
from charter.governance.approvals import Approval
from charter.identity.grants import Grants
from charter.identity.principals import EMPLOYEE
from charter.knowledge.archive import Archive
from charter.models.chat import Image
from charter.models.choosing import Wanted
from charter.runs import admission, feedback, files, images, journal, records, resolving
from charter.runs.admittance import Admittance
from charter.runs.drill import Drill
from charter.runs.editions import Editions
from charter.runs.engine import Engine
from charter.runs.events import EventStream
from charter.runs.feedback import Feedback, Reaction
from charter.runs.following import Followers
from charter.runs.parking import verdict
from charter.runs.records import Claim
from charter.runs.replaying import Replayed, Replaying
from charter.runs.run import TERMINAL, Event, Page, Run, StartRun, Step
from charter.settings import Http, Runs
from charter.store.database import Database, Session
from charter.telemetry.tracing import Trace
from charter.tenancy.entitlement import Entitlement


@dataclass(frozen=True, slots=True)
class RunService:
    """The one way from a channel into runs."""

    database: Database
    editions: Editions
    grants: Grants
    engine: Engine
    followers: Followers
    stream: EventStream
    archive: Archive
    settings: Runs
    http: Http
    drill: Drill
    entitlement: Entitlement
    admittance: Admittance = field(default_factory=Admittance)

    def agents(self, ctx: Context) -> list[dict[str, Any]]:
        """Return what this principal may start."""
        return [
            self._agent(ctx, spec) for spec in self.editions.current.catalog.agents.values() if self._may_see(ctx, spec)
        ]

    def offered(self, tenant: str) -> list[dict[str, Any]]:
        """Return the names, descriptions and starters of the agents that everybody who works there may start: for somebody who
        is not known yet.
        """
        anybody = Context(tenant, Principal("", "user", "", frozenset({EMPLOYEE})))
        return [
            {"name": spec.name, "description": spec.description, "starters": list(spec.starters)}
            for spec in self.editions.current.catalog.agents.values()
            if self._may_see(anybody, spec)
        ]

    def agent(self, ctx: Context, name: str) -> dict[str, Any]:
        return self._agent(ctx, self._startable(ctx, name))

    def _may_see(self, ctx: Context, spec: AgentSpec) -> bool:
        if not self.entitlement.agent(ctx.tenant, spec.name):
            return False
        return not spec.functions or bool(self.editions.current.gate.visible(ctx, spec))

    def _startable(self, ctx: Context, name: str) -> AgentSpec:
        spec = self.editions.current.catalog.agents.get(name)
        if spec is None or not self._may_see(ctx, spec):
            raise NotFound(f"There is no agent {name[:64]}.", action="GET /v1/agents lists what you may start.")
        return spec

    def _agent(self, ctx: Context, spec: AgentSpec) -> dict[str, Any]:
        visible = self.editions.current.gate.visible(ctx, spec)
        return {
            "name": spec.name,
            "description": spec.description,
            "owner": spec.owner,
            "model": {"tier": spec.tier, "level": self._level(ctx, spec)},
            "functions": [
                {"name": n, "effect": self.editions.current.catalog.function(n).effect}
                for n in spec.functions
                if n in visible
            ],
            "starters": list(spec.starters),
        }

    def _level(self, ctx: Context, spec: AgentSpec) -> str:
        """Return the level of the deployment that most likely answers this tenant next."""
        route = self.editions.current.sessions[spec.name].route
        likely = route.likely(self.entitlement.regions(ctx.tenant))
        return likely.level() if likely else "yours"

    async def start(self, ctx: Context, request: StartRun, *, assertion: str | None) -> tuple[Run, bool]:
        """Admit the run and begin to work on it; say whether it is new (``False``: the idempotency key is known).

        Raises:
            Draining, NotFound, InvalidRequest, ModelCannot, QueueFull, IdempotencyKeyReused, AuthorityLost: see each.
            TenantSuspended, Forbidden: the tenant may not, now or with this agent's model.
        """
        self.admittance.check()
        self.entitlement.check_served(ctx.tenant)
        spec = self._startable(ctx, request.agent)
        self.entitlement.check(ctx.tenant, spec)
        self._acceptable(request)
        wanted = Wanted(images=bool(request.images), form=spec.output is not None)
        self.editions.current.sessions[spec.name].route.check(wanted, self.entitlement.regions(ctx.tenant))
        if assertion is not None and ctx.principal.type != "workload":
            await self.grants.keep(ctx, assertion)
        claim, run = await admission.admit(
            self.database, ctx, spec, request, self.engine.host(ctx.tenant), Trace.present()
        )
        if run is None:
            return await self.get(ctx, claim.run_id), False
        if run.status == "running":
            self.engine.begin(claim, streams=request.streams)
        else:
            await self.engine.offer(claim)
        return run, True

    def _acceptable(self, request: StartRun) -> None:
        if not request.input.strip():
            raise InvalidRequest("The input is empty.", errors=[FieldError("/input", "say what is to be done")])
        images.check(request.images)
        files.check(request.files)
        if len(request.input) > self.http.input_limit_chars:
            raise InvalidRequest(
                "The input is too long.",
                errors=[FieldError("/input", f"at most {self.http.input_limit_chars} characters")],
            )

    async def get(self, ctx: Context, run_id: str) -> Run:
        async with self.database.session(ctx) as session:
            return await records.read(session, ctx, run_id)

    async def begun(self, ctx: Context, idempotency_key: str) -> Run | None:
        """Return the run that this principal began by that key, if they did."""
        async with self.database.session(ctx) as session:
            return await records.begun(session, ctx, idempotency_key)

    async def images(self, ctx: Context, run_id: str) -> tuple[Image, ...]:
        """Return the images of a run's input.

        Raises:
            NotFound: not a run that this principal may see.
        """
        async with self.database.session(ctx) as session:
            await records.read(session, ctx, run_id)
            return await images.of_run(session, run_id)

    async def listing(self, ctx: Context, *, cursor: str | None = None, limit: int = 50, **filters: str | None) -> Page:
        async with self.database.session(ctx) as session:
            return await records.listing(session, ctx, cursor=cursor, limit=limit, filters=filters)

    async def wait(self, ctx: Context, run_id: str, seconds: float) -> Run:
        """Return the run once it is settled, or as it is when the time is over or the host goes.

        Raises:
            TenantSuspended: the tenant is, from now on.
        """
        try:
            async with asyncio.timeout(seconds):
                if task := self.engine.local(run_id):
                    await asyncio.wait({task})
                async with self.followers.follow(run_id) as queue:
                    while not ((run := await self.get(ctx, run_id)).settled or self.followers.over):
                        await queue.get()
                        self.entitlement.check_served(ctx.tenant)
                    return run
        except TimeoutError:
            return await self.get(ctx, run_id)

    async def timeline(self, ctx: Context, run_id: str, after: int = 0) -> list[Step]:
        async with self.database.session(ctx) as session:
            await records.read(session, ctx, run_id)
            return [step for step in await journal.steps(session, run_id) if step.seq > after]

    def events(self, ctx: Context, run_id: str, after: int = 0) -> AsyncIterator[Event]:
        return self.stream.follow(ctx, run_id, after)

    async def approvals(
        self, ctx: Context, *, status: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        async with self.database.session(ctx) as session:
            items, following = await approvals.listing(session, ctx, status=status, cursor=cursor, limit=limit)
        return Page(items, following)

    async def approval(self, ctx: Context, approval_id: str) -> Approval:
        async with self.database.session(ctx) as session:
            approval = await approvals.get(session, approval_id)
        if not approvals.may_see(ctx, approval):
            raise NotFound(f"There is no approval {approval_id[:64]}.")
        return approval

    async def decide(
        self,
        ctx: Context,
        approval_id: str,
        decision: Literal["approve", "reject"],
        digest: str,
        comment: str | None = None,
    ) -> Approval:
        """Take a person's decision on one exact call and let the run go on; the same decision again changes nothing.

        Raises:
            NotFound, NotAnApprover, SelfApproval, DigestMismatch, AlreadyDecided, Expired, TenantSuspended: see each.
        """
        self.entitlement.check_served(ctx.tenant)
        async with self.database.session(ctx) as session:
            approval, changed = await approvals.decide(
                session, ctx, approval_id, decision, digest, comment=comment, trace_id=Trace.present().trace_id
            )
            if not changed:
                return approval
            claim = await self._note(session, ctx, approval)
        self.drill.at("decided")
        await self.engine.offer(claim)
        return approval

    async def _note(self, session: Session, ctx: Context, approval: Approval) -> Claim:
        epoch: int | None = await session.fetchval(
            "select epoch from runs where id = $1 and status = 'waiting' for update", approval.run_id
        )
        if epoch is None:
            raise RunFinished("The run does not wait any more.")
        entry = await verdict(session, approval)
        return await resolving.released(
            session, ctx, approval.run_id, epoch, [entry], lease_seconds=self.settings.lease_seconds
        )

    async def resolve(
        self,
        ctx: Context,
        run_id: str,
        step_id: str,
        answer: resolving.Answer,
        result: Any = None,
        since: str | None = None,
    ) -> Run:
        """Take a person's word on an effect of which nobody knows whether it happened; the run goes on with it. The
        same word again changes nothing. ``since`` (of ``waiting``) binds it to the doubt that the person saw.

        Raises:
            NotFound, AlreadyDecided, Conflict, RunFinished, InvalidRequest: see ``resolving``.
            TenantSuspended: not now.
        """
        self.entitlement.check_served(ctx.tenant)
        async with self.database.session(ctx) as session:
            claim = await resolving.resolve(
                session,
                ctx,
                run_id,
                step_id,
                answer,
                result,
                since=since,
                lease_seconds=self.settings.lease_seconds,
            )
        if claim is not None:
            self.drill.at("decided")
            await self.engine.offer(claim)
        return await self.get(ctx, run_id)

    async def cancel(self, ctx: Context, run_id: str) -> Run:
        """Stop the run: a model's turn under way is cut off, an effect under way is not, and nothing more is begun.
        What it has done stays listed in its effects.

        Raises:
            RunFinished: it has ended already.
        """
        async with self.database.session(ctx) as session:
            run = await records.read(session, ctx, run_id)
            if run.status in TERMINAL:
                raise RunFinished(f"The run is {run.status}.")
            epoch: int = await session.fetchval(
                "update runs set epoch = epoch + 1, lease_owner = null, lease_until = null where id = $1 returning epoch",
                run_id,
            )
            await approvals.cancel_of_run(session, run_id)
            await journal.append(
                session,
                ctx.tenant,
                run_id,
                epoch,
                [journal.Entry("run", "cancelled")],
                journal.Change(status="cancelled"),
            )
        return await self.get(ctx, run_id)

    async def feedback(self, ctx: Context, run_id: str, reaction: Reaction, reason: str = "") -> Feedback:
        """Keep what a person thinks of the answer to their own run, in place of what they said before.

        Raises:
            NotFound, Forbidden, Conflict, InvalidRequest: see ``feedback``.
            TenantSuspended: not now.
        """
        self.entitlement.check_served(ctx.tenant)
        async with self.database.session(ctx) as session:
            return await feedback.put(session, ctx, await records.read(session, ctx, run_id), reaction, reason)

    async def feedback_of(self, ctx: Context, runs: Sequence[str]) -> Mapping[str, Feedback]:
        """Return what their people thought of these runs, as far as this principal may see them."""
        async with self.database.session(ctx) as session:
            return await feedback.of(session, ctx, runs)

    async def feedback_given(
        self,
        ctx: Context,
        *,
        reaction: str | None = None,
        agent: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return what the tenant's people thought of answers, newest first; for its operators.

        Raises:
            Forbidden, InvalidRequest: see ``feedback``.
        """
        async with self.database.session(ctx) as session:
            return await feedback.listing(session, ctx, reaction=reaction, agent=agent, cursor=cursor, limit=limit)

    async def replay(self, ctx: Context, run_id: str, *, current: bool = False) -> Replayed:
        """Go through a run once more with what was recorded of it, and tell the first thing that comes out otherwise.

        Raises:
            NotFound: not a run that this principal may see.
            Conflict: it is not over yet, or its agent is there no more.
            BundleUnavailable: the bundle it began with cannot be loaded here.
        """
        async with self.database.session(ctx) as session:
            run, claim = await records.recorded(session, ctx, run_id)
        return await Replaying(self.database, self.editions, self.settings).replay(run, claim, current=current)

    async def drain(self) -> None:
        """Take nothing new, let what runs finish or leave it to others, and send away who waits here."""
        self.admittance.shut()
        await self.engine.drain(self.admittance.hurried)
        self.followers.send_away()

    async def passage(self, ctx: Context, document_id: str, passage_id: str) -> dict[str, Any]:
        """Open a cited passage in its document, if this principal may read it.

        Raises:
            NotFound: there is none, or not for this principal.
        """
        opened = await self.archive.open_passage(ctx, document_id, passage_id)
        if not self.entitlement.collections(ctx.tenant, [opened.collection]):
            raise NotFound("There is no such passage, or you may not read it.")
        return opened.as_json()

    def collections(self, ctx: Context) -> list[str]:
        """Return the collections that this principal may be answered from: those of the agents that they may start."""
        agents = (spec for spec in self.editions.current.catalog.agents.values() if self._may_see(ctx, spec))
        return self.entitlement.collections(ctx.tenant, sorted({name for spec in agents for name in spec.knowledge}))

    async def search(self, ctx: Context, query: str, *, collection: str | None, top: int) -> list[dict[str, Any]]:
        """Return the best passages that this principal may read, best first, each with where it stands.

        Raises:
            NotFound: there is no such collection for this principal.
            TenantSuspended: not now.
        """
        self.entitlement.check_served(ctx.tenant)
        several = self.collections(ctx)
        if collection is not None and collection not in several:
            known = ", ".join(several) or "none"
            raise NotFound(f"There is no collection {collection[:64]} for you.", action=f"Yours are: {known}.")
        named = several if collection is None else [collection]
        found: list[dict[str, Any]] = []
        for passage in await self.archive.search(ctx, query, collections=named, top=top):
            opened = await self.archive.open_passage(ctx, passage.document_id, passage.passage_id)
            found.append(
                {
                    "document_id": passage.document_id,
                    "passage_id": passage.passage_id,
                    "collection": opened.collection,
                    "title": passage.title,
                    "heading": opened.heading,
                    "url": passage.url,
                    "text": passage.text,
                    "integrity": passage.integrity,
                    "score": round(passage.score, 4),
                }
            )
        return found
