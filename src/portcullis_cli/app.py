"""The `portcullis` command, put together."""

import os
import sys

import typer

from portcullis_cli import approvals, grants, kept_grants, kill_switch, locking, scan
from portcullis_cli.command_groups import Grouped
from portcullis_cli.decisions.app import APP as DECISIONS
from portcullis_cli.doctoring.command import doctor
from portcullis_cli.errors import ExitCode
from portcullis_cli.policy.app import APP as POLICY
from portcullis_cli.servers.app import APP as SERVERS
from portcullis_cli.sessions.app import APP as SESSIONS
from portcullis_cli.stack import use_stack
from portcullis_cli.status.command import status
from portcullis_cli.surroundings import is_text, write_anything
from portcullis_cli.verifying.command import verify_gateway

APP = typer.Typer(
    name="portcullis",
    cls=Grouped,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
APP.callback()(use_stack)
grants.APP.command("list")(kept_grants.list_grants)
grants.APP.command("revoke")(kept_grants.revoke)
APP.command("scan")(scan.scan)
APP.command("lock")(locking.lock)
APP.command("verify")(verify_gateway)
APP.command("doctor")(doctor)
APP.add_typer(POLICY)
APP.add_typer(approvals.APP)
APP.add_typer(grants.APP)
APP.command("status")(status)
APP.add_typer(SERVERS)
APP.add_typer(SESSIONS)
APP.add_typer(DECISIONS)
APP.add_typer(kill_switch.APP)


def main() -> None:
    """Run what was typed. Output that cannot be written, to a full disk say, ends in one line."""
    write_anything()
    if not is_text(sys.argv):
        typer.echo("portcullis: the command line holds bytes that are no text", err=True)
        sys.exit(ExitCode.USAGE)
    try:
        APP(prog_name="portcullis")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        typer.echo(f"portcullis: {reason.lower()}", err=True)
        # What is left of the output would fail once more, and louder, at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(ExitCode.UNAVAILABLE)
