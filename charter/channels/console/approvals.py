"""Approvals: what waits for this person, what they wait for, what has been decided."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from charter.channels.console import parse, render
from charter.channels.console.desk import address, desk, signed_in, wants_data
from charter.channels.console.frame import fragment, inbox, page
from charter.channels.console.session import csrf_token

SHOWN = 30


async def listing(request: web.Request) -> web.Response:
    found = await desk(request).service.approvals(
        signed_in(request).ctx, status="pending", cursor=request.query.get("cursor"), limit=SHOWN
    )
    cards = _cards(request, found.items)
    return await page(
        request,
        "approvals.html",
        section="approvals",
        mine=[card for card in cards if card["may_decide"]],
        others=[card for card in cards if not card["may_decide"]],
        next=found.next,
    )


async def decided(request: web.Request) -> web.Response:
    found = await desk(request).service.approvals(
        signed_in(request).ctx, cursor=request.query.get("cursor"), limit=SHOWN
    )
    cards = [card for card in _cards(request, found.items) if not card["open"]]
    return await page(request, "decided.html", section="approvals", cards=cards, next=found.next)


async def approval(request: web.Request) -> web.Response:
    found = await desk(request).service.approval(signed_in(request).ctx, request.match_info["approval"])
    return await page(request, "approval.html", section="approvals", card=_cards(request, [found])[0])


async def decide(request: web.Request) -> web.Response:
    """Take a decision; a form is led to the decided card, a script gets it."""
    said = parse.decision(await request.post())
    approval_id = request.match_info["approval"]
    found = await desk(request).service.decide(
        signed_in(request).ctx, approval_id, said.decision, said.digest, said.comment
    )
    if not wants_data(request):
        raise web.HTTPSeeOther(address(request, "approval", approval=approval_id))
    card = _cards(request, [found])[0]
    html = fragment(request, "_approval.html", {"card": card, "csrf": await csrf_token(request), "depth": 2})
    return web.json_response({"html": html, "said": f"{card['name']}: {card['status_words']}."})


async def count(request: web.Request) -> web.Response:
    return web.json_response({"count": await inbox(request)})


def _cards(request: web.Request, items: Sequence[Any]) -> list[render.View]:
    ctx, now = signed_in(request).ctx, datetime.now(UTC)
    return [render.approval_card(item.as_json(), ctx, now) for item in items]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/approvals", listing, name="approvals"),
        web.get("/approvals/decided", decided, name="decided"),
        web.get("/approvals/{approval}", approval, name="approval"),
        web.post("/approvals/{approval}/decision", decide, name="decide"),
        web.get("/inbox", count, name="inbox"),
    ]
