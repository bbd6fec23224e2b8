"""`portcullis policy fmt`: policy files in one layout, their comments kept."""

import difflib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.yaml_text import MAXIMUM_BYTES
from portcullis_cli.errors import ExitCode, usage_error
from portcullis_cli.policy.inputs import AsJson, read_text
from portcullis_cli.policy.layout.laying_out import LayoutError, lay_out
from portcullis_cli.policy.validating import Checked, finding_lines
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell

STDIN = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """One file before and after; `refused`: why it is left alone, one line each."""

    path: Path
    before: bytes
    after: bytes = b""
    refused: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the file is not in the layout yet."""
        return not self.refused and self.after != self.before

    @property
    def word(self) -> str:
        """What is to be said of it, in a word."""
        return "refused" if self.refused else "changed" if self.changes else "unchanged"


def fmt(
    *,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Policies; `-` reads one from stdin.")
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 where a file would change.")
    ] = False,
    show_diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; show what would change.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Lay out policies in one way: order of keys, quotes, indentation, empty lines.

    Comments stay at their entries and the meaning stays what it is: the outcome is read again,
    and a file for which that does not hold is left as it was. So is one that is no sound policy.

    Example: portcullis policy fmt policies/aws-iam.yaml --check
    """
    with reported(as_json=as_json):
        if STDIN in files and (len(files) > 1 or as_json):
            raise usage_error("`-` stands alone, and its outcome is the text")
        done = [laid_out(path) for path in dict.fromkeys(files)]
        if not (check or show_diff):
            for one in done:
                _write(one)
        if as_json:
            tell(
                {
                    "files": [
                        {"file": str(one.path), "outcome": one.word, "refused": list(one.refused)}
                        for one in done
                    ]
                }
            )
        else:
            _tell(done, show_diff=show_diff, writes=not (check or show_diff))
        if any(one.refused or (check and one.changes) for one in done):
            raise typer.Exit(ExitCode.REFUSED)


def laid_out(path: Path) -> LaidOut:
    """Read a file and lay it out.

    Raises:
        CommandError: it cannot be read.
    """
    is_stdin = path == STDIN
    data = sys.stdin.buffer.read(MAXIMUM_BYTES + 1) if is_stdin else read_text(path)
    try:
        return LaidOut(path=path, before=data, after=lay_out(data))
    except PolicyFaults as faulty:
        lines = finding_lines(Checked(path=path, faults=faulty.faults))
        return LaidOut(path=path, before=data, refused=tuple(lines))
    except LayoutError as error:
        return LaidOut(path=path, before=data, refused=(f"{path}: left as it is: {error}",))


def diff_lines(one: LaidOut) -> Iterator[str]:
    """What changes, as a unified diff."""
    before, after = (text.decode("utf-8").split("\n") for text in (one.before, one.after))
    name = str(one.path)
    for line in difflib.unified_diff(before, after, name, f"{name} (laid out)", lineterm=""):
        yield plain(line)


def _tell(done: list[LaidOut], *, show_diff: bool, writes: bool) -> None:
    for one in done:
        for line in one.refused:
            typer.echo(line, err=one.path == STDIN)
        if show_diff and one.changes:
            for line in diff_lines(one):
                typer.echo(line)
        elif one.path != STDIN and not one.refused:
            would = "laid out" if writes else "would change"
            typer.echo(f"{one.path}: {would if one.changes else 'is in the layout'}")


def _write(one: LaidOut) -> None:
    """Replace the file as a whole, with its mode kept; where nothing changes, leave it alone."""
    if one.refused:
        return
    if one.path == STDIN:
        sys.stdout.buffer.write(one.after)
    elif one.changes:
        _replace(one.path.resolve(), one)


def _replace(path: Path, one: LaidOut) -> None:
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as opened:
            opened.write(one.after)
        Path(temporary).chmod(path.stat().st_mode & 0o7777)
        if path.read_bytes() != one.before:
            raise usage_error(f"{one.path}: it was changed meanwhile, and is left as it is")
        Path(temporary).replace(path)
        temporary = ""
    except OSError as error:
        reason = (error.strerror or "it cannot be written").lower()
        raise usage_error(f"{one.path}: {reason}") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
