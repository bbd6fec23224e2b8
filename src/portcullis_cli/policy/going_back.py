"""`portcullis policy rollback`: put an earlier policy in force again, as an upload of its own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.kill_switch import Bucket
from portcullis_cli.policy.comparing import change_lines, change_tree
from portcullis_cli.policy.inputs import AsJson, LockPath, ToolsFile, ToolsFrom, known_tools
from portcullis_cli.policy.pushing import signer_or_none
from portcullis_cli.policy.return_plan import Plan, Wanted
from portcullis_cli.policy.returning import plan_return, present_of, replaced
from portcullis_cli.policy.signatures import DEFAULT_ALGORITHM, Algorithm, Serial
from portcullis_cli.policy.uploading import Place, Wait, end, outcome_lines, place_of, require_wait
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of


def rollback(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="The server's name.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="A revision (`sha256:…`) or the version of an upload, as `policy history` says "
            "them. Without it: the revision that was in force before.",
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    wait: Wait = 30,
    key: Annotated[
        str,
        typer.Option("--key", help="The KMS key that signs it anew: `PolicySigningKeyArn`."),
    ] = "",
    serial: Serial = "",
    algorithm: Algorithm = DEFAULT_ALGORITHM,
    lock: LockPath = None,
    tools: ToolsFile = None,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """Go back to an earlier policy: show which decisions change, ask, upload it again, and wait.

    It is an upload like any other: checked by today's rules with today's lock, signed and
    approved where that is asked for, and written only over the upload that was looked at. The
    lock itself stays as it is. Ends as `policy push` does; where nothing would change, with 0.

    Example: portcullis policy rollback amazon-mq --wait 0
    """
    with reported(as_json=as_json):
        require_wait(wait)
        signer = signer_or_none(key, algorithm, serial, option="--key")
        around = surroundings_of(context)
        if not yes and not around.is_terminal():
            raise usage_error("there is no terminal to ask on: look with `history`, then use --yes")
        known = known_tools(around, ToolsFrom(file=tools))
        place = place_of(around, bucket, server)
        present = present_of(place)
        wanted = Wanted(to=to, lock=lock, tools=known, signer=signer, serial=serial)
        plan = plan_return(place, present, wanted, as_json=as_json)
        if plan.is_in_force:
            _tell_nothing(plan, as_json=as_json)
            return
        _show(plan, is_asked=not yes, as_json=as_json)
        if not yes and not _is_agreed(plan):
            raise CommandError(ExitCode.REFUSED, "nothing was uploaded", code="declined")
        version = replaced(place, plan, wanted)
        _finish(place, plan, version, wait, as_json=as_json)


def _finish(place: Place, plan: Plan, version: str, wait: int, *, as_json: bool) -> None:
    if not as_json:
        typer.echo(f"uploaded as version {plain(version)}", err=True)
    status = place.awaited(version, wait)
    if as_json:
        tell({**_tree(plan), "version": version, "status": status})
    else:
        for line in outcome_lines(Path(plan.label), plan.server, status):
            typer.echo(line)
    end(status, wait)


def _is_agreed(plan: Plan) -> bool:
    """Ask on stderr: stdout is for what came of it."""
    wider = ", which permits more" if plan.changes is not None and plan.changes.is_wider else ""
    typer.echo(f"\nUpload it again{wider}? [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _show(plan: Plan, *, is_asked: bool, as_json: bool) -> None:
    """What will be, before it is; programs that do not ask get it with what came of it."""
    if as_json and not is_asked:
        return
    for line in plan.lines():
        typer.echo(line, err=True)
    if plan.changes is not None:
        typer.echo("", err=True)
        for line in change_lines(plan.changes):
            typer.echo(line, err=True)


def _tell_nothing(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        tell({**_tree(plan), "version": None, "status": None})
    else:
        typer.echo(f"{plan.server}: {plain(plan.revision)} is in force already; nothing was done")


def _tree(plan: Plan) -> JsonObject:
    found, now = plan.changes, plan.in_force
    return {
        "server": plan.server,
        "from": None if now is None or not now.is_readable else now.revision,
        "to": {"version": plan.point.version, "revision": plan.revision},
        "wider": None if found is None else found.is_wider,
        "changes": None if found is None else [change_tree(one, found) for one in found.found],
    }
