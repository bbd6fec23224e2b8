"""`portcullis policy validate`: everything that is wrong with policy files, at its place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from portcullis.policy.cases import failures, run_cases
from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault, PolicyFaults
from portcullis.policy.lock_file import read_lock_file
from portcullis.values import JsonObject
from portcullis_cli.errors import ExitCode
from portcullis_cli.policy.inputs import (
    AsJson,
    LockPath,
    Server,
    ServerCommand,
    TokenFile,
    ToolsFile,
    ToolsFrom,
    Url,
    known_tools,
    load_text,
    read_lock,
    read_text,
    server_of,
)
from portcullis_cli.policy.schema_advice import advise_by_schemas
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One file and what was found."""

    path: Path
    faults: Sequence[Fault]
    warnings: Sequence[Fault] = ()
    revision: str = ""
    rules: int = 0
    tests: int = 0
    loaded: Loaded | None = None


def validate(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Policies, `<server>.yaml`.")
    ],
    server: Server = "",
    tools: ToolsFile = None,
    url: Url = "",
    command: ServerCommand = "",
    token_file: TokenFile = None,
    lock: LockPath = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 where there are warnings, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check policies as an upload is checked: all faults, their lines, the tests in them.

    Where the server's tools are known, it also warns of tools and arguments that the server does
    not have, and of conditions that no value of an argument can meet.

    Example: portcullis policy validate policies/aws-iam.yaml
    """
    with reported(as_json=as_json):
        told = ToolsFrom(file=tools, url=url, command=command, token_file=token_file)
        known = known_tools(surroundings_of(context), told)
        checked = [check_file(path, server_of(path, server), known, lock) for path in files]
        if as_json:
            tell({"files": [_told(one) for one in checked]})
        else:
            for one in checked:
                for line in finding_lines(one):
                    typer.echo(line)
        if any(one.faults or (strict and one.warnings) for one in checked):
            raise typer.Exit(ExitCode.REFUSED)


def check_file(path: Path, server: str, tools: object = None, lock: Path | None = None) -> Checked:
    """Read a policy file and run its tests.

    Raises:
        CommandError: it cannot be read.
    """
    pins = None if lock is None else read_lock(lock).document()
    return _checked(path, read_text(path), server, tools, lambda: pins)


def check_text(
    path: Path, text: bytes, server: str, *, tools: object = None, lock: bytes | None = None
) -> Checked:
    """Read a policy with its server's lock, as they are uploaded, and run its tests.

    `path` says where the text is from.
    """

    def pins() -> JsonObject | None:
        return None if lock is None else read_lock_file(lock, server=server).document()

    return _checked(path, text, server, tools, pins)


def _checked(  # noqa: PLR0917 - what a policy is judged with
    path: Path, text: bytes, server: str, tools: object, pins: Callable[[], JsonObject | None]
) -> Checked:
    known = tools if isinstance(tools, dict) else None
    try:
        loaded = load_text(text, known, pins())
    except PolicyFaults as faulty:
        return Checked(path=path, faults=faulty.faults)
    results = run_cases(loaded.policy, loaded.cases, known, server=server)
    warnings = [*loaded.warnings]
    if known is not None:
        warnings += advise_by_schemas(text, known)
    return Checked(
        path=path,
        faults=failures(results),
        warnings=warnings,
        revision=loaded.policy.revision,
        rules=loaded.rules,
        tests=len(loaded.cases),
        loaded=loaded,
    )


def finding_lines(one: Checked) -> Iterator[str]:
    """One line a finding, as compilers write them: editors find the place."""
    for kind, found in (("error", one.faults), ("warning", one.warnings)):
        for fault in found:
            place = "" if fault.line is None else f":{fault.line}:{fault.column}"
            where = f"{plain(fault.path)}: " if fault.path else ""
            hint = f" ({plain(fault.suggestion)})" if fault.suggestion else ""
            yield f"{one.path}{place}: {kind}: {where}{plain(fault.message)}{hint}"
    if not one.faults:
        rules = "1 rule" if one.rules == 1 else f"{one.rules} rules"
        tests = "1 test" if one.tests == 1 else f"{one.tests} tests"
        yield f"{one.path}: sound, {rules}, {tests} passed, {one.revision}"


def _told(one: Checked) -> JsonObject:
    return {
        "file": str(one.path),
        "valid": not one.faults,
        "revision": one.revision or None,
        "rules": one.rules,
        "tests": one.tests,
        "faults": [fault_tree(fault) for fault in one.faults],
        "warnings": [fault_tree(fault) for fault in one.warnings],
    }


def fault_tree(fault: Fault) -> JsonObject:
    """A fault for programs."""
    return {
        "path": fault.path,
        "line": fault.line,
        "column": fault.column,
        "message": fault.message,
        "suggestion": fault.suggestion,
    }
