"""The operators' door, described."""

from charter.channels.admin.schemas import ChangeTenant, CreateTenant, Suspend
from charter.channels.admin.shapes import FeedbackPage, Tenant, TenantPage
from charter.channels.described import Answer, Operation, query

_LIMIT = query("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
_CURSOR = query("cursor", "The next of the page before.")
_WHO = "For operators of the host's home tenant."

OPERATIONS = (
    Operation(
        "GET", "/v1/admin/tenants", "listTenants", "List tenants by id", "tenants", {200: Answer("A page.", TenantPage)},
        description="Operators of the host's home tenant see all, operators of another tenant their own.",
        parameters=(_LIMIT, _CURSOR),
        problems=(422,),
    ),
    Operation(
        "POST", "/v1/admin/tenants", "createTenant", "Create a tenant", "tenants",
        {
            200: Answer("It was there, and just so.", Tenant),
            201: Answer("The tenant was created.", Tenant, headers={"Location": "Where it is."}),
        },
        description=f"{_WHO} Its people can come in a second later, through every process.",
        body=CreateTenant,
        problems=(409, 503),
    ),
    Operation(
        "GET", "/v1/admin/tenants/{tenant}", "getTenant", "Read a tenant", "tenants", {200: Answer("The tenant.", Tenant)},
        description="For operators of the host's home tenant, and of this one.",
    ),
    Operation(
        "PATCH", "/v1/admin/tenants/{tenant}", "changeTenant", "Change a tenant", "tenants",
        {200: Answer("The tenant as it is now.", Tenant)},
        description=f"{_WHO} What is not named stays; of the settings, too. null in a field of the settings: as the host says.",
        body=ChangeTenant,
        problems=(409, 503),
    ),
    Operation(
        "POST", "/v1/admin/tenants/{tenant}/suspend", "suspendTenant", "Suspend a tenant", "tenants",
        {200: Answer("The tenant as it is now.", Tenant)},
        description=(
            f"{_WHO} Within seconds nobody of the tenant comes in and nothing of it runs, in any process: what runs stops "
            "at its next step, an effect under way is not cut. Nothing is lost."
        ),
        body=Suspend,
        problems=(409, 503),
    ),
    Operation(
        "POST", "/v1/admin/tenants/{tenant}/resume", "resumeTenant", "Serve a suspended tenant again", "tenants",
        {200: Answer("The tenant as it is now.", Tenant)},
        description=f"{_WHO} What waited goes on by itself.",
        problems=(503,),
    ),
    Operation(
        "GET", "/v1/admin/tenants/{tenant}/export", "exportTenant", "Take out all that is kept of a tenant", "tenants",
        {200: Answer("Lines of JSON.", media=("application/x-ndjson",))},
        description=(
            "For operators of the host's home tenant, and of this one. The first line is a manifest, the last one counts the "
            "rows and has the SHA-256 of all lines before it: without it the export is cut."
        ),
        problems=(429, 503),
    ),
    Operation(
        "GET", "/v1/admin/feedback", "listFeedback", "Read what people thought of answers, newest first", "runs",
        {200: Answer("A page.", FeedbackPage)},
        description="For operators: what the people of their tenant said of the answers to their runs.",
        parameters=(
            _LIMIT, _CURSOR, query("reaction", "Only these.", {"type": "string", "enum": ["like", "dislike"]}),
            query("agent", "Only of its answers."),
        ),
        problems=(403, 422),
    ),
)  # fmt: skip
