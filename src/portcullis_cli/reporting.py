"""How commands tell what came of them: JSON on stdout for programs, a sentence on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError
from portcullis_cli.json_text import for_programs


@contextmanager
def reported(*, as_json: bool) -> Iterator[None]:
    """Turn a command's error into its message and its exit code."""
    try:
        yield
    except CommandError as error:
        if as_json:
            tell(error.reply or {"error": {"code": error.code, "message": str(error)}})
        else:
            typer.echo(f"portcullis: {error}", err=True)
        raise typer.Exit(error.exit_code) from error


def tell(tree: JsonObject) -> None:
    """Write one line of JSON."""
    typer.echo(for_programs(tree))
