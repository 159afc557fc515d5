"""Take each guard out of a copy of the house, one at a time: the tests named with it must turn red.

usage: python -m tests.mutants [NAME ...] [--json]; those of durable runs: python -m tests.drills.mutants

A guard whose text is not found as often as it should be fails too: its mutant would prove nothing.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
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
    "azure.yaml",
    ".dockerignore",
)
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """A guard taken out: ``guard`` in ``file`` becomes ``instead``, ``times`` times; ``tests`` must notice."""

    name: str
    file: str
    guard: str
    instead: str
    tests: tuple[str, ...]
    times: int = 1

    def lost(self, text: str) -> str | None:
        """Return what is wrong where the file's text does not hold the guard as often as it should."""
        found = text.count(self.guard)
        if found == self.times:
            return None
        return f"the guard stands {found} times in {self.file}, not {self.times}"


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
        ("tests/knowledge/test_access.py",),
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
        "if not any(hmac.compare_digest(kept.seal, _seal(key, digest)) for key in self._keys):",
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
        "if self._remote.follows(run_id):\n            self._outlet.add(",
        "if True:\n            self._outlet.add(",
        ("tests/runs/test_following.py",),
    ),
    Mutant(
        "answers bound to no doubt",
        "charter/runs/resolving.py",
        'return asked and since in (None, waits["since"])',
        "return asked",
        ("tests/journeys/test_doubt.py",),
    ),
    Mutant(
        "any assertion is taken",
        "charter/twins/entra/token_endpoint.py",
        'client_assertions.verify(twin.credentials.get(client_id, ()), form["client_assertion"])',
        "pass",
        ("tests/twins/test_client_assertions.py",),
    ),
    Mutant(
        "assertions of any subject",
        "charter/twins/entra/client_assertions.py",
        'if each.subject == claims.get("sub")',
        "if claims",
        ("tests/twins/test_client_assertions.py",),
    ),
    Mutant(
        "any identity header",
        "charter/twins/entra/managed_identity.py",
        "if not hmac.compare_digest(given.encode(), identity_header(twin).encode()):",
        "if False:",
        ("tests/twins/test_managed_identity.py",),
    ),
    Mutant(
        "no metadata header",
        "charter/twins/entra/managed_identity.py",
        'request.headers.get("Metadata", "").lower() != "true" or ',
        "",
        ("tests/twins/test_managed_identity.py",),
    ),
    Mutant(
        "managed identities sign in by name",
        "charter/twins/entra/token_endpoint.py",
        "None if account is not None and account.managed else account",
        "account",
        ("tests/twins/test_managed_identity.py",),
    ),
    Mutant(
        "no step-up",
        "charter/twins/entra/token_endpoint.py",
        "if account.step_up:",
        "if False:",
        ("tests/identity/test_grants.py",),
    ),
    Mutant(
        "one key ring for customers and tenants",
        "charter/twins/runner.py",
        'plan.folder / "customers",',
        'plan.folder / "entra",',
        ("tests/twins/test_customers.py",),
    ),
    Mutant(
        "tenants forgotten",
        "charter/twins/entra/tenants.py",
        '_keep(twin.folder / "tenants" / f"{asked.name}.json", asked)',
        "pass",
        ("tests/twins/test_tenants.py",),
    ),
    Mutant(
        "any authority behind a certificate",
        "charter/twins/certificates.py",
        "server.verify_directly_issued_by(authority)",
        "pass",
        ("tests/twins/test_certificates.py",),
    ),
    Mutant(
        "state not compared",
        "charter/identity/sign_ins.py",
        "if not hmac.compare_digest(attempt.state.encode(), state.encode()):",
        "if False:",
        ("tests/identity/test_sign_ins.py",),
    ),
    Mutant(
        "nonce not compared",
        "charter/identity/code_flow.py",
        'if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), attempt.nonce.encode()):',
        "if False:",
        ("tests/identity/test_sign_ins.py",),
    ),
    Mutant(
        "no check of the code's verifier at the twin",
        "charter/twins/entra/sign_ins.py",
        "if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(challenge_of(verifier), code.challenge):",
        "if False:",
        ("tests/twins/test_sign_in.py",),
    ),
    Mutant(
        "any address to be sent back to at the twin",
        "charter/twins/entra/authorization.py",
        "if not twin.sign_ins.registered(back):\n        raise",
        "if not back:\n        raise",
        ("tests/twins/test_sign_in.py",),
    ),
    Mutant(
        "a session that survives its sign-out",
        "charter/identity/sign_ins.py",
        "held = await self._rows.close(place) if place else None",
        "held = await self._rows.find(place) if place else None",
        ("tests/identity/test_sign_ins.py",),
    ),
    Mutant(
        "a session id that was held before the sign-in",
        "charter/identity/sign_ins.py",
        "identifier = secrets.token_urlsafe(32)",
        'identifier, held = held.partition(".")[2] or secrets.token_urlsafe(32), ""',
        ("tests/identity/test_sign_ins.py",),
    ),
    Mutant(
        "a session's tokens in another's row",
        "charter/identity/session_rows.py",
        'if owner != [place.tenant, row["principal"], place.digest.hex()]:',
        "if False:",
        ("tests/identity/test_sign_ins.py",),
    ),
    Mutant(
        "no lock around a session's renewal",
        "charter/identity/session_rows.py",
        '_LOCK = f"{_READ} for update"',
        "_LOCK = _READ",
        ("tests/identity/test_sign_ins.py",),
    ),
    Mutant(
        "sessions without an end",
        "charter/identity/session_rows.py",
        " and expires_at > $3 and seen_at > $4",
        " and $3::timestamptz is not null and $4::timestamptz is not null",
        ("tests/identity/test_sign_ins.py",),
    ),
    Mutant(
        "forms without the session's token",
        "charter/channels/console/session.py",
        "if not desk(request).cookies.fits(request, given):",
        "if False:",
        ("tests/console/test_guards.py",),
    ),
    Mutant(
        "a dry run that sends",
        "infra/rest.py",
        "        if self.dry:",
        "        if False:",
        ("tests/infra/test_registrations.py",),
    ),
    Mutant(
        "a token to anybody",
        "infra/rest.py",
        'if scheme == "http" and host in _LOOPBACK:',
        'if scheme == "http":',
        ("tests/infra/test_registrations.py",),
    ),
    Mutant(
        "a role anew on each registration",
        "infra/registrations.py",
        '"id": ids.get(entry["value"], entry["id"])',
        '"id": entry["id"]',
        ("tests/infra/test_registrations.py",),
    ),
    Mutant(
        "a second registration",
        "infra/registrations.py",
        "made = known[0] if known else",
        "made =",
        ("tests/infra/test_registrations.py",),
    ),
    Mutant(
        "a secret anew on each run",
        "infra/put_secrets.py",
        "if known and name not in rotated:",
        "if False:",
        ("tests/infra/test_registrations.py",),
    ),
    Mutant(
        "a secret that is shown",
        "infra/rest.py",
        'inner = _without(body[first], tuple(rest)) if rest else "(not shown)"',
        "inner = body[first]",
        ("tests/infra/test_registrations.py",),
    ),
    Mutant(
        "an identity of Entra that nobody lets in",
        "charter/store/migrate.py",
        "            await _introduced(connection, owner_url, login)\n",
        "",
        ("tests/tenancy/test_login.py",),
    ),
)


def killed(mutant: Mutant, folder: Path) -> str | None:
    """Return ``None`` when a test noticed; otherwise what is wrong."""
    file = folder / mutant.file
    text = file.read_text("utf-8")
    if lost := mutant.lost(text):
        return lost
    if not _green(mutant.tests, folder):
        return "its tests are red without it, too"
    file.write_text(text.replace(mutant.guard, mutant.instead), "utf-8")
    try:
        ended = _run(mutant.tests, folder)
    finally:
        file.write_text(text, "utf-8")
    if ended.returncode == 1:
        return None
    return (
        "no test noticed"
        if ended.returncode == 0
        else f"the tests did not run: {ended.stdout[-300:]}{ended.stderr[-300:]}"
    )


@cache
def _green(tests: tuple[str, ...], folder: Path) -> bool:
    """Whether the tests pass in the copy as it is: else whatever turns them red proves nothing."""
    return _run(tests, folder).returncode == 0


def _run(tests: tuple[str, ...], folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:  # neither green nor red: the others still have their turn
        return subprocess.CompletedProcess(command, -1, f"they took longer than {SECONDS} seconds", "")


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
    if unknown := sorted(set(chosen.names) - {m.name for m in mutants}):
        options.error(f"There is no mutant by the name {', '.join(map(repr, unknown))}.")
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


def everywhere() -> tuple[Mutant, ...]:
    """Return these mutants and those of every ``mutants.py``, or ``…_mutants.py``, beside the tests that kill them."""
    found = list(MUTANTS)
    for path in sorted((HOUSE / "tests").glob("*/*mutants.py")):
        if path.parent.name != "drills":
            module = import_module(".".join(path.relative_to(HOUSE).with_suffix("").parts))
            named = (value for value in vars(module).values() if isinstance(value, tuple))
            found += [m for value in named for m in value if hasattr(m, "guard")]
    return tuple(found)


if __name__ == "__main__":
    sys.exit(main(everywhere()))
