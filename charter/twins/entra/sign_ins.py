"""Where a sign-in may lead back to, and the codes that stand for one that has happened (RFC 6749, 4.1; RFC 7636)."""

import hashlib
import hmac
import re
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

from charter.twins.entra.refusals import Refused

_OWN_CONSOLE = re.compile(r"http://localhost(:\d{1,5})?/console/signed-in")
"""Entra ignores the port of a registered address on localhost."""

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_MOST = 10_000


@dataclass(slots=True)
class Code:
    """What a code is bound to. ``refresh_token`` is the first one that was given for it."""

    client: str
    redirect_uri: str
    challenge: str
    nonce: str
    scope: str
    account: str
    tenant: str
    expires: float
    redeemed: bool = False
    refresh_token: str = ""


@dataclass(slots=True)
class SignIns:
    """``added`` are further addresses a test has registered; codes live in memory only."""

    added: set[str] = field(default_factory=set[str])
    codes: dict[str, Code] = field(default_factory=dict[str, Code])

    def registered(self, address: str) -> bool:
        return _OWN_CONSOLE.fullmatch(address) is not None or address in self.added

    def issue(self, code: Code) -> str:
        """Return a new code; the oldest are forgotten."""
        while len(self.codes) >= _MOST:
            del self.codes[next(iter(self.codes))]
        text = f"1.{secrets.token_urlsafe(48)}"
        self.codes[text] = code
        return text

    def check(self, text: str, client: str, redirect_uri: str, verifier: str) -> Code:
        """Return what the code stands for, if this client may redeem it now. A redeemed one is returned, too.

        Raises:
            Refused: unknown, another client's, too old, led elsewhere, or not of whoever asked for it.
        """
        code = self.codes.get(text)
        if code is None or code.client != client:
            raise Refused(70000)
        if code.expires <= time.time() and not code.redeemed:
            raise Refused(70008)
        if code.redirect_uri != redirect_uri:
            raise Refused(500112, redirect_uri)
        if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(challenge_of(verifier), code.challenge):
            raise Refused(501481)
        return code


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge (RFC 7636, 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
