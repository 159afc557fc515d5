"""An exact call, shown to the person who decides on it; and the same once it is decided."""

from collections.abc import Mapping, Sequence

from charter.channels.teams.cards import element
from charter.channels.teams.cards.value import Line, arguments
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import arranged, call_name, capital, title
from charter.governance.approval import Approval

COMMENT = 2000
_WHOLE = 4_000
_ROOMS = ((_WHOLE, 40), (600, 40), (250, 40), (120, 20), (60, 10), (20, 3))
"""Characters of a single value and lines of a call, tried one after the other: the longest lose first, and where one has
to lose, its beginning is enough.
"""


def approval(
    speech: Speech,
    asked: Approval,
    *,
    agent: str,
    effect: str = "",
    roles: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    me: str = "",
    url: str = "",
    offered: bool = True,
) -> Json:
    """Return the card that asks. ``agent`` and ``effect`` are the call's; ``roles`` those of its arguments; ``names`` are
    what people are called, by their ids, and ``me`` is the id of who reads it; ``url`` opens the approval in the console;
    not ``offered``: it has no buttons, for those who only watch.

    Where a value had to be cut, there is no button to approve: nobody says yes to what they could not read.
    """
    made: Json = {}
    for room, most in _ROOMS:
        call, whole = _call(speech, asked, roles or {}, room, most)
        body = [
            *_head(speech, asked, agent, offered=offered),
            call,
            *_reasons(speech, asked, effect, names or {}, me, offered=offered),
        ]
        body += [*([] if whole else [_lost(speech, url)]), *_opens(speech, url)]
        made = element.card(
            speech,
            [*body, *_comment(speech, offered=offered)],
            _buttons(speech, asked, offered=offered, whole=whole),
        )
        if element.fits(made) and (whole or room < _WHOLE):
            break
    return made


def decided(
    speech: Speech,
    asked: Approval,
    *,
    agent: str,
    decider: str = "",
    roles: Mapping[str, str] | None = None,
    url: str = "",
) -> Json:
    """Return the card in its place afterwards: the same facts, no buttons, who decided (``decider``), when, and why."""
    made: Json = {}
    for room, most in _ROOMS:
        call, whole = _call(speech, asked, roles or {}, room, most)
        notes = [] if whole else [element.sentence(speech, "lost.some", subtle=True)]
        body = [*_outcome(speech, asked, agent), call, *notes, *_verdict(speech, asked, decider, room)]
        made = element.card(speech, body, [element.link(speech.say("open"), url)] if element.web(url) else [])
        if element.fits(made) and (whole or room < _WHOLE):
            break
    return made


def _head(speech: Speech, asked: Approval, agent: str, *, offered: bool) -> list[Json]:
    confirms = asked.kind == "confirmation"
    key = "confirm" if confirms else "heading"
    names = {"agent": element.short(title(agent)), "person": _requester(asked)}
    return [
        element.heading(speech, f"approval.{key if offered else 'watched'}", colour="accent"),
        element.told(speech.say("approval.confirms" if confirms else "approval.asks", **names)),
    ]


def _call(speech: Speech, asked: Approval, roles: Mapping[str, str], room: int, most: int) -> tuple[Json, bool]:
    """Return the call, and whether all of it is there."""
    name, plugin = call_name(asked.function)
    names = arranged(asked.arguments, asked.summary)
    given, rest = arguments(speech, asked.arguments, names, roles, most=most)
    shown, whole = _shown(speech, given, rest, room)
    called = [
        element.told(element.short(name), strong=True, large=True),
        {**element.told(speech.say("place", plugin=element.short(plugin)), subtle=True), "spacing": "none"},
    ]
    return element.box([*called, *(shown or [element.sentence(speech, "approval.without", subtle=True)])]), whole


def _shown(speech: Speech, given: Sequence[Line], rest: int, room: int) -> tuple[list[Json], bool]:
    facts = [_fact(speech, line, room) for line in given]
    if rest > 0:
        facts.append(element.told(speech.say("lost.more", count=rest), colour="attention"))
    return facts, rest == 0 and all(_fits(line, room) for line in given)


def _fits(line: Line, room: int) -> bool:
    return (
        line.rest == 0
        and len(line.text) <= room
        and len(line.label) <= _label(room)
        and len(element.pieces(line.text)) <= _tall(room)
    )


def _label(room: int) -> int:
    return min(element.NAME, max(room, 20))


def _tall(room: int) -> int:
    """Return how many lines a value may have."""
    return min(60, max(room // 20, 3))


def _fact(speech: Speech, line: Line, room: int) -> Json:
    label = element.short(line.label, _label(room))
    if line.ours:
        return element.fact(label, element.told(line.text, subtle=True))
    if _fits(line, room):
        return element.fact(label, *element.lines(line.text, _tall(room)))
    kept = "\n".join(element.pieces(line.text[:room])[: _tall(room)])
    more = speech.say("cut", count=speech.number(line.rest + max(len(line.text) - len(kept), 1)))
    return element.fact(label, *element.lines(kept, _tall(room)), element.told(more, colour="attention"))


def _reasons(
    speech: Speech, asked: Approval, effect: str, names: Mapping[str, str], me: str, *, offered: bool
) -> list[Json]:
    does = effect if speech.has(f"effect.{effect}") else "unknown"
    colour: element.Colour = "attention" if does == "irreversible" else "default"
    why = "approval.why_you" if offered else "approval.why"
    found = [element.fact(speech.say(why), element.told(element.short(asked.reason, 300)))]
    if asked.influenced_by:
        sources = ", ".join(element.short(source) for source in asked.influenced_by[:10])
        more = len(asked.influenced_by) - 10
        noted = [element.told(speech.say("lost.more", count=more), subtle=True)] if more > 0 else []
        found += [element.fact(speech.say("approval.influenced"), element.told(sources), *noted)]
    _, plugin = call_name(asked.function)
    words = speech.say(f"effect.{does}", plugin=element.short(plugin))
    found.append(element.fact(speech.say("approval.effect"), element.told(words, colour=colour)))
    if asked.kind != "confirmation":
        who = element.people(speech, asked.approvers, names, me)
        found.append(element.fact(speech.say("approval.who"), element.told(capital(who))))
    found.append(element.fact(speech.say("approval.until"), element.moment(asked.expires_at)))
    if asked.influenced_by:
        found.append(element.box([element.sentence(speech, "approval.warning")], style="warning"))
    return found


def _lost(speech: Speech, url: str) -> Json:
    key = "lost.call" if element.web(url) else "lost.call_elsewhere"
    return element.box([element.sentence(speech, key)], style="attention")


def _comment(speech: Speech, *, offered: bool) -> list[Json]:
    if not offered:
        return []
    return [
        {
            "type": "Input.Text",
            "id": "comment",
            "label": speech.say("approval.comment"),
            "placeholder": speech.say("approval.comment_hint"),
            "isMultiline": True,
            "maxLength": COMMENT,
        }
    ]


def _buttons(speech: Speech, asked: Approval, *, offered: bool, whole: bool) -> list[Json]:
    data = {"approval": asked.id, "digest": asked.digest}
    confirms = asked.kind == "confirmation"
    yes = element.execute(
        speech.say("approval.do" if confirms else "approval.approve"), "approve", data, style="positive"
    )
    no = element.execute(
        speech.say("approval.leave" if confirms else "approval.reject"), "reject", data, style="destructive"
    )
    return [*([yes] if whole else []), no] if offered else []


def _opens(speech: Speech, url: str) -> list[Json]:
    # On a line of its own: a third button beside the two would cut their words.
    return [element.row(element.link(speech.say("open"), url))] if element.web(url) else []


def _outcome(speech: Speech, asked: Approval, agent: str) -> list[Json]:
    own = asked.kind == "confirmation"
    status = asked.status if asked.status in {"approved", "rejected", "cancelled"} else "expired"
    key = {"approved": "confirmed", "rejected": "declined"}.get(status, status) if own else status
    colour: element.Colour = "good" if status == "approved" else "attention" if status == "rejected" else "default"
    names = {"agent": element.short(title(agent)), "person": _requester(asked)}
    return [
        element.heading(speech, f"decided.{key}", colour=colour),
        element.told(speech.say("decided.own" if own else "decided.asked", **names)),
    ]


def _verdict(speech: Speech, asked: Approval, decider: str, room: int) -> list[Json]:
    if asked.status in {"expired", "pending"}:
        return [element.sentence(speech, "decided.expired_note")]
    if asked.status == "cancelled":
        return [element.sentence(speech, "decided.cancelled_note")]
    found = [
        element.fact(
            speech.say("decided.by"), element.told(element.short(speech.called(decider or asked.decided_by or "")))
        )
    ]
    if asked.decided_at:
        found.append(element.fact(speech.say("decided.at"), element.moment(asked.decided_at)))
    if asked.comment:
        found.append(element.fact(speech.say("decided.comment"), *_said(asked.comment, room)))
    return found


def _said(comment: str, room: int) -> list[Json]:
    return element.lines(comment if len(comment) <= room else f"{comment[:room]}…", _tall(room))


def _requester(asked: Approval) -> str:
    return element.short(asked.requester_name or asked.requester_id)
