"""Take each guard out of a copy of the house, one at a time: the tests named with it must turn red.

usage: python -m tests.mutants [NAME ...] [--json]; those of durable runs: python -m tests.drills.mutants

A guard whose text is not found any more fails too: its mutant would prove nothing.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
COPIED = (
    "charter",
    "plugins",
    "agents",
    "tests",
    "bench",
    "host.py",
    "pyproject.toml",
    "Makefile",
    "README.md",
    "infra",
)
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """A guard taken out: ``guard`` in ``file`` becomes ``instead``; ``tests`` must notice."""

    name: str
    file: str
    guard: str
    instead: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "no gate",
        "charter/runs/calling.py",
        'if decision.outcome != "allow":',
        "if False:",
        ("tests/journeys/test_order.py",),
    ),
    Mutant(
        "no row-level security",
        "charter/store/migrations/0001_foundation.sql",
        "execute format('alter table %I enable row level security', t);",
        "null;",
        ("tests/store",),
    ),
    Mutant(
        "no ACL filter",
        "charter/knowledge/queries.py",
        "d.readers && $2::text[] and ",
        "$2::text[] is not null and ",
        ("tests/knowledge",),
    ),
    Mutant(
        "no digest check at the decision",
        "charter/governance/approvals.py",
        "if digest != approval.digest:",
        "if False:",
        ("tests/journeys/test_order.py", "tests/governance"),
    ),
    Mutant(
        "no digest check at the gate",
        "charter/governance/gate.py",
        "if approval.digest != question.digest:",
        "if False:",
        ("tests/governance",),
    ),
    Mutant(
        "no requester check",
        "charter/governance/approvals.py",
        'if approval.kind == "approval" and ctx.principal.id == approval.requester_id:',
        "if False:",
        ("tests/journeys/test_order.py", "tests/governance"),
    ),
    Mutant(
        "no look at annotations",
        "charter/catalog/policies.py",
        "sorted(annotations.keys() - ANNOTATIONS)",
        "()",
        ("tests/catalog/test_check.py",),
    ),
    Mutant(
        "no look at argument roles",
        "charter/catalog/plugins.py",
        "taken.keys() - declared.keys()",
        "()",
        ("tests/catalog/test_check.py",),
    ),
    Mutant(
        "no fence around the base address",
        "charter/kernel/connection.py",
        "or _climbs(target.path)",
        "",
        ("tests/kernel",),
    ),
    Mutant(
        "redirects followed",
        "charter/kernel/connection.py",
        "allow_redirects=False",
        "allow_redirects=True",
        ("tests/kernel",),
    ),
    Mutant(
        "no audience at the sandboxes",
        "charter/twins/caller.py",
        '"require": _NEEDED',
        '"require": _NEEDED, "verify_aud": False',
        ("tests/plugins/test_callers.py",),
    ),
    Mutant(
        "errors of policies overlooked",
        "charter/governance/policy.py",
        "if finding.errors:",
        "if False:",
        ("tests/governance",),
    ),
    Mutant(
        "permitted by default",
        "charter/governance/policy.py",
        'if finding.outcome == "permit" and base:',
        "if True:",
        ("tests/governance",),
    ),
    Mutant(
        "undeclared is trusted",
        "charter/governance/labels.py",
        "fits = _FITS.get(declared) if declared else None",
        "fits = _FITS.get(declared) if declared else (lambda value: True)",
        ("tests/governance",),
    ),
    Mutant(
        "no audit, and yet a call",
        "charter/governance/audit.py",
        "raise AuditFailed from fault",
        "return",
        ("tests/governance",),
    ),
    Mutant(
        "no fence of the journal",
        "charter/runs/journal.py",
        "where id = $1 and epoch = $2 returning last_seq",
        "where id = $1 and $2::bigint is not null returning last_seq",
        ("tests/runs/test_journal.py",),
    ),
    Mutant(
        "no renewal of authority",
        "charter/runs/engine.py",
        "claim = replace(claim, ctx=await self._renewal.renew(claim.ctx))",
        "claim = replace(claim, ctx=claim.ctx)",
        ("tests/runs/test_survival.py",),
    ),
    Mutant(
        "open doors while the host goes",
        "charter/runs/service.py",
        "        self.admittance.check()\n",
        "",
        ("tests/journeys/test_drain.py",),
    ),
    Mutant(
        "workers that outlive their supervisor",
        "host.py",
        "stop.with_input(hurry=place.sandboxed)",
        "pass",
        ("tests/journeys/test_workers.py",),
    ),
    Mutant(
        "weights fetched by everyone",
        "charter/models/embedded/weights.py",
        "await self._alone(lock)",
        "pass",
        ("tests/models/test_weights.py",),
    ),
    Mutant(
        "schedule without idempotency key",
        "charter/runs/schedules.py",
        "idempotency_key=due.key,",
        "idempotency_key=None,",
        ("tests/runs/test_schedules.py",),
    ),
    Mutant(
        "a new schedule fires for the past",
        "charter/runs/schedules.py",
        "if name not in known or name in fresh:",
        "if name not in known:",
        ("tests/runs/test_schedules.py",),
    ),
    Mutant(
        "a schedule's workload keeps the roles it lost",
        "charter/identity/renewal.py",
        "return replace(ctx, principal=replace(ctx.principal, roles=roles))",
        "return ctx",
        ("tests/identity/test_directory.py",),
    ),
    Mutant(
        "unattended work as a person",
        "charter/identity/unattended.py",
        'if kind != "workload" or not application:',
        "if not application:",
        ("tests/identity/test_directory.py",),
    ),
    Mutant(
        "a person judged by a trigger's approver",
        "charter/governance/gate.py",
        'if ctx.principal.type != "workload":\n            manager',
        'if ctx.approver is None and ctx.principal.type != "workload":\n            manager',
        ("tests/governance/test_gate.py",),
    ),
    Mutant(
        "retention deletes waiting runs",
        "charter/store/migrations/0002_durability.sql",
        "and r.status in ('completed', 'failed', 'cancelled'))",
        ")",
        ("tests/runs/test_retention.py",),
    ),
    Mutant(
        "retention deletes what ended just now",
        "charter/store/crossing.py",
        "and updated_at < clock_timestamp() - make_interval(days => $1)",
        "and $1::int is not null",
        ("tests/runs/test_retention.py",),
    ),
    Mutant(
        "a run takes the present bundle",
        "charter/runs/editions.py",
        "if self._current.bundle(agent) == bundle:",
        "if True:",
        (
            "tests/runs/test_editions.py::test_an_edit_holds_for_new_runs_and_a_run_that_began_before_finishes_on_its_own_bundle",
        ),
    ),
    Mutant(
        "a planted bundle is run",
        "charter/runs/editions.py",
        "if not hmac.compare_digest(kept.seal, self._seal(digest)):",
        "if False:",
        (
            "tests/runs/test_editions.py::test_earlier_bundles_stay_at_hand_and_those_let_go_are_read_once_for_all_who_need_them",
        ),
    ),
    Mutant(
        "bytecode of an older version is run",
        "charter/kernel/guest.py",
        "def get_code(self",
        "def get_no_code(self",
        ("tests/kernel/test_guest.py",),
    ),
    Mutant(
        "history is not reduced",
        "charter/runs/conversation.py",
        "        if used > budget:\n            return within",
        "        if False:\n            return within",
        ("tests/runs/test_history.py::test_a_thread_of_hundreds_of_exchanges_costs_no_more_tokens_than_a_short_one",),
    ),
    Mutant(
        "a run's own steps are not reduced",
        "charter/runs/shown.py",
        "if self._used > self._budget:",
        "if False:",
        (
            "tests/runs/test_history.py::test_each_view_of_a_long_run_is_bounded_keeps_its_input_and_tears_no_pair_apart",
        ),
    ),
    Mutant(
        "an answer that is only mentioned counts as trusted",
        "charter/runs/conversation.py",
        "return messages, _label(rows)",
        "return messages, _label(rows[:whole])",
        ("tests/runs/test_history.py::test_an_untrusted_answer_still_counts_when_it_is_only_mentioned_or_not_at_all",),
    ),
    Mutant(
        "live text is sent though nobody follows elsewhere",
        "charter/runs/following.py",
        "if self._remote.follows(run_id):",
        "if True:",
        ("tests/runs/test_following.py",),
    ),
    Mutant(
        "answers bound to no doubt",
        "charter/runs/resolving.py",
        'return asked and since in (None, waits["since"])',
        "return asked",
        ("tests/journeys/test_doubt.py",),
    ),
)


def killed(mutant: Mutant, folder: Path) -> str | None:
    """Return ``None`` when a test noticed; otherwise what is wrong."""
    file = folder / mutant.file
    text = file.read_text("utf-8")
    if mutant.guard not in text:
        return f"the guard is not in {mutant.file} any more"
    file.write_text(text.replace(mutant.guard, mutant.instead), "utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    finally:
        file.write_text(text, "utf-8")
    if ended.returncode == 1:
        return None
    return (
        "no test noticed"
        if ended.returncode == 0
        else f"the tests did not run: {ended.stdout[-300:]}{ended.stderr[-300:]}"
    )


def copy_to(folder: Path) -> None:
    for name in COPIED:
        source = HOUSE / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, folder / name)


def main(mutants: Sequence[Mutant] = MUTANTS) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    wanted = [m for m in mutants if not chosen.names or m.name in chosen.names]
    alive: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="charter-mutants-") as name:
        copy_to(Path(name))
        for mutant in wanted:
            fault = killed(mutant, Path(name))
            if fault:
                alive[mutant.name] = fault
            if not chosen.json:
                sys.stdout.write(f"{'ALIVE ' if fault else 'killed'}  {mutant.name}{': ' + fault if fault else ''}\n")
                sys.stdout.flush()
    if chosen.json:
        sys.stdout.write(
            json.dumps({"passed": len(wanted) - len(alive), "failed": len(alive), "skipped": 0, "alive": alive}) + "\n"
        )
    return 0 if wanted and not alive else 1


if __name__ == "__main__":
    from tests.doors.mutants import DOORS

    sys.exit(main((*MUTANTS, *DOORS)))
