"""What people see of the twin: who they can be, and what went wrong. Without script."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from aiohttp import web

from charter.twins.entra.people import Account
from charter.twins.entra.refusals import Refused

_STYLE = resources.files("charter.twins.entra").joinpath("sign_in.css").read_text("utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CHOICES = frozenset({"prompt", "login_hint"})


def choose(people: Sequence[Account], fields: Mapping[str, str], *, cancel: str) -> web.Response:
    """Ask who signs in; each choice is the same request once more, with a hint."""
    tenants = dict.fromkeys(person.tenant for person in people)
    lists = "".join(_tenant(tenant, [person for person in people if person.tenant == tenant]) for tenant in tenants)
    back = f'<button class="plain" name="login_hint" value="{cancel}">Cancel and go back</button>'
    kept = {name: value for name, value in fields.items() if name not in _CHOICES}
    return _page(
        "Choose an account",
        '<p class="note">This is the local stand-in for Microsoft Entra ID. It knows invented people only, and asks for '
        "no password.</p>"
        f'<form method="get">{_hidden(kept)}{lists}{back}</form>',
    )


def refused(refusal: Refused) -> web.Response:
    """Say what is wrong with a request that may be answered nowhere else."""
    body = (
        f'<p role="alert"><strong>AADSTS{refusal.number}</strong>: {escape(refusal.text)}</p>'
        '<p class="note">The application that sent you here must put this right.</p>'
    )
    return _page("Sign-in is not possible", body, status=400)


def signed_out() -> web.Response:
    return _page("You are signed out", "<p>It is a good idea to close all browser windows.</p>")


def posting(address: str, fields: Mapping[str, str]) -> web.Response:
    """Answer by a form (OAuth 2.0 Form Post Response Mode); the person sends it, since the page has no script."""
    body = f'<form method="post" action="{escape(address)}">{_hidden(fields)}<button class="main">Go on</button></form>'
    return _page("You are signed in", body)


def _tenant(tenant: str, people: Sequence[Account]) -> str:
    return f"<h2>{escape(tenant.title())}</h2><ul>{''.join(_person(person) for person in people)}</ul>"


def _person(person: Account) -> str:
    closed = " disabled" if person.disabled else ""
    title = "May not sign in" if person.disabled else person.title[:1].upper() + person.title[1:]
    return (
        f'<li><button name="login_hint" value="{escape(person.id)}"{closed}>'
        f'<span class="face" aria-hidden="true">{escape(person.name[:1])}</span>'
        f"<span><strong>{escape(person.name)}</strong><small>{escape(title)}</small>"
        f"<small>{escape(person.address)}</small></span></button></li>"
    )


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{title} · Entra twin · Charter</title><style>{_STYLE}</style></head>"
        f'<body><main><p class="brand">Entra twin <small>on this machine</small></p><h1>{title}</h1>{body}</main></body></html>'
    )
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; base-uri 'none'; "
        "frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
