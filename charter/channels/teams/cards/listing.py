"""A person's tasks (``/tasks``)."""

from collections.abc import Callable, Sequence

from charter.channels.teams.cards import element
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import title
from charter.runs.run import Run

_MOST = 10


def tasks(speech: Speech, runs: Sequence[Run], *, more: int = 0, url_of: Callable[[Run], str] | None = None) -> Json:
    """Return the list; ``more`` are those besides, and ``url_of`` gives the page of a task in the console."""
    body = [element.heading(speech, "tasks.heading")]
    if not runs:
        return element.card(speech, [*body, element.sentence(speech, "tasks.none")])
    body += [_task(speech, run, url_of(run) if url_of else "") for run in runs[:_MOST]]
    if (rest := max(0, len(runs) - _MOST) + more) > 0:
        body.append(element.told(speech.say("tasks.more", count=rest), subtle=True))
    return element.card(speech, body)


def _task(speech: Speech, run: Run, url: str) -> Json:
    state = f"{speech.say(f'task.{run.status}')} · {element.short(title(run.agent))}"
    items = [
        element.told(element.short(run.input, 120), strong=True),
        {**element.told(state), "spacing": "none"},
        element.fact(speech.say("tasks.updated"), element.moment(run.updated_at)),
    ]
    shown = element.box(items)
    return shown | ({"selectAction": element.link(speech.say("open"), url)} if element.web(url) else {})
