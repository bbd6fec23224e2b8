"""`portcullis policy convert`: another product's policy, said again, and what differs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from portcullis.policy.faults import PolicyFaults, path_text
from portcullis.policy.yaml_text import MAXIMUM_BYTES
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.conversion.constructs import CONSTRUCTS, Change, Note
from portcullis_cli.conversion.conversion import Converted, convert
from portcullis_cli.conversion.reading import Reader
from portcullis_cli.conversion.source import Dialect
from portcullis_cli.conversion.theirs import Verdict
from portcullis_cli.conversion.trial import MOST_CALLS, Difference
from portcullis_cli.conversion.writing import Choices
from portcullis_cli.errors import ExitCode, usage_error
from portcullis_cli.json_text import for_programs
from portcullis_cli.policy.inputs import AsJson, read_text
from portcullis_cli.policy.validating import Checked, fault_tree, finding_lines
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell

_EXAMPLES: Final = 5  # of calls that are decided more strictly
_HEADINGS: Final = {
    Change.REVIEW: "Look at:",
    Change.STRICTER: "Stricter than it was:",
}
_WORDS: Final = {
    Verdict.ALLOW: "allowed",
    Verdict.APPROVAL: "asked for an approval",
    Verdict.DENY: "refused",
}
_DEFAULTS: Final = ("allow", "deny")
_SCOPES: Final = ("tool", "principal", "session", "server")
_WINDOWS: Final = ("sliding", "fixed")


def convert_file(  # noqa: PLR0913 - a command's options
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The other product's policy.")],
    dialect: Annotated[
        Dialect | None,
        typer.Option("--from", help="Its dialect. Without it: told by what it holds."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the policy to this file. Without it, to stdout, and the report to "
            "stderr. A file that exists is not replaced.",
        ),
    ] = None,
    default: Annotated[
        str,
        typer.Option(
            "--default",
            help="`allow` or `deny`: for tools without an entry, where the file has none.",
        ),
    ] = "",
    approver: Annotated[
        list[str] | None,
        typer.Option(
            "--approver", help="Who decides where a rule asks: a name or `group:…`. Repeatable."
        ),
    ] = None,
    per: Annotated[
        str,
        typer.Option(
            "--per",
            help="Whose calls a limit counts together: `tool`, `principal`, `session` or "
            "`server`. Without it, as in the file.",
        ),
    ] = "",
    windows: Annotated[
        str,
        typer.Option("--windows", help="`sliding`, or `fixed` windows as the file's own are."),
    ] = "sliding",
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 where something has to be looked at.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Convert another product's policy, and tell everywhere its meaning is not the same.

    Reads Intercept's YAML, PolicyLayer's hosted JSON, and the form that tool catalogues advise.
    What cannot be carried over is refused, and nothing is written. Both readings then decide the
    same calls: nothing that was refused may pass.

    Example: portcullis policy convert docs/how-to/intercept.yaml --default deny --approver anna
    """
    with reported(as_json=as_json):
        reader = Reader(
            default=_one_of("--default", default, _DEFAULTS),
            scope=_one_of("--per", per, _SCOPES),
        )
        fixed = _one_of("--windows", windows, _WINDOWS) == "fixed"
        choices = Choices(approvers=tuple(approver or ()), fixed_windows=fixed)
        text = read_text(file, maximum=MAXIMUM_BYTES)
        try:
            converted = convert(text, reader, choices, dialect=dialect)
        except PolicyFaults as faulty:
            _tell_refusal(file, faulty, as_json=as_json, aside=output is None)
            raise typer.Exit(ExitCode.REFUSED) from faulty
        if output is not None:
            _write(output, converted.text)
        if as_json:
            tell(_tree(converted, output))
        else:
            if output is None:
                typer.echo(converted.text, nl=False)
            for line in report_lines(file, converted, output):
                typer.echo(line, err=output is None)
        if strict and _of(converted.notes, Change.REVIEW):
            raise typer.Exit(ExitCode.REFUSED)


def _one_of(option: str, value: str, known: Sequence[str]) -> str | None:
    if value and value not in known:
        raise usage_error(f"`{option}` is one of {', '.join(known)}")
    return value or None


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise usage_error(f"{path}: it exists, and is not replaced") from error
    except OSError as error:
        raise usage_error(
            f"{path}: {(error.strerror or 'it cannot be written').lower()}"
        ) from error


def _tell_refusal(file: Path, faulty: PolicyFaults, *, as_json: bool, aside: bool) -> None:
    """Tell the faults where the report would be: on stderr (`aside`) where stdout is a policy's."""
    refused = Checked(path=file, faults=faulty.faults)
    if as_json:
        tell({"converted": False, "faults": [fault_tree(fault) for fault in faulty.faults]})
        return
    for line in finding_lines(refused):
        typer.echo(line, err=aside)
    typer.echo(
        "Nothing was written: what cannot be carried over has to be decided first.", err=aside
    )


def report_lines(file: Path, converted: Converted, output: Path | None) -> Iterator[str]:
    """The report: what was read, what has to be looked at, what is stricter, what was tried."""
    loaded, trial = converted.loaded, converted.trial
    yield (
        f"{file}: {converted.source.dialect.value}, {len(converted.source.tools)} tools -> "
        f"{output or 'stdout'}, {loaded.rules} rules, {loaded.policy.revision}"
    )
    for change, heading in _HEADINGS.items():
        found = _of(converted.notes, change)
        if found:
            yield ""
            yield heading
        for construct, notes in found.items():
            row = CONSTRUCTS[construct]
            yield f"  {row.theirs} ({_places(notes, converted)})"
            yield f"    now: {row.ours}"
            yield f"    {row.why}"
    yield ""
    kept = _of(converted.notes, Change.KEPT)
    yield f"Kept: {'; '.join(CONSTRUCTS[one].theirs for one in kept) or 'nothing else'}"
    most = f", the first {MOST_CALLS} of more" if trial.cut else ""
    yield (
        f"Tried with {trial.calls} calls{most}: none passes that was refused, "
        f"{len(trial.stricter)} are decided more strictly"
    )
    for one in _examples(trial.stricter):
        args = plain(for_programs(one.args))
        yield f"  {one.tool} {args}: was {_WORDS[one.theirs]}, now {_WORDS[one.ours]}"


def _of(notes: Sequence[Note], change: Change) -> dict[str, list[Note]]:
    """The notes of one kind by construct, in the order of the table."""
    found = {
        key: [note for note in notes if note.construct == key]
        for key, row in CONSTRUCTS.items()
        if row.change is change
    }
    return {key: those for key, those in found.items() if those}


def _places(notes: Sequence[Note], converted: Converted) -> str:
    lines = sorted(
        {place.line for note in notes if (place := converted.positions.of_value(note.place))}
    )
    if not lines:
        return "nowhere"
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"


def _examples(differences: Sequence[Difference]) -> list[Difference]:
    """One of each kind of difference of each tool, up to a few."""
    kinds: dict[tuple[str, Verdict, Verdict], Difference] = {}
    for one in differences:
        kinds.setdefault((one.tool, one.theirs, one.ours), one)
    return list(kinds.values())[:_EXAMPLES]


def _tree(converted: Converted, output: Path | None) -> JsonObject:
    notes: list[JsonValue] = [
        {
            "construct": note.construct,
            "change": CONSTRUCTS[note.construct].change.value,
            "path": path_text(note.place),
            "line": place.line if (place := converted.positions.of_value(note.place)) else None,
            "theirs": CONSTRUCTS[note.construct].theirs,
            "ours": CONSTRUCTS[note.construct].ours,
            "why": CONSTRUCTS[note.construct].why,
        }
        for note in converted.notes
    ]
    trial = converted.trial
    stricter: list[JsonValue] = [
        {"tool": one.tool, "args": one.args, "was": _WORDS[one.theirs], "now": _WORDS[one.ours]}
        for one in _examples(trial.stricter)
    ]
    return {
        "converted": True,
        "dialect": converted.source.dialect.value,
        "output": None if output is None else str(output),
        "policy": converted.text if output is None else None,
        "revision": converted.loaded.policy.revision,
        "notes": notes,
        "tried": {
            "calls": trial.calls,
            "cut": trial.cut,
            "wider": 0,
            "stricter": len(trial.stricter),
            "examples": stricter,
        },
    }
