"""`portcullis policy test`: the tests of a policy, and its edges."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from portcullis.policy.case_text import read_cases
from portcullis.policy.cases import Case, CaseResult, run_cases
from portcullis.policy.faults import Findings, PolicyFaults
from portcullis.policy.nodes import Node
from portcullis.policy.yaml_text import parse_text
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.json_text import for_programs
from portcullis_cli.policy.boundaries import Edge, edges_of
from portcullis_cli.policy.inputs import (
    AsJson,
    LockPath,
    PolicyFile,
    Server,
    ServerCommand,
    TokenFile,
    ToolsFile,
    ToolsFrom,
    Url,
    known_tools,
    load,
    read_text,
    server_of,
)
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of


def run_tests(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    file: PolicyFile,
    cases: Annotated[
        list[Path] | None,
        typer.Option(
            "--cases", help="A file with more `tests:`, beside those in the policy. Repeatable."
        ),
    ] = None,
    boundaries: Annotated[
        bool,
        typer.Option(
            "--boundaries",
            help="Try each number of a condition, one below and one above; and the last call of "
            "each limit and the one after.",
        ),
    ] = False,
    server: Server = "",
    tools: ToolsFile = None,
    url: Url = "",
    command: ServerCommand = "",
    token_file: TokenFile = None,
    lock: LockPath = None,
    as_json: AsJson = False,
) -> None:
    """Run the tests of a policy, those in it and those in other files. Ends with 1 if one fails.

    Example: portcullis policy test policies/aws-iam.yaml --boundaries
    """
    with reported(as_json=as_json):
        told = ToolsFrom(file=tools, url=url, command=command, token_file=token_file)
        known = known_tools(surroundings_of(context), told)
        name = server_of(file, server)
        try:
            loaded = load(file, known, lock)
        except PolicyFaults as faulty:
            message = f"{file}: {faulty}"
            raise CommandError(ExitCode.REFUSED, message, code="invalid_policy") from faulty
        beside = [(path, _cases_in(path)) for path in cases or ()]
        more = [case for _, found in beside for case in found]
        results = run_cases(loaded.policy, [*loaded.cases, *more], known, server=name)
        edges = (
            [*edges_of(loaded.policy, [*loaded.cases, *more], server=name)] if boundaries else []
        )
        if not results and not boundaries:
            raise CommandError(ExitCode.REFUSED, "there is no test", code="no_tests")
        if as_json:
            tell(
                {
                    "passed": sum(one.passed for one in results),
                    "failed": sum(not one.passed for one in results),
                    "tests": [
                        {"name": one.case.name, "passed": one.passed, "decided": one.decided}
                        for one in results
                    ],
                    "boundaries": [
                        {"tool": one.tool, "rule": one.rule, "at": one.what, "decided": one.decided}
                        for one in edges
                    ],
                }
            )
        else:
            files = [file] * len(loaded.cases) + [path for path, found in beside for _ in found]
            _show(results, edges, files)
        if not all(one.passed for one in results):
            raise typer.Exit(ExitCode.REFUSED)


def _cases_in(path: Path) -> tuple[Case, ...]:
    """The tests of a file that holds nothing else.

    Raises:
        CommandError: it is not such a file, or the tests in it have faults.
    """
    try:
        return _read_cases(path)
    except PolicyFaults as faulty:
        faults = faulty.faults
        more = f" (the first of {len(faults)} faults)" if len(faults) > 1 else ""
        message = f"{path}: {plain(str(faults[0]))}{more}"
        raise CommandError(ExitCode.REFUSED, message, code="invalid_tests") from faulty


def _read_cases(path: Path) -> tuple[Case, ...]:
    read = parse_text(read_text(path))
    findings = Findings(read.positions)
    tree = read.tree
    if not isinstance(tree, dict) or set(tree) != {"tests"}:
        raise usage_error(f"{path}: a file of tests holds `tests:` and nothing else")
    found = read_cases(Node(tree["tests"], ("tests",), findings))
    if read.faults:
        raise PolicyFaults(read.faults)
    findings.raise_faults()
    return found


def _show(results: Sequence[CaseResult], edges: Sequence[Edge], files: Sequence[Path]) -> None:
    for result, file in zip(results, files, strict=True):
        if result.passed:
            typer.echo(f"ok    {plain(result.case.name)}: {result.decided}")
        else:
            fault = result.fault
            hint = f" ({plain(fault.suggestion)})" if fault.suggestion else ""
            typer.echo(f"FAIL  {file}:{fault.line}: {plain(fault.message)}{hint}")
    for edge in edges:
        arguments = for_programs(edge.arguments)
        typer.echo(f"edge  {plain(edge.rule)}: {plain(edge.what)} -> {edge.decided}  {arguments}")
    passed = sum(one.passed for one in results)
    tests = f"{passed} of {len(results)} tests passed" if results else "no test yet"
    tried = f"; {len(edges)} edges: see that each is as you want it" if edges else ""
    typer.echo(tests + tried, err=True)
