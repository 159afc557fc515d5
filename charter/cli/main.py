"""``charter``: check, doctor, schedules, serve, migrate, run, runs, token, knowledge, eval, secrets, tenants, teams. Semantic
Kernel is loaded by ``serve`` alone.
"""

import sys

import click

from charter.cli import (
    checking,
    doctor,
    evaluating,
    knowledge,
    migrating,
    replaying,
    running,
    scheduling,
    secrets,
    serving,
    teams,
    tenants,
)
from charter.errors import CharterError


class Group(click.Group):
    """Says every fault of ours in a sentence and what to do, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CharterError as fault:
            click.echo(f"charter: {fault.detail}", err=True)
            if fault.action:
                click.echo(f"  {fault.action}", err=True)
            for error in fault.errors:
                click.echo(f"  {error.pointer}: {error.detail}", err=True)
            sys.exit(2)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Charter: a governed host for Semantic Kernel agents."""


main.add_command(checking.check)
main.add_command(doctor.doctor)
main.add_command(scheduling.schedules)
main.add_command(serving.serve)
main.add_command(serving.worker)
main.add_command(running.run)
main.add_command(running.token)
main.add_command(replaying.runs)
main.add_command(knowledge.knowledge)
main.add_command(evaluating.evaluate)
main.add_command(secrets.secrets)
main.add_command(migrating.migrate)
main.add_command(tenants.tenants)
main.add_command(teams.teams)

if __name__ == "__main__":
    main()
