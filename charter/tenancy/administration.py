"""Create, configure, suspend and resume tenants while hosts run. No audit record, no change."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from charter.catalog.spec import Catalog
from charter.context import Context
from charter.errors import Conflict, FieldError, InvalidRequest
from charter.governance import audit
from charter.identity.issuers import NO_DIRECTORIES
from charter.settings import Deployments, Tier
from charter.store import tenant_rows
from charter.store.database import Database, Session, narrow
from charter.store.tenants import Tenant, Tenants, TenantSettings, tenant_of
from charter.telemetry.tracing import Trace
from charter.tenancy import operators

_FIELDS = ("name", "directory", "settings", "suspended", "reason")


@dataclass(frozen=True, slots=True)
class Offer:
    """What this host has: what the lists of a tenant's settings may name."""

    agents: Sequence[str]
    knowledge: Sequence[str]
    models: Sequence[str]
    residency: Sequence[str]

    @classmethod
    def of(cls, catalog: Catalog, models: Mapping[Tier, Deployments]) -> "Offer":
        """Return what these agents and deployments offer. A collection that no agent names cannot be used."""
        return cls(
            agents=sorted(catalog.agents),
            knowledge=sorted({name for agent in catalog.agents.values() for name in agent.knowledge}),
            models=sorted(models),
            residency=sorted({each.region for tier in models.values() for each in tier if each.region}),
        )


class Administration:
    """Changes tenants for operators. ``external`` are the Entra tenants of customers' identity providers."""

    def __init__(
        self, database: Database, tenants: Tenants, offer: Callable[[], Offer], *, home: str, external: Collection[str]
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._offer = offer
        self._home = home
        self._external = frozenset(external)

    async def listing(self, ctx: Context, *, after: str, limit: int) -> tuple[list[Tenant], str | None]:
        """Return the tenants this operator may read whose ids come behind ``after``, and the last id if there are more.

        Raises:
            Forbidden: no operator.
        """
        operators.check_reads(ctx, ctx.tenant, home=self._home)
        await self._tenants.read()
        everyone = operators.of_host(ctx, home=self._home)
        found = [each for each in self._tenants.all() if each.id > after and (everyone or each.id == ctx.tenant)]
        found.sort(key=lambda tenant: tenant.id)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def get(self, ctx: Context, tenant: str) -> Tenant:
        """Return the tenant as it stands in the database now.

        Raises:
            Forbidden, NotFound: as ``operators.check_reads``.
        """
        operators.check_reads(ctx, tenant, home=self._home)
        await self._tenants.read()
        found = self._tenants.get(tenant)
        if found is None:
            raise operators.unknown(tenant)
        return found

    async def create(
        self, ctx: Context, tenant: str, *, name: str, directory: str, settings: TenantSettings
    ) -> tuple[Tenant, bool]:
        """Create the tenant; say whether it is new (``False``: it is there, and just so).

        Raises:
            Forbidden: no operator of the host.
            InvalidRequest: the settings name what this host does not have, or the directory is no company's.
            Conflict: its id or its directory is taken.
        """
        operators.check_host(ctx, home=self._home)
        self._check(settings)
        self._check_free(directory)
        given = settings.model_dump(mode="json", exclude_none=True)
        async with self._database.crossing() as session:
            row = await tenant_rows.create(session, tenant, name=name, directory=directory, settings=given)
            if row is None:
                return await self._there(session, tenant, name, directory, given), False
            detail = {"name": name, "directory": directory, "settings": given}
            await self._record(session, ctx, tenant, "tenant.created", detail)
        await self._tenants.read()
        return tenant_of(row), True

    async def _there(
        self, session: Session, tenant: str, name: str, directory: str, settings: Mapping[str, Any]
    ) -> Tenant:
        row = await tenant_rows.find(session, tenant)
        if row is None:
            raise _taken(directory)
        if (row["name"], row["directory"], row["settings"]) != (name, directory, settings):
            raise Conflict(
                f"There is a tenant {tenant} already, with another name, directory or settings.",
                action="Choose another id, or change it with PATCH (charter tenants set).",
            )
        return tenant_of(row)

    async def change(
        self, ctx: Context, tenant: str, given: Mapping[str, Any], settings: TenantSettings | None
    ) -> Tenant:
        """Write ``name`` and ``directory`` where they are given, and those fields of the settings that are set.

        Raises:
            Forbidden, NotFound: as ``operators.check_changes``.
            InvalidRequest: the settings name what this host does not have, or the directory is no company's.
            Conflict: the directory is taken, the home tenant would lose its own, or settings that cannot be read are
                not replaced as a whole.
        """
        operators.check_changes(ctx, tenant, home=self._home)
        directory = given.get("directory")
        if settings is not None:
            self._check(settings)
        if "directory" in given and directory is None:
            raise Conflict("A tenant keeps a directory.", action="Suspend the tenant instead.")
        if directory is not None:
            self._check_free(directory)

        def changed(row: Mapping[str, Any]) -> dict[str, Any]:
            if tenant == self._home and "directory" in given and directory != row["directory"]:
                raise Conflict("The home tenant keeps its directory: nobody could come in to undo this.")
            return {**given, **({} if settings is None else {"settings": _merged(row, settings)})}

        return await self._changed(ctx, tenant, "tenant.changed", changed)

    async def suspend(self, ctx: Context, tenant: str, reason: str) -> Tenant:
        """Let nobody of the tenant in and nothing of it run, until it is resumed; nothing is lost.

        Raises:
            Forbidden, NotFound: as ``operators.check_changes``.
            Conflict: it is the home tenant.
        """
        operators.check_changes(ctx, tenant, home=self._home)
        if tenant == self._home:
            raise Conflict(
                "The home tenant cannot be suspended: nobody could come in to resume it.",
                action="Suspend another tenant, or drain the host.",
            )
        fields = {"suspended": True, "reason": reason}
        return await self._changed(ctx, tenant, "tenant.suspended", lambda _: fields)

    async def resume(self, ctx: Context, tenant: str) -> Tenant:
        """Serve the tenant again; what waited goes on by itself.

        Raises:
            Forbidden, NotFound: as ``operators.check_changes``.
        """
        operators.check_changes(ctx, tenant, home=self._home)
        fields = {"suspended": False, "reason": ""}
        return await self._changed(ctx, tenant, "tenant.resumed", lambda _: fields)

    async def exported(self, ctx: Context, tenant: str) -> None:
        """Record that the tenant's data are taken out, before the first of them is.

        Raises:
            Forbidden, NotFound: as ``operators.check_reads``.
            AuditFailed: it could not be recorded; nothing may be taken out.
        """
        operators.check_reads(ctx, tenant, home=self._home)
        async with self._database.crossing() as session:
            await self._record(session, ctx, tenant, "tenant.exported", {})

    async def _changed(
        self, ctx: Context, tenant: str, action: str, wanted: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Tenant:
        async with self._database.crossing() as session:
            row = await tenant_rows.find(session, tenant)
            if row is None:
                raise operators.unknown(tenant)
            before = {name: row[name] for name in _FIELDS}
            after = {**before, **wanted(dict(row))}
            differing = {
                name: {"from": before[name], "to": after[name]} for name in _FIELDS if before[name] != after[name]
            }
            if differing:
                row = await tenant_rows.change(session, tenant, after)
                if row is None:
                    raise _taken(str(after["directory"]))
                await self._record(session, ctx, tenant, action, {"changed": differing})
        await self._tenants.read()
        return tenant_of(row)

    async def _record(
        self, session: Session, ctx: Context, tenant: str, action: str, detail: Mapping[str, Any]
    ) -> None:
        """Record it for the tenant and, as what its operators did, for the operator's own; in the change's transaction."""
        told = {"tenant": tenant, "operator_of": ctx.tenant, **detail}
        for concerned in dict.fromkeys((tenant, ctx.tenant)):
            await narrow(session, concerned)
            trace_id = Trace.present().trace_id
            await audit.record(session, replace(ctx, tenant=concerned), action, detail=told, trace_id=trace_id)

    def _check(self, settings: TenantSettings) -> None:
        """Refuse names that nothing here has: a slip would otherwise close, and look like an answer."""
        offer, faults = self._offer(), list[FieldError]()
        for field in ("agents", "knowledge", "models", "residency"):
            there: Sequence[str] = getattr(offer, field)
            for n, name in enumerate(getattr(settings, field) or ()):
                if name not in there:
                    fault = f"there is no {name[:64]}; there is {', '.join(there) or 'none'}"
                    faults.append(FieldError(f"/settings/{field}/{n}", fault))
        if faults:
            raise InvalidRequest(f"{faults[0].pointer}: {faults[0].detail}.", errors=faults)

    def _check_free(self, directory: str) -> None:
        if directory in NO_DIRECTORIES:
            fault = FieldError("/directory", "must be one company's Entra tenant; this one would let strangers in")
            raise InvalidRequest(f"{fault.pointer}: {fault.detail}.", errors=[fault])
        if directory in self._external:
            raise Conflict(f"The directory {directory[:64]} is a customers' identity provider.")


def _merged(row: Mapping[str, Any], given: TenantSettings) -> dict[str, Any]:
    """Return the row's settings with those fields of ``given`` that are set; ``null`` is as the host says."""
    if tenant_of(row).unreadable:
        if missing := sorted(TenantSettings.model_fields.keys() - given.model_fields_set):
            raise Conflict(
                "The tenant's settings cannot be read and close everything.",
                action=f"Give all of them anew; {', '.join(missing)} are missing.",
            )
        return given.model_dump(mode="json", exclude_none=True)
    changed = given.model_dump(mode="json", exclude_unset=True)
    return {name: value for name, value in {**row["settings"], **changed}.items() if value is not None}


def _taken(directory: str) -> Conflict:
    return Conflict(f"The directory {directory[:64]} is another tenant's.", action="Name the tenant's own directory.")
