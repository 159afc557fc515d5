"""Who may look after tenants: operators of the host, who belong to its home tenant; others only at their own.

Whoever has the role ``operator`` is one, a person or a workload (the role is assigned to it on purpose); a customer
never is.
"""

from charter.context import Context
from charter.errors import Forbidden, NotFound


def check_reads(ctx: Context, tenant: str, *, home: str) -> None:
    """Return if this principal may read and export the tenant.

    Raises:
        Forbidden: no operator.
        NotFound: another tenant's operator, who learns of no tenant but their own.
    """
    _check_operator(ctx)
    if tenant != ctx.tenant and not of_host(ctx, home=home):
        raise unknown(tenant)


def check_changes(ctx: Context, tenant: str, *, home: str) -> None:
    """Return if this principal may create, change, suspend or resume the tenant.

    Raises:
        Forbidden, NotFound: as above; one's own tenant is not changed by its own operators, but at home.
    """
    check_reads(ctx, tenant, home=home)
    check_host(ctx, home=home)


def check_host(ctx: Context, *, home: str) -> None:
    """Return if this principal is an operator of the host.

    Raises:
        Forbidden: they are not.
    """
    if not of_host(ctx, home=home):
        raise Forbidden("Only operators of this host may do this.", action="Ask an operator of the host's home tenant.")


def of_host(ctx: Context, *, home: str) -> bool:
    return _operates(ctx) and ctx.tenant == home


def unknown(tenant: str) -> NotFound:
    return NotFound(f"There is no tenant {tenant[:64]}.", action="GET /v1/admin/tenants lists those you may read.")


def _check_operator(ctx: Context) -> None:
    if not _operates(ctx):
        raise Forbidden("Only operators may do this.", action="Ask for the role operator.")


def _operates(ctx: Context) -> bool:
    return ctx.is_operator and not ctx.principal.external
