"""An answer that grows before a person's eyes: the SDK's stream, with what it does badly mended.

The SDK sends as fast as text comes, repeats what was refused for good, waits half a minute for what never comes, and
names ids that are none. So text is collected here and shown at most every ``SPACING_SECONDS``; what the connector has no
time for is shown with the next text; and an end that cannot be shown is told to the caller in time.
"""

import asyncio
from collections.abc import Callable

import structlog
from microsoft_teams.api import Account as SdkAccount
from microsoft_teams.api import (
    ApiClient,
    ConversationReference,
    MessageActivityInput,
    SentActivity,
    TypingActivityInput,
)
from microsoft_teams.api.models import ConversationAccount
from microsoft_teams.apps.http_stream import HttpStream
from microsoft_teams.apps.plugins.streamer import StreamCancelledError
from microsoft_teams.apps.utils import RetryOptions

from charter.channels.teams.connector.faults import FAULTS, undelivered
from charter.channels.teams.incoming import Json, Place
from charter.channels.teams.ports import Stopped

_log = structlog.get_logger(__name__)

SPACING_SECONDS = 1.5
LAST_SECONDS = 1.0
"""How long after a piece of text the whole may follow."""
CLOSE_SECONDS = 8
STALE_SECONDS = 130
"""A stream may last two minutes. One that is older and was never closed keeps no other from its conversation."""
LONGEST_UPDATE = 1000
_BACK_OFF = (1.0, 2.0, 4.0)


class _Growing(HttpStream):
    """The SDK's stream. ``lost``: nothing more can be shown; ``held``: some text was refused for the moment."""

    def __init__(self, api: ApiClient, reference: ConversationReference, flushed: Callable[[], None]) -> None:
        super().__init__(api, reference)
        self.message = ""
        self.shown = asyncio.Event()
        self.lost = False
        self.held = False
        self.ending = False
        self._flushed = flushed
        self._busy = 0
        self._clear_at = 0.0

    @property
    def at_rest(self) -> bool:
        return self._pending is None

    @property
    def wait(self) -> float:
        """Return how many seconds nothing may be shown."""
        return max(0.0, self._clear_at - asyncio.get_running_loop().time())

    async def rest(self) -> None:
        """Wait until nothing is under way."""
        if self._pending is not None:
            await asyncio.wait({self._pending})

    def abandon(self) -> None:
        if self._pending is not None:
            self._pending.cancel()

    async def _flush(self) -> None:
        await super()._flush()
        self._flushed()

    async def _send_activity(self, to_send: TypingActivityInput) -> None:
        """Show a piece; unlike the SDK, raise nothing of it: nobody waits for the task that it is sent in."""
        if self.lost or (self.ending and self.message):
            return  # The end tells all of it.
        try:
            await super()._send_activity(to_send)
        except FAULTS as fault:
            self.held = undelivered(fault).fate == "busy"
            self.lost = not self.held
        except Exception as fault:  # noqa: BLE001 - told, and the end will be said plainly
            self.lost = True
            _log.warning("an answer cannot be streamed", reason=type(fault).__name__)
        else:
            self.held = False
            self.message = self._id or ""
            if self.message:
                self.shown.set()

    async def _send_with_retry(
        self, activity: TypingActivityInput | MessageActivityInput, options: RetryOptions | None = None
    ) -> SentActivity:
        """Send it in its time. Only an end is repeated: of pieces the next one holds more."""
        piece = isinstance(activity, TypingActivityInput)
        while True:
            await asyncio.sleep(self.wait)
            try:
                sent = await self._send(activity)
            except FAULTS as fault:
                self._put_off(fault)
                if piece or undelivered(fault).fate != "busy" or self.wait > CLOSE_SECONDS:
                    raise
            else:
                self._busy = 0
                self._clear_at = self._now() + (SPACING_SECONDS if piece and not self.ending else LAST_SECONDS)
                return sent

    def _put_off(self, fault: BaseException) -> None:
        waits = _BACK_OFF[min(self._busy, len(_BACK_OFF) - 1)]
        self._busy += 1
        self._clear_at = self._now() + max(undelivered(fault).retry_after or 0.0, waits)

    def end_sooner(self) -> None:
        """Let the end come ``LAST_SECONDS`` after the last piece; what asked for patience gets it."""
        self.ending = True
        if not self._busy:
            self._clear_at -= SPACING_SECONDS - LAST_SECONDS

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class Shown:
    """One answer. Without an ``api`` nothing of it is shown, and its end is to be said plainly. ``left`` is the message that
    goes on growing though it is over, and ``wait`` is how many seconds nothing may be said about it.
    """

    def __init__(self, api: ApiClient | None, place: Place, reply_to: str, over: Callable[["Shown"], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._over = over
        self._inner = _Growing(api, _reference(place, reply_to), self._arm) if api else None
        self._text = ""
        self._given = 0
        self._doing = ""
        self._timer: asyncio.TimerHandle | None = None
        self.left = ""
        self.wait = 0.0

    @property
    def live(self) -> bool:
        """Whether it holds its conversation."""
        return self._inner is not None and self._loop.time() - self._begun < STALE_SECONDS

    async def begun(self) -> str:
        inner = self._inner
        await (inner.shown if inner else asyncio.Event()).wait()
        return inner.message if inner else ""

    def update(self, text: str) -> None:
        self._check()
        if text.strip() and not self._text:
            self._doing = text[:LONGEST_UPDATE]
            self._arm()

    def add(self, text: str) -> None:
        self._check()
        self._text += text
        self._arm()

    async def close(self, final: Json) -> str | None:
        inner, self._inner = self._inner, None
        if inner is None:
            return None
        self._disarm()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                ended = await self._ended(inner, final)
        except (StreamCancelledError, Stopped):
            raise Stopped from None
        except Exception as fault:  # noqa: BLE001 - told; the caller says it plainly
            _log.warning("a streamed answer has no end", reason=type(fault).__name__)
            ended = None
        else:
            return ended
        finally:
            self.left, self.wait = "" if inner.closed or inner.canceled else inner.message, inner.wait
            inner.abandon()
            self._over(self)
        return None

    async def _ended(self, inner: _Growing, final: Json) -> str | None:
        """Put the end. Where it does not go on from what is shown, what is shown ends as it is: no stream stays open."""
        await inner.rest()
        if inner.canceled:
            raise Stopped
        whole, shown = final.get("text") or "", self._text[: self._given]
        if inner.lost or not inner.message or not (shown or whole.strip()):
            return None
        fits = bool(whole.strip()) and whole.startswith(shown)
        last = {**final, "text": whole[self._given :]} if fits else {"type": "message", "text": ""}
        inner.end_sooner()
        inner.emit(MessageActivityInput.model_validate(last))
        ended = await inner.close()
        return inner.message if fits and ended else None

    def _check(self) -> None:
        if self._inner is not None and self._inner.canceled:
            raise Stopped

    def _arm(self) -> None:
        """Show what is there as soon as it may be."""
        inner = self._inner
        if inner is None or self._timer is not None or not inner.at_rest or not self._unshown(inner):
            return
        if not (inner.lost or inner.canceled or inner.timed_out):
            self._timer = self._loop.call_later(inner.wait, self._show)

    def _unshown(self, inner: _Growing) -> bool:
        return bool(self._doing or (inner.held and self._given) or self._text[self._given :].strip())

    def _show(self) -> None:
        self._timer = None
        inner = self._inner
        if inner is None:
            return
        doing, self._doing = self._doing, ""
        if self._text.strip():
            piece, self._given = self._text[self._given :], len(self._text)
            inner.emit(piece)
        elif doing:
            inner.update(doing)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _reference(place: Place, reply_to: str) -> ConversationReference:
    return ConversationReference(
        activity_id=reply_to or None,
        bot=SdkAccount(id=place.bot.id, name=place.bot.name or None),
        conversation=ConversationAccount(id=place.address, conversation_type="personal"),
        channel_id="msteams",
        service_url=place.service_url,
    )
