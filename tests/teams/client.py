"""Teams as a test uses it: its people write, press, sign in, and look at what they see, through the twin's levers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import aiohttp

from charter.twins import bot_connector
from charter.twins.listening import serve, take
from tests.teams.views import Answer, Json, Message, Pressed, Said, View

Found = TypeVar("Found")

TENANT_OF = {"frank": "fabrikam", "mona": "fabrikam"}
PATIENCE = 20.0
_PAUSE = 0.05


class Refused(AssertionError):
    """A lever could not be pulled: the person does not see the message, there is no such button."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(f"{status}: {sentence}")
        self.status = status
        self.sentence = sentence


@dataclass(slots=True)
class Teams:
    """The twin at ``url``."""

    url: str
    http: aiohttp.ClientSession

    @property
    def service_url(self) -> str:
        return f"{self.url}/amer/"

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/v1/.well-known/openidconfiguration"

    async def bot(self, endpoint: str) -> Json:
        """Say where the bot takes activities."""
        return await self.pull("bot", endpoint=endpoint)

    async def personal(self, person: str) -> str:
        """Return somebody's chat with the bot; it is told of it when it is new."""
        tenant = TENANT_OF.get(person, "contoso")
        return (await self.pull("chats", kind="personal", tenant=tenant, members=[person]))["conversation"]

    async def group(self, *people: str, tenant: str = "contoso") -> str:
        return (await self.pull("chats", kind="groupChat", tenant=tenant, members=list(people)))["conversation"]

    async def channel(self, *people: str, team: str, tenant: str = "contoso", name: str = "") -> str:
        asked = {"kind": "channel", "tenant": tenant, "members": list(people), "team": team, "name": name}
        return (await self.pull("chats", **asked))["conversation"]

    async def say(
        self, person: str, conversation: str, text: str, *,
        mention: bool = False, times: int = 1, locale: str = "en-US", root: str = "", attachments: Sequence[Json] = (),
    ) -> Said:  # fmt: skip
        """Write something; ``times`` delivers the very same activity so often, all at once."""
        told = await self.pull(
            "say", conversation=conversation, person=person, text=text, mention=mention, times=times, locale=locale,
            root=root, attachments=list(attachments),
        )  # fmt: skip
        return Said(conversation, person, told["activity"], _answers(told))

    async def click(
        self, person: str, conversation: str, message: str, title: str, inputs: Mapping[str, Any] | None = None
    ) -> Pressed:
        """Press a button of what this person sees; raises ``Refused`` where they see none of that title."""
        told = await self.pull(
            "click", conversation=conversation, person=person, activity=message, title=title, inputs=dict(inputs or {})
        )
        return Pressed(told["effect"], _answers(told), told.get("url") or "", told.get("activity") or "")

    async def feedback(
        self, person: str, conversation: str, message: str, reaction: Literal["like", "dislike"], reason: str = ""
    ) -> Answer:
        told = await self.pull(
            "feedback", conversation=conversation, person=person, activity=message, reaction=reaction, reason=reason
        )
        return _answers(told)[0]

    async def sign_in(self, person: str, conversation: str, *, message: str = "", account: str = "") -> Answer:
        """Go through a sign-in card's button (as another ``account``), and bring the code back."""
        told = await self.pull("sign_in", conversation=conversation, person=person, activity=message, account=account)
        return _answers(told)[0]

    async def stop(self, person: str, conversation: str) -> bool:
        """Press Stop; return whether anything was being streamed."""
        return bool((await self.pull("stop", conversation=conversation, person=person))["stopped"])

    async def post(
        self, activity: Any, *, person: str = "", conversation: str = "", token: Json | None = None
    ) -> Answer:
        """Post anything to the bot as the channel, or with a token of one's own making."""
        told = await self.pull(
            "activity", activity=activity, person=person, conversation=conversation, token=token or {}
        )
        return Answer(told["status"], told["body"], told["seconds"])

    async def members(self, conversation: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        await self.pull("members", conversation=conversation, add=list(add), remove=list(remove))

    async def install(self, conversation: str, *, installed: bool) -> None:
        await self.pull("install", conversation=conversation, installed=installed)

    async def consent(self, person: str, *, given: bool, where: Literal["exchange", "client"] = "exchange") -> None:
        await self.pull("consent", person=person, given=given, where=where)

    async def clients(self, person: str, count: int) -> None:
        """Say how many clients this person has open: two where nothing is said."""
        await self.pull("clients", person=person, open=count)

    async def fault(self, operation: str, status: int = 0, **more: Any) -> None:
        """Let the next calls of an operation fail (``times``, ``body``, ``retry_after``, ``delay``, ``after``)."""
        await self.pull("faults", operation=operation, status=status, **more)

    async def heal(self) -> None:
        """Take all faults away; who waits for one waits no longer."""
        await self._ask("DELETE", "faults")

    async def limits(self, **limits: Any) -> None:
        """Set ``answer_seconds``, ``stream_seconds``, ``pacing``."""
        await self.pull("limits", **limits)

    async def rotate(self, *, withdraw: bool = False) -> Json:
        return await self.pull("keys", withdraw=withdraw)

    async def record(self, **wanted: str) -> list[Json]:
        """Return calls (``kind="asked"``, ``operation``) and posts (``kind="posted"``, ``type``, ``name``), oldest first."""
        return (await self._ask("GET", "record", params=wanted))["items"]

    async def forget(self) -> None:
        await self._ask("DELETE", "record")

    async def seen(self, person: str, conversation: str) -> View:
        told = await self._ask("GET", f"chats/{quote(conversation, safe='')}", params={"person": person})
        messages = [Message(**(each | {"activity": each["activity"] or {}})) for each in told["messages"]]
        return View(told["conversation"], told["account"], told["installed"], told["typing"], messages, told["notices"])

    async def until(
        self, person: str, conversation: str, find: Callable[[View], Found | None], seconds: float = PATIENCE
    ) -> Found:
        """Return what ``find`` finds in what this person sees, once it does; say what they saw if it never does."""
        seen: View | None = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    seen = await self.seen(person, conversation)
                    if found := find(seen):
                        return found
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            raise AssertionError(f"{person} never saw it, but:\n{seen.words if seen else None}") from None

    async def pull(self, lever: str, **asked: Any) -> Json:
        return await self._ask("POST", lever, json=asked)

    async def _ask(self, method: str, lever: str, **more: Any) -> Any:
        async with self.http.request(method, f"{self.url}/_twin/{lever}", **more) as answer:
            told = await answer.json()
            if answer.status != 200:
                raise Refused(answer.status, str(told.get("error", told)))
            return told


@asynccontextmanager
async def running_teams(
    folder: Path, http: aiohttp.ClientSession, entra: str, secret: str, *, port: int = 0, endpoint: str = ""
) -> AsyncIterator[Teams]:
    """Serve a Bot Connector twin beside an Entra twin; ``secret`` is what Entra knows ``charter-host`` by."""
    place = take(port, "Bot Connector twin")
    bot = bot_connector.Bot("charter-host", secret, endpoint)
    runner = await serve(bot_connector.app(folder, base_url=place.url, entra=entra, bot=bot), place)
    try:
        yield Teams(place.url, http)
    finally:
        await runner.cleanup()
        place.close()


def _answers(told: Json) -> list[Answer]:
    return [Answer(each["status"], each["body"], each["seconds"]) for each in told["answers"]]
