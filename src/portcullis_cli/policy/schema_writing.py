"""`portcullis policy schema`: the JSON Schema of policy files, for editors."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from portcullis_cli.errors import usage_error
from portcullis_cli.policy.editor_schema import policy_schema
from portcullis_cli.policy.inputs import AsJson
from portcullis_cli.reporting import reported, tell

STDOUT: Final = Path("-")


def schema(
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Write it to this file, `-` for stdout. A file that exists is not replaced.",
        ),
    ] = STDOUT,
    as_json: AsJson = False,
) -> None:
    """Write the JSON Schema of policy files, with which editors complete and explain words.

    An editor finds it by the first line of a policy:
    `# yaml-language-server: $schema=policy.schema.json`. What a schema cannot know, such as
    whether a path can be read, `portcullis policy validate` says.

    Example: portcullis policy schema -o -
    """
    with reported(as_json=as_json):
        if output != STDOUT:
            try:
                with output.open("x", encoding="utf-8") as file:
                    file.write(schema_text())
            except FileExistsError as error:
                raise usage_error(f"{output} exists, and is not replaced") from error
            except OSError as error:
                reason = (error.strerror or "it cannot be written").lower()
                raise usage_error(f"{output}: {reason}") from error
            if as_json:
                tell({"file": str(output)})
            else:
                typer.echo(f"wrote {output}")
        elif as_json:
            tell(policy_schema())
        else:
            typer.echo(schema_text(), nl=False)


def schema_text() -> str:
    """The schema as `schemas/policy.schema.json` holds it."""
    return json.dumps(policy_schema(), indent=2) + "\n"
