"""A task that goes on for a while: who asked, what is being done, what it waits for. Edited in place as it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from charter.channels.teams.cards import element
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import call_name, capital, title
from charter.governance.approval import Approval
from charter.runs.run import Run, Step

_SHOWN = 8
_COLOURS: dict[str, element.Colour] = {
    "completed": "good",
    "failed": "attention",
    "waiting": "warning",
    "running": "accent",
}
_MARKS = {"running": "▸", "waiting": "▸", "done": "✓", "failed": "✗", "denied": "✗", "unknown": "?"}


@dataclass(frozen=True, slots=True)
class TaskView:
    """What the card shows of a run. ``asker`` is the name of the person who asked; ``approval`` what it waits for, if it
    waits for a decision; ``names`` are what people are called, by their ids; ``may_cancel`` whether there is a button for
    it while it can be cancelled; ``url`` the run's page in the console.
    """

    run: Run
    asker: str
    steps: Sequence[Step] = ()
    approval: Approval | None = None
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    may_cancel: bool = True
    url: str = ""


def task(speech: Speech, view: TaskView) -> Json:
    run = view.run
    body = [
        element.heading(speech, f"task.{run.status}", colour=_COLOURS.get(run.status, "default")),
        element.told(element.short(run.input, 200)),
        element.fact(speech.say("task.agent"), element.told(element.short(title(run.agent)))),
        element.fact(speech.say("task.asked"), element.told(element.short(speech.called(view.asker)))),
        element.fact(speech.say("task.started"), element.moment(run.created_at)),
        *_steps(speech, view.steps),
        *_state(speech, view),
    ]
    return element.card(speech, body, _actions(speech, view))


def progress(speech: Speech, step: Step | None, status: str = "running") -> str:
    """Return what is being done now in a few words: ``Asking People: Get leave balance``. For the line above a stream."""
    if step is None or step.type == "message":
        return speech.say("step.now.queued" if status == "queued" else "step.now.working")
    return doing(speech, step.type, step.name)


def doing(speech: Speech, kind: str, name: str) -> str:
    """Return what a step of that kind and name does, in a few words."""
    function, plugin = call_name(name)
    return element.short(speech.say(f"step.now.{kind}", function=function, plugin=plugin), 200)


def step_words(speech: Speech, step: Step) -> str:
    """Return one step as a sentence; empty for one that says nothing to a person."""
    key = f"step.{step.type}.{step.status}"
    if not speech.has(key):
        return ""
    name, plugin = call_name(step.name)
    return element.short(speech.say(key, function=name, plugin=plugin), 120)


def _steps(speech: Speech, steps: Sequence[Step]) -> list[Json]:
    said = [(step, words) for step in steps if (words := step_words(speech, step))]
    if not said:
        return []
    earlier, shown = len(said) - _SHOWN, said[-_SHOWN:]
    told = [element.told(speech.say("task.earlier", count=earlier), subtle=True)] if earlier > 0 else []
    for step, words in shown:
        line = element.told(f"{_MARKS.get(step.status, '·')} {words}", subtle=step.status == "done")
        told.append({**line, "spacing": "small"})
    return [element.box([element.told(speech.say("task.steps"), strong=True), *told])]


def _state(speech: Speech, view: TaskView) -> list[Json]:
    match view.run.status:
        case "queued":
            return [element.sentence(speech, "task.begins", subtle=True)]
        case "waiting":
            return _waits(speech, view)
        case "cancelled" if any(effect.get("outcome") == "done" for effect in view.run.effects):
            return [element.sentence(speech, "task.stays")]
        case _:
            return []


def _waits(speech: Speech, view: TaskView) -> list[Json]:
    what = (view.run.waiting or {}).get("for")
    until: list[Json] = []
    if (asked := view.approval) is not None:
        name, _ = call_name(asked.function)
        who = element.people(speech, asked.approvers, view.names)
        kind = "task.confirmation" if asked.kind == "confirmation" else "task.approval"
        words = capital(speech.say(kind, who=who, function=element.short(name)))
        until = [element.fact(speech.say("task.until"), element.moment(asked.expires_at))]
    else:
        words = speech.say(f"task.{what}" if what in {"input", "event", "unknown_effect"} else "approval.watched")
    waits = element.fact(speech.say("task.waits"), element.told(words))
    return [waits, *until, element.sentence(speech, "task.goes_on", subtle=True)]


def _actions(speech: Speech, view: TaskView) -> list[Json]:
    cancel = element.execute(speech.say("task.cancel"), "cancel", {"run": view.run.id})
    opens = [element.link(speech.say("open"), view.url)] if element.web(view.url) else []
    return [*([cancel] if view.may_cancel and not view.run.finished else []), *opens]
