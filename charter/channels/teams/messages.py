"""Messages as the Bot Framework takes them: plain sentences, cards, and an agent's answer with what belongs to it. Pure.

Sources: the activity schema of the Bot Framework; for the label, citations, sensitivity and feedback of an answer,
Teams' documentation of messages with content made by a model.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from charter.channels.teams.incoming import Account, Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import visible
from charter.governance.labels import NOBODY, TRUSTED, Label
from charter.runs.run import Run

CARD = "application/vnd.microsoft.card.adaptive"
LIMIT = 80_000
"""Bytes of a message in UTF-16; Teams refuses one of 100 KB."""
CITED = 20
_TITLE, _EXCERPT, _NAME = 80, 160, 80
_MARK = re.compile(r"\[(\d{1,3})\]")
_MARKUP = re.compile(r"[\\`*_{}\[\]()#<>&|~!]|(?m:^[ ]*(?:[-+=]|\d+(?=[.)])))")
_TAMED = re.compile(r"!(?=\[)|<(?=[A-Za-z/!?])")

Citation = Mapping[str, Any]


def plain(text: str) -> Json:
    """Return a message in which nothing is markup."""
    return {"type": "message", "text": visible(text), "textFormat": "plain"}


def with_card(card: Json, summary: str) -> Json:
    """Return a message that is a card (or another ``attachment`` as ``sign_in`` makes it).

    ``summary`` is what a notification says of it.
    """
    attachment = card if "contentType" in card else {"contentType": CARD, "content": card}
    return {"type": "message", "summary": _line(summary, 200), "attachments": [attachment]}


def answer(
    speech: Speech,
    run: Run,
    *,
    sensitivity: Label = TRUSTED,
    url_of: Callable[[Citation], str] | None = None,
    excerpt_of: Callable[[Citation], str] | None = None,
    run_url: str = "",
) -> Json:
    """Return an agent's answer: marked as a model's, with the passages it cites and buttons to say whether it helped.

    ``sensitivity`` is the label of what the run had read; ``url_of`` opens a citation's passage in the console, and
    ``excerpt_of`` says what stands there; ``run_url`` opens the whole answer where it is too long for a message.
    """
    output = run.output or {}
    said = tame(str(output.get("text", "")))
    room = min(_units(said), LIMIT)
    while True:
        text, whole = shortened(said, room)
        body = _answer(speech, output, text, [] if whole else [_rest(speech, run_url)], sensitivity, url_of, excerpt_of)
        if size(body) <= LIMIT:
            return body
        room = room * 7 // 8


def _answer(
    speech: Speech,
    output: Mapping[str, Any],
    text: str,
    notes: Sequence[str],
    sensitivity: Label,
    url_of: Callable[[Citation], str] | None,
    excerpt_of: Callable[[Citation], str] | None,
) -> Json:
    notes = list(notes)
    if output.get("contains_untrusted") or not sensitivity.trusted:
        notes.append(f"_{speech.say('answer.untrusted')}_")
    label = _label(speech, text, output.get("citations") or (), url_of, excerpt_of)
    if sensitivity.readers:
        label["usageInfo"] = _sensitivity(speech, sensitivity.readers)
    return {
        "type": "message",
        "text": "\n\n".join([text, *notes]),
        "textFormat": "markdown",
        "summary": _line(text, 200),
        "entities": [label],
        "channelData": {"feedbackLoop": {"type": "default"}},
    }


def mentioning(body: Json, account: Account) -> Json:
    """Return the message with that person named at its beginning, so that they are notified."""
    named = f"<at>{html.escape(_line(account.name or account.oid, _NAME), quote=False)}</at>"
    said = str(body.get("text", ""))
    text = escaped(said) if body.get("textFormat") == "plain" else said
    mention = {"type": "mention", "text": named, "mentioned": {"id": account.id, "name": account.name}}
    return {
        **body,
        "text": f"{named} {text}".rstrip(),
        "textFormat": "markdown",
        "entities": [*body.get("entities", ()), mention],
    }


def within_limits(body: Json, speech: Speech, *, url: str = "") -> Json:
    """Return the message short enough to be taken: its text is cut at a paragraph, and says where the whole is."""
    room = len(str(body.get("text", "")))
    while size(body) > LIMIT and room > 100:
        room = room * 3 // 4
        text, _ = shortened(str(body.get("text", "")), room)
        cut = "\n\n".join([text, _rest(speech, url)])
        body = {**body, "text": cut}
    return body


def size(body: object) -> int:
    """Return the bytes of a message in UTF-16, the way Teams counts them."""
    return 2 * _units(orjson.dumps(body).decode())


def shortened(text: str, room: int) -> tuple[str, bool]:
    """Return the beginning of a text within ``room`` units of UTF-16, cut where a paragraph, a line or a word ends, and
    whether it is the whole.
    """
    if _units(text) <= room:
        return text, True
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * room].decode("utf-16-le", "ignore")
    for end in ("\n\n", "\n", " "):
        place = kept.rfind(end)
        if place > len(kept) // 2:
            kept = kept[:place]
            break
    fence = "\n```" if kept.count("```") % 2 else ""
    return f"{kept.rstrip()}{fence}", False


def tame(text: str) -> str:
    """Return a model's text as it may be shown: no picture is fetched for it, and no tag of it counts.

    What is tamed of a beginning is the beginning of what is tamed of the whole: an answer may be tamed as it grows.
    """
    return _TAMED.sub(r"\g<0> ", text)


def escaped(text: str) -> str:
    """Return a text that a reader of Markdown shows as it is."""
    return _MARKUP.sub(lambda found: "".join(_entity(char) for char in found[0]), visible(text))


def _entity(char: str) -> str:
    return char if char.isspace() else f"&#{ord(char)};"


def _rest(speech: Speech, url: str) -> str:
    long = speech.say("answer.long")
    if not url.startswith(("https://", "http://")):
        return f"{long} {speech.say('answer.whole_elsewhere')}"
    return f"{long} [{speech.say('answer.whole')}]({_address(url)})."


def _label(
    speech: Speech,
    text: str,
    citations: Sequence[Citation],
    url_of: Callable[[Citation], str] | None,
    excerpt_of: Callable[[Citation], str] | None,
) -> Json:
    """Return the one entity that says all about a message: Teams takes no second of the kind."""
    cited = {int(number) for number in _MARK.findall(text)}
    claims: list[Json] = []
    for citation in citations:
        if citation["n"] in cited and len(claims) < CITED:
            claims.append(_claim(speech, citation, url_of, excerpt_of))
    label: Json = {
        "type": "https://schema.org/Message",
        "@type": "Message",
        "@context": "https://schema.org",
        "@id": "",
        "additionalType": ["AIGeneratedContent"],
    }
    return label | ({"citation": claims} if claims else {})


def _claim(
    speech: Speech,
    citation: Citation,
    url_of: Callable[[Citation], str] | None,
    excerpt_of: Callable[[Citation], str] | None,
) -> Json:
    title = _line(str(citation.get("title") or ""), _TITLE) or speech.say("answer.untitled")
    excerpt = _line(excerpt_of(citation), _EXCERPT) if excerpt_of else ""
    shown: Json = {"@type": "DigitalDocument", "name": title, "abstract": excerpt or speech.say("answer.cited")}
    url = url_of(citation) if url_of else ""
    if url.startswith(("https://", "http://")):
        shown["url"] = url
    return {"@type": "Claim", "position": int(citation["n"]), "appearance": shown}


def _sensitivity(speech: Speech, readers: Sequence[str]) -> Json:
    shown = [reader for reader in readers if reader != NOBODY][:10]
    told = speech.listed(list(dict.fromkeys(_line(speech.person(reader), _NAME) for reader in shown)))
    words = speech.say("answer.readers", readers=told) if told else speech.say("answer.nobody")
    return {
        "type": "https://schema.org/Message",
        "@type": "CreativeWork",
        "name": speech.say("answer.confidential"),
        "description": words,
    }


def _line(text: str, most: int) -> str:
    line = " ".join(visible(text[: 4 * most]).split())
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1].rstrip()}…"


def _address(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29").replace(" ", "%20")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
