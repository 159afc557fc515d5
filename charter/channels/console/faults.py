"""Security headers on everything, and a page or a problem document for every fault."""

import math

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from charter.channels.console.desk import wants_data
from charter.channels.console.frame import page
from charter.errors import CharterError, NotFound, TooLarge
from charter.telemetry.tracing import Trace

# No inline script, no inline style, no other origin, and no string becomes markup but through our one named policy.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types charter",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

log = structlog.get_logger(__name__)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Harden one response; pages are never stored, files are checked for a newer version each time."""
    response.headers.update(HEADERS)
    resource = request.match_info.route.resource
    is_file = resource is not None and resource.name == "static"
    response.headers["Cache-Control"] = "no-cache" if is_file else "no-store"


@web.middleware
async def tell_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn a fault into what the asker can read: a page for a person, a problem document for a script."""
    try:
        return await handler(request)
    except CharterError as fault:
        return await _told(request, fault)
    except web.HTTPRequestEntityTooLarge:
        return await _told(request, TooLarge())
    except web.HTTPNotFound:
        return await _told(request, NotFound("There is no such page.", action="Go on from the start page."))
    except web.HTTPException:
        raise
    except Exception:
        log.exception("console.failed", path=request.path)
        return await _told(request, CharterError())


async def _told(request: web.Request, fault: CharterError) -> web.Response:
    trace_id = Trace.present().trace_id
    if wants_data(request):
        response = web.json_response(
            fault.as_problem(trace_id), status=fault.status, content_type="application/problem+json"
        )
    else:
        response = await page(
            request, "fault.html", status=fault.status, live=False, fault=fault, trace_id=trace_id, title=fault.title
        )
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(fault.retry_after))
    return response
