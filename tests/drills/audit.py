"""What really happened, held against what was asked: by the counting house's own ledger, not by what hosts say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.drills.ground import TERMINAL, Ground

WORDS: dict[str, tuple[tuple[str, int], ...]] = {
    "work": (("book", 1), ("note", 2), ("book", 3)),
    "book": (("book", 1),),
    "note": (("note", 1),),
    "stamp": (("stamp", 1),),
    "sign": (("sign", 1),),
    "read": (),
}
"""What each word of the script does: kind and place of its entries."""

PATHS = {"counter.book": "key", "counter.sign": "key", "counter.note": "lookup", "counter.stamp": "person"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One run of a drill: what it was told, under which mark. ``done`` names its entries where they are not the word's."""

    word: str
    mark: str
    run: str
    done: tuple[tuple[str, int], ...] | None = None

    @property
    def entries(self) -> tuple[tuple[str, int], ...]:
        return WORDS[self.word] if self.done is None else self.done


@dataclass(slots=True)
class Audit:
    """Counts, and a sentence for each thing that is wrong."""

    runs: int = 0
    states: Counter[str] = field(default_factory=Counter[str])
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    effects: int = 0
    doubts: int = 0
    paths: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])


async def audit(
    here: Ground, asked: Sequence[Asked], *, may_wait: frozenset[str] = frozenset(), only_these: bool = True
) -> Audit:
    """Count what was lost, doubled and stuck. ``may_wait`` names words whose runs may wait for a person in the end;
    ``only_these`` says that nobody else was asked anything on this ground.
    """
    told = Audit(runs=len(asked))
    states = await here.states([each.run for each in asked])
    rows: dict[str, Counter[tuple[str, int]]] = {}
    for row in await here.ledger():
        rows.setdefault(row["mark"], Counter())[row["kind"], row["place"]] += 1
        told.effects += 1
    known = await _outcomes(here)
    for each in asked:
        state = states.get(each.run, "gone")
        told.states[state] += 1
        if state not in TERMINAL and not (each.word in may_wait and state == "waiting:unknown_effect"):
            told.stuck += 1
            told.faults.append(f"stuck: {each.word} {each.mark} ({each.run}) is {state}")
        _compare(told, each, state, rows.pop(each.mark, Counter()), known)
    if rows and only_these:
        told.faults.append(f"the ledger has marks that nobody asked for: {sorted(rows)[:5]}")
    await _doubts(here, told)
    return told


def _compare(
    told: Audit, each: Asked, state: str, found: Counter[tuple[str, int]], known: dict[tuple[str, str], Counter[str]]
) -> None:
    for entry in each.entries:
        count = found.pop(entry, 0)
        if count > 1:
            told.doubled += count - 1
            told.faults.append(f"doubled: {each.word} {each.mark} {entry}: {count} rows ({each.run})")
        if count == 0 and state == "completed":
            told.lost += 1
            told.faults.append(f"lost: {each.word} {each.mark} {entry} ({each.run}) is completed")
        found[entry] = count
    if unasked := [entry for entry, count in found.items() if count and entry not in each.entries]:
        told.faults.append(f"unasked: {each.mark} has {unasked}")
    for kind in {kind for kind, _ in each.entries}:
        outcomes = known.get((each.run, f"counter.{kind}"), Counter())
        least, most = outcomes["done"], outcomes["done"] + outcomes["unknown"] + outcomes["open"]
        count = sum(n for (k, _), n in found.items() if k == kind)
        if not least <= count <= most:
            told.faults.append(
                f"untrue: {each.mark} ({each.run}) tells {dict(outcomes)} of {kind}, the ledger has {count}"
            )


async def _outcomes(here: Ground) -> dict[tuple[str, str], Counter[str]]:
    known: dict[tuple[str, str], Counter[str]] = {}
    for row in await here.rows("select run_id, function, coalesce(outcome, 'open') as outcome from effects"):
        known.setdefault((row["run_id"], row["function"]), Counter())[row["outcome"]] += 1
    return known


async def _doubts(here: Ground, told: Audit) -> None:
    """Each doubt is counted, audited, and went the way its function declares."""
    audited: Counter[tuple[str, str]] = Counter()
    for row in await here.rows("select run_id, step_id, detail from audit where action = 'effect.in_doubt'"):
        audited[row["run_id"], row["step_id"]] += 1
        told.paths[row["detail"].get("path", "none")] += 1
    effects = await here.rows("select run_id, step_id, function, doubts, path from effects")
    for row in effects:
        name = f"{row['function']} of {row['run_id']}"
        told.doubts += row["doubts"]
        if row["doubts"] != audited[row["run_id"], row["step_id"]]:
            told.faults.append(f"{name}: {row['doubts']} doubts, {audited[row['run_id'], row['step_id']]} audited")
        if row["doubts"] and row["path"] != PATHS[row["function"]]:
            told.faults.append(f"{name} took the path {row['path']} and not {PATHS[row['function']]}")
    counted = {(row["run_id"], row["step_id"]) for row in effects if row["doubts"]}
    for row in await here.rows(_CROSSED):
        if (row["run_id"], row["step_id"]) not in counted:
            told.faults.append(f"uncounted: the effect {row['name']} of {row['run_id']} outlived its owner undoubted")


# Announced under one epoch, ended under a later one: somebody found it without an outcome.
_CROSSED = """
select run_id, step_id, min(name) as name from journal
where kind = 'step' and effect in ('write', 'irreversible') and status in ('running', 'done', 'failed', 'unknown')
group by run_id, step_id
having min(epoch) filter (where status = 'running') < max(epoch) filter (where status in ('done', 'failed'))
"""
