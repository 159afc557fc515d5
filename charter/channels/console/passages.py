"""Open the exact passage that an answer cites."""

from aiohttp import web

from charter.channels.console import render
from charter.channels.console.desk import desk, signed_in, wants_data
from charter.channels.console.frame import fragment, page


async def passage(request: web.Request) -> web.Response:
    """Show a passage within its document; a script gets it as a piece for its dialog."""
    parts = request.match_info
    found = await desk(request).service.passage(signed_in(request).ctx, parts["document"], parts["passage"])
    view = render.passage(found)
    if wants_data(request):
        return web.json_response(
            {"html": fragment(request, "_passage.html", {"passage": view}), "title": view["title"]}
        )
    return await page(request, "passage.html", section="chat", passage=view)


def routes() -> list[web.RouteDef]:
    return [web.get("/documents/{document}/passages/{passage}", passage, name="passage")]
