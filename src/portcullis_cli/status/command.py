"""The command `portcullis status`: the thin edge of the package."""

from collections.abc import Sequence
from typing import Final

import typer
from rich.table import Table
from rich.text import Text

from portcullis.values import JsonObject
from portcullis_cli.errors import ExitCode
from portcullis_cli.kept_grants import TableName, utc
from portcullis_cli.kill_switch import Bucket
from portcullis_cli.policy.inputs import AsJson
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.reporting import reported, tell
from portcullis_cli.servers.app import Console, base_of
from portcullis_cli.stack import stack_of
from portcullis_cli.status.checks import Finding, State, findings
from portcullis_cli.status.looking import Deployment, Looking
from portcullis_cli.surroundings import surroundings_of

_STYLES: Final = {State.OK: "green", State.ATTENTION: "bold red", State.UNTOLD: "magenta"}


def status(
    context: typer.Context,
    *,
    bucket: Bucket,
    table: TableName,
    url: Console = "",
    as_json: AsJson = False,
) -> None:
    """Look at everything once: is somebody needed, and for what. Changes nothing.

    Ends with 0 where all is well, with 1 where somebody should act, and with 5 where something
    could not be told, whatever the rest came to. For alarms, dead letters, secrets and keys it has
    to know the stack: `portcullis --stack NAME status`, or PORTCULLIS_STACK.

    Example: portcullis status
    """
    with reported(as_json=as_json):
        around = surroundings_of(context)
        deployment = Deployment(
            bucket=bucket, table=table, base=base_of(url), stack=stack_of(context)
        )
        readings = Looking(around, deployment).look()
        found = findings(readings)
        if as_json:
            tell(_tree(found, readings.now))
        else:
            _show(found)
    raise typer.Exit(exit_code(found))


def exit_code(found: Sequence[Finding]) -> ExitCode:
    """What the page as a whole comes to."""
    if any(one.untold for one in found):
        return ExitCode.UNAVAILABLE
    is_well = all(one.state is State.OK for one in found)
    return ExitCode.OK if is_well else ExitCode.REFUSED


def _tree(found: Sequence[Finding], now: int) -> JsonObject:
    return {
        "at": utc(now),
        "checks": [
            {
                "check": one.check,
                "state": one.state.value,
                "says": one.says,
                "do": one.do or None,
                "untold": [*one.untold],
            }
            for one in found
        ],
    }


def _show(found: Sequence[Finding]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in found:
        table.add_row(
            Text(one.check),
            Text(one.state.value, style=_STYLES[one.state]),
            Text(plain(one.says)),
        )
        if one.do:
            table.add_row(Text(""), Text(""), Text(f"next: {one.do}", style="bold"))
    console = terminal()
    console.print(table)
    console.print(Text(f"\n{_summary(found)}"))


def _summary(found: Sequence[Finding]) -> str:
    needed = sum(one.state is State.ATTENTION for one in found)
    untold = sum(bool(one.untold) for one in found)
    if not needed and not untold:
        return f"all is well: {len(found)} checks"
    parts = ((needed, "should be acted on"), (untold, "could not be told"))
    return f"of {len(found)} checks " + ", ".join(f"{n} {word}" for n, word in parts if n)
