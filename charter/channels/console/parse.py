"""Forms and queries become requests. Pure; what does not fit is said in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from charter.errors import FieldError, InvalidRequest
from charter.runs.feedback import REACTIONS, Reaction
from charter.runs.run import StartRun, Status

Fields = Mapping[str, Any]
Word = Literal["happened", "retry", "give_up"]
_WORDS: dict[str, Word] = {word: word for word in get_args(Word)}
STATUSES: tuple[str, ...] = get_args(Status)
_BACK_LIMIT = 1_000
"""It lies in a cookie during the sign-in, and browsers drop one over 4,096 bytes without a word."""
_COMMENT_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's answer to one exact call, bound to its digest."""

    decision: Literal["approve", "reject"]
    digest: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's word on an effect that nobody knows of; ``since`` is the doubt that their card showed."""

    answer: Word
    result: dict[str, str] | None
    since: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which runs a person wants to see; ``None`` leaves it open."""

    status: str | None
    agent: str | None
    cursor: str | None


def message(agent: str, form: Fields, *, limit: int) -> StartRun:
    """Read what somebody wrote to an agent.

    Raises:
        InvalidRequest: nothing was written, or more than ``limit`` characters.
    """
    # Browsers send line ends as CR LF; everyone else counts them as one character.
    text = _text(form, "input").replace("\r\n", "\n").strip()
    if not text:
        raise InvalidRequest(
            "There is nothing to send.", action="Write what you need.", errors=[FieldError("/input", "empty")]
        )
    if len(text) > limit:
        sentence = f"The message has {len(text):,} characters; {limit:,} are allowed."
        raise InvalidRequest(sentence, action="Shorten it.", errors=[FieldError("/input", "too long")])
    return StartRun(
        agent,
        text,
        thread=_text(form, "thread") or None,
        idempotency_key=_text(form, "key")[:255] or None,
        streams=True,
    )


def decision(form: Fields) -> Decision:
    """Read a decision.

    Raises:
        InvalidRequest: it is neither approve nor reject, or names no digest.
    """
    said, digest = _text(form, "decision"), _text(form, "digest")
    comment = _text(form, "comment").replace("\r\n", "\n").strip()
    if said not in ("approve", "reject") or not digest:
        sentence = "A decision is approve or reject, on one exact call."
        raise InvalidRequest(
            sentence, action="Use the buttons of the card.", errors=[FieldError("/decision", "not a decision")]
        )
    if len(comment) > _COMMENT_LIMIT:
        raise InvalidRequest("The comment is too long.", action=f"Use at most {_COMMENT_LIMIT:,} characters.")
    return Decision("approve" if said == "approve" else "reject", digest, comment or None)


def answer(form: Fields) -> Answer:
    """Read what became of an effect.

    Raises:
        InvalidRequest: it is none of the three answers, names no doubt, or tells a finding of what did not happen.
    """
    said, since = _WORDS.get(_text(form, "answer")), _text(form, "since")
    note = _text(form, "note").replace("\r\n", "\n").strip()
    if said is None or not since:
        sentence = "An answer is one of the three, on the doubt that was shown."
        raise InvalidRequest(
            sentence, action="Use the buttons of the card.", errors=[FieldError("/answer", "not an answer")]
        )
    # Whoever has found something and presses "try again" has most likely missed the button.
    if note and said != "happened":
        sentence = "You wrote down what you found, but did not say that it happened. Nothing was done."
        action = "Choose “It happened”, or empty the field."
        raise InvalidRequest(sentence, action=action, errors=[FieldError("/note", "only with what happened")])
    if len(note) > _COMMENT_LIMIT:
        raise InvalidRequest("The text is too long.", action=f"Use at most {_COMMENT_LIMIT:,} characters.")
    return Answer(said, {"note": note} if note else None, since)


def feedback(form: Fields) -> tuple[Reaction, str | None]:
    """Read what somebody thinks of an answer, and why; ``None``: they said nothing of the why.

    Raises:
        InvalidRequest: neither helpful nor not.
    """
    said: Reaction | None = next((each for each in REACTIONS if each == form.get("reaction")), None)
    if said is None:
        raise InvalidRequest("Helpful or not?", errors=[FieldError("/reaction", "like or dislike")])
    return said, _text(form, "reason") if "reason" in form else None


def run_filter(query: Fields) -> Filter:
    """Read which runs to list; an unknown status lists all."""
    status = _text(query, "status")
    return Filter(status if status in STATUSES else None, _text(query, "agent") or None, _text(query, "cursor") or None)


def way_back(given: str, home: str) -> str:
    """Return where to go after the sign-in: only into the console itself, never to another site."""
    root = home.rstrip("/") + "/"
    safe = given.startswith(root) and "\\" not in given and ".." not in given and given.isprintable()
    safe = safe and len(given) <= _BACK_LIMIT
    return given if safe else home


def _text(fields: Fields, name: str) -> str:
    given = fields.get(name, "")
    return given if isinstance(given, str) else ""
