"""Talk to an agent: choose one, write, read the thread."""

import secrets

from aiohttp import web

from charter.channels import wording
from charter.channels.console import gather, parse, render, words
from charter.channels.console.desk import address, desk, signed_in, wants_data
from charter.channels.console.frame import fragment, page, recent
from charter.channels.console.session import csrf_token
from charter.errors import CharterError, NotFound

SHOWN = 40


async def home(request: web.Request) -> web.Response:
    raise web.HTTPSeeOther(address(request, "agents"))


async def agents(request: web.Request) -> web.Response:
    offered = [_titled(agent) for agent in desk(request).service.agents(signed_in(request).ctx)]
    return await page(request, "agents.html", section="chat", agents=offered)


async def agent(request: web.Request) -> web.Response:
    chosen = desk(request).service.agent(signed_in(request).ctx, request.match_info["agent"])
    return await _conversation(
        request, _titled(chosen), turns=[], thread=None, earlier=None, draft=_starter(request, chosen)
    )


def _starter(request: web.Request, chosen: render.Json) -> str:
    """Return the starter that the address names by its number; an address cannot put other words into a mouth."""
    number = request.query.get("starter", "")
    starters: list[str] = list(chosen["starters"])
    return starters[int(number)] if number.isdecimal() and int(number) < len(starters) else ""


async def thread(request: web.Request) -> web.Response:
    """Show a thread, oldest first; its agent may be gone, or it may be another person's whom an operator looks after."""
    ctx, service = signed_in(request).ctx, desk(request).service
    thread_id = request.match_info["thread"]
    found = await service.listing(ctx, thread=thread_id, limit=SHOWN, cursor=request.query.get("before"))
    if not found.items:
        raise NotFound("There is no such conversation.", action="Choose one of the recent ones, or begin a new one.")
    runs = [run.as_json() for run in reversed(found.items)]
    said = await gather.feedback(request, runs)
    turns = [
        await gather.turn(request, run, said) | {"after": item.last_seq}
        for run, item in zip(runs, reversed(found.items), strict=True)
    ]
    mine = runs[0]["principal"]["id"] == ctx.principal.id
    return await _conversation(
        request, _known(request, runs[-1]["agent"]), turns=turns, thread=thread_id, earlier=found.next, writable=mine
    )


def _known(request: web.Request, name: str) -> render.View:
    try:
        return _titled(desk(request).service.agent(signed_in(request).ctx, name))
    except CharterError:
        return {
            "name": name,
            "title": wording.title(name),
            "description": "",
            "starters": [],
            "functions": [],
            "gone": True,
        }


def _titled(given: render.Json) -> render.View:
    return {
        **given,
        "title": wording.title(str(given["name"])),
        "gone": False,
        "abilities": words.abilities(given["functions"]),
    }


async def _conversation(
    request: web.Request,
    chosen: render.View,
    *,
    turns: list[render.View],
    thread: str | None,
    earlier: str | None,
    writable: bool = True,
    draft: str = "",
) -> web.Response:
    return await page(
        request,
        "thread.html",
        section="chat",
        agent=chosen["name"],
        chosen=chosen,
        turns=turns,
        thread=thread,
        earlier=earlier,
        writable=writable and not chosen.get("gone"),
        refresh=any(turn["busy"] for turn in turns),
        draft=draft,
        key=secrets.token_urlsafe(16),
        input_limit=desk(request).input_limit,
    )


async def send(request: web.Request) -> web.Response:
    """Start a run; a form is led to its thread, a script gets the new turn and the thread's address."""
    asked = parse.message(request.match_info["agent"], await request.post(), limit=desk(request).input_limit)
    person = signed_in(request)
    run, _ = await desk(request).service.start(person.ctx, asked, assertion=person.token)
    where = address(request, "thread", thread=run.thread)
    if not wants_data(request):
        # Without a fragment: a page that has one does not load itself again while the run is busy.
        raise web.HTTPSeeOther(where)
    view = await gather.turn(request, run.as_json()) | {"after": 0}
    html = fragment(request, "_turn.html", {"turn": view, "csrf": await csrf_token(request)})
    recents = fragment(request, "_recent.html", {"threads": await recent(request), "thread": run.thread})
    return web.json_response(
        {"html": html, "recent": recents, "thread": run.thread, "address": where, "key": secrets.token_urlsafe(16)}
    )


def routes() -> list[web.RouteDef]:
    return [
        web.get("", home),
        web.get("/", home, name="home"),
        web.get("/chat", agents, name="agents"),
        web.get("/chat/{agent}", agent, name="agent"),
        web.post("/chat/{agent}", send, name="agent"),
        web.get("/threads/{thread}", thread, name="thread"),
    ]
