"""How Entra says no: an OAuth error with an AADSTS number, and Graph's own form."""

from datetime import UTC, datetime
from uuid import uuid4

from aiohttp import web

_MISSING = "The request body must contain the following parameter: {}."
_UNMATCHED = (
    "No matching federated identity record found for presented assertion {} '{{}}'. "
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
)
_STEP_UP = '{"access_token":{"capolids":{"essential":true,"values":["5f0c4a3e-0000-4000-8000-000000000001"]}}}'
_MORE: dict[int, dict[str, str]] = {
    50076: {"suberror": "basic_action", "claims": _STEP_UP},
    65001: {"suberror": "consent_required"},
}
_TEXTS: dict[int, tuple[str, str]] = {
    28000: ("invalid_request", "Provided value for the input parameter scope contains more than one resource."),
    9002313: ("invalid_request", "Invalid request. Request is malformed or invalid."),
    9002325: ("invalid_request", "Proof Key for Code Exchange is required for this application."),
    50011: (
        "invalid_request",
        "The redirect URI '{}' specified in the request does not match the redirect URIs configured for the application.",
    ),
    50013: ("invalid_grant", "Assertion failed signature validation."),
    50034: ("invalid_grant", "The user account {} does not exist in the directory."),
    50027: ("invalid_request", "JWT token is invalid or malformed."),
    50057: ("invalid_grant", "The user account is disabled."),
    50058: ("login_required", "A silent sign-in request was sent but no user is signed in."),
    50076: (
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, "
        "you must use multi-factor authentication to access the resource.",
    ),
    50173: ("invalid_grant", "The provided grant has expired due to it being revoked, a fresh auth token is needed."),
    54005: ("invalid_grant", "OAuth2 Authorization code was already redeemed, please retry with a new valid code."),
    65001: ("invalid_grant", "The user or administrator has not consented to use '{}'."),
    65004: ("access_denied", "User declined to consent to access the app."),
    70000: ("invalid_grant", "Provided grant is invalid or malformed."),
    70003: ("unsupported_grant_type", "The app requested an unsupported grant type '{}'."),
    70008: (
        "invalid_grant",
        "The provided authorization code has expired. Send a new interactive request for this user.",
    ),
    70011: ("invalid_scope", "The .default scope can't be combined with resource-specific scopes."),
    90002: ("invalid_request", "Tenant '{}' not found. Check to make sure you have the correct tenant ID."),
    500011: ("invalid_resource", "The resource principal named {} was not found in the tenant."),
    500131: ("invalid_grant", "Assertion audience does not match the Client app presenting the assertion."),
    500133: ("invalid_grant", "Assertion is not within its valid time range."),
    500112: ("invalid_grant", "The reply address '{}' is not the one that the authorization code was requested with."),
    501481: ("invalid_grant", "The Code_Verifier does not match the code_challenge supplied in the request."),
    700016: ("unauthorized_client", "Application with identifier '{}' was not found in the directory."),
    700024: ("invalid_client", "Client assertion is not within its valid time range."),
    700025: (
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    700027: ("invalid_client", "Client assertion failed signature validation."),
    700054: ("unsupported_response_type", "response_type '{}' is not enabled for the application."),
    700211: ("invalid_client", _UNMATCHED.format("issuer")),
    700212: ("invalid_client", _UNMATCHED.format("audience")),
    700213: ("invalid_client", _UNMATCHED.format("subject")),
    700082: ("invalid_grant", "The refresh token has expired due to inactivity."),
    900144: ("invalid_request", _MISSING),
    1002012: ("invalid_scope", "Client credential flows must have a scope with /.default suffixed to the resource."),
    7000112: ("unauthorized_client", "Application '{}' is disabled."),
    7000114: ("invalid_grant", "Application '{}' is not allowed to make application on-behalf-of calls."),
    7000215: ("invalid_client", "Invalid client secret provided for app '{}'."),
    7000218: ("invalid_client", _MISSING.format("'client_assertion' or 'client_secret'")),
}


class Refused(Exception):
    """An OAuth refusal (RFC 6749, 5.2) as Entra words it; ``number`` is the AADSTS code, ``about`` fills its text."""

    def __init__(self, number: int, about: str = "") -> None:
        self.number = number
        self.error, text = _TEXTS[number]
        self.text = text.format(about)
        super().__init__(self.text)

    def response(self) -> web.Response:
        trace, correlation = str(uuid4()), str(uuid4())
        moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        about = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}"
        body: dict[str, object] = {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {self.text} {about}",
            "error_codes": [self.number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
            **_MORE.get(self.number, {}),
        }
        status = 401 if self.error == "invalid_client" else 400
        return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})


class GraphRefused(Exception):
    """A refusal in Microsoft Graph's form."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text

    def response(self) -> web.Response:
        inner = {"date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "request-id": str(uuid4())}
        body = {"error": {"code": self.code, "message": self.text, "innerError": inner}}
        return web.json_response(body, status=self.status)
