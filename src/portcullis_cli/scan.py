"""`portcullis scan`: what a server's tools can do, how bad that is, and the rules for it."""

import shlex
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import typer

from portcullis_cli.catalogue.assess import assess
from portcullis_cli.catalogue.model import RANK, Severity
from portcullis_cli.catalogue.rules import Terms
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.reporting import reported, tell
from portcullis_cli.scan_report import Report, to_html, to_json, to_markdown, to_table
from portcullis_cli.surroundings import surroundings_of
from portcullis_cli.targets import target_of
from portcullis_cli.tool_source import tools_text
from portcullis_cli.written_policy import written_policy

_STDOUT: Final = Path("-")


class Format(Enum):
    """How the report is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def scan(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    url: Annotated[
        str, typer.Argument(metavar="[URL]", help="The server's address, `https://…/mcp`.")
    ] = "",
    command: Annotated[
        str,
        typer.Option(
            "--command", help="Start a server on this machine and speak to it over its stdio."
        ),
    ] = "",
    function: Annotated[
        str,
        typer.Option(
            "--lambda",
            help="A function that hosts a server: its name or its ARN.",
        ),
    ] = "",
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", help="A file with the bearer token that the address asks for."
        ),
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option("--tool", help="Tell everything about this tool. Repeatable."),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="How the report is written.")
    ] = Format.TABLE,
    as_json: Annotated[
        bool, typer.Option("--json", help="The same as `--format json`: one line of JSON.")
    ] = False,
    write_policy: Annotated[
        Path | None,
        typer.Option(
            "--write-policy",
            help="Write the recommended rules as a policy to this file, `-` for stdout. A file "
            "that exists is not replaced.",
        ),
    ] = None,
    save_tools: Annotated[
        Path | None,
        typer.Option(
            "--save-tools",
            help="Write the tool list to this file, for `policy validate --tools` and the like.",
        ),
    ] = None,
    approver: Annotated[
        list[str] | None,
        typer.Option(
            "--approver", help="Who decides where a rule asks: a name or `group:…`. Repeatable."
        ),
    ] = None,
    fail_on: Annotated[
        Severity | None,
        typer.Option("--fail-on", help="End with 1 where a tool is this severe, or worse."),
    ] = None,
    timeout: Annotated[
        int, typer.Option("--timeout", min=1, max=600, help="Seconds the server may take.")
    ] = 30,
) -> None:
    """Read a server's tools, and say of each what it can do and which rule fits it.

    Nothing is called: only the tool list is read. Every judgement quotes the definition it
    comes from; where little is known the confidence is low, and the tool is taken for worse.

    Example: portcullis scan https://mcp.example.com/mcp --write-policy -
    """
    is_json = as_json or form is Format.JSON
    with reported(as_json=is_json):
        around = surroundings_of(context)
        target = target_of(
            around,
            url=url,
            command=command,
            function=function,
            token_file=token_file,
            timeout_seconds=timeout,
        )
        for path in (write_policy, save_tools):
            if path is not None and path != _STDOUT and path.exists():
                raise usage_error(f"{path} exists, and is not replaced")
        server = around.read_tools(target)
        terms = Terms(approvers=tuple(approver)) if approver else Terms()
        profile, found = assess(server.tools, terms)
        found.sort(key=lambda one: (-RANK[one.severity], -RANK[one.category], one.tool))
        shown = [one for one in found if not tool or one.tool in tool]
        if tool and len(shown) != len(set(tool)):
            raise CommandError(
                ExitCode.NOT_FOUND, "the server has no tool of such a name", code="not_found"
            )
        report = Report(server=server, profile=profile, tools=tuple(shown), is_whole=not tool)
        whole = replace(report, tools=tuple(found), is_whole=True)
        _write_files(whole, write_policy, save_tools)
        if is_json:
            tell(to_json(report))
        elif _STDOUT not in (write_policy, save_tools):
            _show(report, form)
        _say_next(write_policy, save_tools)
        _end(report, fail_on)


def _write_files(whole: Report, policy: Path | None, tools: Path | None) -> None:
    if policy is not None:
        _write(policy, written_policy(whole))
    if tools is not None:
        _write(tools, tools_text(whole.server.tools))


def _say_next(policy: Path | None, tools: Path | None) -> None:
    if policy not in (None, _STDOUT):
        known = [] if tools in (None, _STDOUT) else ["--tools", str(tools)]
        words = shlex.join(["portcullis", "policy", "validate", str(policy), *known])
        typer.echo(f"next: {words}", err=True)


def _write(path: Path, text: str) -> None:
    if path == _STDOUT:
        typer.echo(text, nl=False)
        return
    try:
        with path.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise usage_error(
            f"the policy file: {(error.strerror or 'cannot be written').lower()}"
        ) from error
    typer.echo(f"wrote {path}", err=True)


def _show(report: Report, form: Format) -> None:
    if form is Format.MARKDOWN:
        typer.echo(to_markdown(report), nl=False)
    elif form is Format.HTML:
        typer.echo(to_html(report), nl=False)
    else:
        to_table(report)


def _end(report: Report, fail_on: Severity | None) -> None:
    if fail_on is None:
        return
    severe = sum(1 for one in report.tools if RANK[one.severity] >= RANK[fail_on])
    if severe:
        typer.echo(f"portcullis: {severe} tools are {fail_on.value} or worse", err=True)
        raise typer.Exit(ExitCode.REFUSED)
