"""What a drill found, as people read it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.drills.audit import Audit
from tests.drills.ground import Fall

ADOPTED_WITHIN_SECONDS = 15


@dataclass(slots=True)
class Result:
    """Figures in their order, and a sentence for each fault; none means that the drill passed."""

    figures: dict[str, str] = field(default_factory=dict[str, str])
    faults: list[str] = field(default_factory=list[str])

    def note(self, **figures: object) -> None:
        self.figures.update({name.replace("_", " "): str(value) for name, value in figures.items()})

    def take(self, audit: Audit) -> None:
        """Add what an audit counted; its faults are the drill's."""
        states = ", ".join(f"{count} {state}" for state, count in audit.states.most_common())
        paths = ", ".join(f"{count} by {path}" for path, count in audit.paths.most_common())
        self.note(
            runs=f"{audit.runs} ({states})",
            entries=f"{audit.effects} in the ledger: {audit.lost} lost, {audit.doubled} doubled",
            stuck=audit.stuck,
            in_doubt=f"{audit.doubts}" + (f" ({paths})" if paths else ""),
        )
        self.faults += audit.faults

    def adoptions(self, falls: Sequence[Fall], *, within: float = ADOPTED_WITHIN_SECONDS) -> None:
        """Tell how long the runs of the fallen were without an owner."""
        owned = [fall for fall in falls if fall.owned]
        times = sorted(seconds for fall in owned for seconds in fall.adopted.values())
        late = [seconds for seconds in times if seconds > within]
        never = sum(len(fall.open) for fall in owned)
        if times:
            middle, most = statistics.median(times), times[-1]
            self.note(adopted=f"{len(times)} runs of {len(owned)} hosts: p50 {middle:.1f} s, max {most:.1f} s")
        if late:
            self.faults.append(
                f"{len(late)} runs were adopted later than {within:g} s, the last after {late[-1]:.1f} s"
            )
        if never:
            self.faults.append(f"{never} runs of fallen hosts were never seen adopted")


def table(name: str, result: Result, seconds: float) -> str:
    lines = [f"{name}: {'FAILED' if result.faults else 'passed'} in {seconds:.0f} s"]
    lines += [f"  {label:<10} {value}" for label, value in result.figures.items()]
    lines += [f"  ! {fault}" for fault in result.faults[:12]]
    if len(result.faults) > 12:
        lines.append(f"  ! and {len(result.faults) - 12} more")
    return "\n".join(lines) + "\n"
