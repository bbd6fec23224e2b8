"""`portcullis doctor`: is the set-up right, and what to do where it is not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

import httpx2
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from portcullis.values import JsonObject
from portcullis_cli.connection import TOKEN_VARIABLE, checked_url, find_token
from portcullis_cli.doctoring.examining import examine
from portcullis_cli.doctoring.model import Check, Finding, Patient, Verdict
from portcullis_cli.errors import ExitCode
from portcullis_cli.kept_grants import TABLE_VARIABLE
from portcullis_cli.kill_switch import BUCKET_VARIABLE
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.reporting import reported, tell
from portcullis_cli.stack import stack_of
from portcullis_cli.surroundings import surroundings_of

_TIMEOUT: Final = httpx2.Timeout(30.0, connect=10.0)
_STYLES: Final = {
    Verdict.GOOD: "green",
    Verdict.WRONG: "bold red",
    Verdict.CAUTION: "yellow",
    Verdict.UNKNOWN: "yellow",
}
_NOT_GIVEN: Final = "not given"
Found: TypeAlias = Sequence[tuple[Check, Finding | str]]


def doctor(
    context: typer.Context,
    *,
    url: Annotated[
        str,
        typer.Argument(metavar="URL", help="A server behind the gate: `https://…/mcp/<server>`."),
    ],
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", help=f"A file with an agent's token. Without it: {TOKEN_VARIABLE}."
        ),
    ] = None,
    table: Annotated[
        str,
        typer.Option("--table", envvar=TABLE_VARIABLE, help="The stack's `StateTableName`."),
    ] = "",
    bucket: Annotated[
        str,
        typer.Option("--bucket", envvar=BUCKET_VARIABLE, help="The stack's `PolicyBucketName`."),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Write what was found as one line of JSON.")
    ] = False,
) -> None:
    """Look whether a set-up is right: address, clock, token, policies, stack, and who is told.

    Only looks, and says what to do about each thing. With `portcullis --stack NAME` it looks at
    the whole deployment; what needs something that was not given is listed as such. Ends with 0
    where nothing is wrong, with 1 where something is, and with 6 where something could not be told.

    Example: portcullis doctor https://gate.example/prod/mcp/canary
    """
    with reported(as_json=as_json):
        address = checked_url(url)
        around = surroundings_of(context)
        has_token = token_file is not None or around.environment.get(TOKEN_VARIABLE)
        token = find_token(token_file, around.environment) if has_token else ""
        with httpx2.Client(
            follow_redirects=False,
            timeout=_TIMEOUT,
            transport=around.transport,
            # A proxy would get the token of a plain http address, which is of this machine.
            trust_env=urlsplit(address).scheme == "https",
        ) as http:
            patient = Patient(
                around=around,
                http=http,
                url=address,
                server=plain(address.rpartition("/")[2]),
                token=token,
                table=table,
                bucket=bucket,
                stack=stack_of(context),
            )
            found = [*examine(patient, progress=lambda line: typer.echo(line, err=True))]
        if as_json:
            tell(_tree(address, found))
        else:
            _show(terminal(), address, found)
        code = _exit_code(found)
        if code is not ExitCode.OK:
            raise typer.Exit(code)


def _exit_code(found: Found) -> ExitCode:
    verdicts = {one.verdict for _, one in found if isinstance(one, Finding)}
    if Verdict.WRONG in verdicts:
        return ExitCode.REFUSED
    return ExitCode.UNDECIDED if Verdict.UNKNOWN in verdicts else ExitCode.OK


def _tree(url: str, found: Found) -> JsonObject:
    def row(check: Check, one: Finding | str) -> JsonObject:
        if isinstance(one, str):
            return {"id": check.id, "verdict": _NOT_GIVEN, "detail": one, "fix": ""}
        return {
            "id": check.id,
            "verdict": one.verdict.value,
            "detail": one.detail,
            "fix": one.fix,
        }

    return {"url": url, "checks": [row(check, one) for check, one in found]}


def _show(console: Console, url: str, found: Found) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("FOUND", no_wrap=True)
    table.add_column("ID", no_wrap=True)
    table.add_column("WHAT", overflow="fold")
    for check, one in found:
        if isinstance(one, str):
            text = Text(f"{check.question} It needs {one}.", style="dim")
            table.add_row(Text(_NOT_GIVEN, style="dim"), check.id, text)
            continue
        text = Text(_lines(one.detail))
        if one.fix:
            text.append(f"\nto do: {_lines(one.fix, margin=7)}", style=_STYLES[one.verdict])
        shown = one.verdict.value.upper() if one.verdict is Verdict.WRONG else one.verdict.value
        table.add_row(Text(shown, style=_STYLES[one.verdict]), check.id, text)
    console.print(table)
    console.print(Text(f"\n{_next(url, found)}"), soft_wrap=True)


def _lines(text: str, *, margin: int = 0) -> str:
    return f"\n{' ' * margin}".join(plain(line) for line in text.split("\n"))


def _next(url: str, found: Found) -> str:
    if _exit_code(found) is ExitCode.REFUSED:
        return "Mend what is wrong, then look again."
    canary = f"{url.rpartition('/')[0]}/canary"
    return (
        f"Whether the gate keeps its promises: portcullis verify {plain(canary)}\n"
        "How it is doing now: portcullis status"
    )
