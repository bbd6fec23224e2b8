"""`portcullis verify`: try to break every guarantee of a running gateway, and print what holds."""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import httpx2
import typer

from portcullis_cli.connection import TOKEN_VARIABLE, checked_url
from portcullis_cli.errors import ExitCode, usage_error
from portcullis_cli.kept_grants import TABLE_VARIABLE, aws_answers
from portcullis_cli.kill_switch import BUCKET_VARIABLE
from portcullis_cli.rendering import terminal
from portcullis_cli.reporting import reported, tell
from portcullis_cli.stack import stack_of
from portcullis_cli.surroundings import Surroundings, surroundings_of
from portcullis_cli.verifying.guarantees import GUARANTEES
from portcullis_cli.verifying.model import Guarantee, Need, Result
from portcullis_cli.verifying.preparing import (
    Named,
    Tokens,
    granted,
    install,
    is_in_force,
    policy_revision,
    require_name,
)
from portcullis_cli.verifying.reaching import GroupSearch, ServerSwitch
from portcullis_cli.verifying.report import as_junit, as_tree, exit_code, show
from portcullis_cli.verifying.running import control, verify
from portcullis_cli.verifying.scene import Place, Reach, Scene, Times

_TIMEOUT: Final = httpx2.Timeout(40.0, connect=10.0)
_EARLIER: Final = 60  # seconds by which two clocks may differ
CANARY: Final = "canary"  # as the template calls it
_MCP: Final = "/mcp/"
IDS: Final = tuple(one.id for one in GUARANTEES)


def verify_gateway(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    url: Annotated[
        str,
        typer.Argument(metavar="URL", help="The canary behind the gate: `https://…/mcp/canary`."),
    ],
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            help="A file with the token of an agent that may call the canary. Without it and "
            f"without --table: {TOKEN_VARIABLE}.",
        ),
    ] = None,
    second_token_file: Annotated[
        Path | None,
        typer.Option("--second-token-file", help="The same of another agent, of the same person."),
    ] = None,
    approver_token_file: Annotated[
        Path | None,
        typer.Option(
            "--approver-token-file",
            help="A file with the token of an approver in the group `canary-approvers`.",
        ),
    ] = None,
    table: Annotated[
        str,
        typer.Option(
            "--table",
            envvar=TABLE_VARIABLE,
            help="The stack's `StateTableName`: make a grant for whoever brings no token, for this "
            "run, and revoke it when it ends.",
        ),
    ] = "",
    bucket: Annotated[
        str,
        typer.Option(
            "--bucket",
            envvar=BUCKET_VARIABLE,
            help="The stack's `PolicyBucketName`: look which policy of the canary is in force.",
        ),
    ] = "",
    log_group: Annotated[
        str,
        typer.Option(
            "--log-group",
            envvar="PORTCULLIS_LOG_GROUP",
            help="The log group of the stack's `GatewayFunction`: look what is recorded.",
        ),
    ] = "",
    disruptive: Annotated[
        bool,
        typer.Option(
            "--disruptive",
            help="Try the kill switch too: stops the canary, and nothing else, for half a minute. "
            "Needs --bucket.",
        ),
    ] = False,
    install_policy: Annotated[
        bool,
        typer.Option("--install", help="Put the canary's policy in force first; needs --bucket."),
    ] = False,
    settle: Annotated[
        int,
        typer.Option(
            "--settle",
            min=0,
            max=300,
            help="Seconds to wait after --install: the deployment's `PolicyRefreshSeconds`.",
        ),
    ] = 30,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this guarantee. Repeat it for more."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", help="Not this guarantee. Repeat it for more."),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", help="Write the results to this file too, as JUnit's XML."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the results as one line of JSON.")
    ] = False,
) -> None:
    """Try to break every guarantee of a running gateway, and say what holds.

    Calls harmless tools of the canary (parameter `CanaryServer`), rightly and in every wrong way,
    and asks the canary what reached it. Nothing else is touched. Approvers are told of the
    requests that it makes, as of any other.

    With `portcullis --stack NAME` table, bucket and log group are the stack's.

    Ends with 0 where everything holds that was asked for, with 1 where something is broken, and
    with 6 where something could not be told, which is not the same as holding.

    Example: portcullis verify https://gate.example/prod/mcp/canary --without recorded
    """
    with reported(as_json=as_json):
        chosen = _chosen(only or (), without or (), disruptive=disruptive)
        place = _place(url)
        if junit is not None:
            _write(junit, b"")  # what cannot be written is told now, not after the run
        around = surroundings_of(context)
        named = Named(table=table, bucket=bucket, log_group=log_group)
        named = named.completed(around, stack_of(context))
        tokens = Tokens(first=token_file, second=second_token_file, approver=approver_token_file)
        known = _policy_in_force(around, place.server, named.bucket, settle, put=install_policy)
        with (
            granted(around, named.table, place.server, tokens, tell=_progress) as them,
            _http(around, url) as http,
        ):
            times = Times(clock=time.monotonic, sleep=around.sleep)
            reach = _reach(around, place.server, named, disruptive=disruptive)
            run = secrets.token_hex(16)
            scene = Scene(place, http, them, times, run=run, reach=reach)
            lacking = control(scene, policy_revision(), is_in_force=known)
            results = verify(scene, chosen, lacking=lacking, progress=_progress)
        _tell(place.url, results, lacking=lacking, junit=junit, as_json=as_json)


def _reach(around: Surroundings, server: str, named: Named, *, disruptive: bool) -> Reach:
    search, switch, since = None, None, around.now() - _EARLIER
    with aws_answers():
        if named.log_group:
            logs = around.aws("logs")
            search = GroupSearch(client=logs, group=named.log_group, since=since)
        if disruptive and named.bucket:
            switch = ServerSwitch(
                around=around, client=around.s3(), bucket=named.bucket, server=server
            )
    return Reach(log=search, switch=switch)


def _chosen(only: Sequence[str], without: Sequence[str], *, disruptive: bool) -> list[Guarantee]:
    for name in (*only, *without):
        if name not in IDS:
            raise usage_error(f"there is no guarantee `{name}`; there are {', '.join(IDS)}")
    if only and without:
        raise usage_error("say one of --only and --without")
    chosen = [
        one
        for one in GUARANTEES
        if (one.id in only or not only)
        and one.id not in without
        and (disruptive or one.id in only or Need.SWITCH not in one.needs)
    ]
    if not chosen:
        raise usage_error("no guarantee is left to be tried")
    return chosen


def _place(text: str) -> Place:
    url = checked_url(text)
    base, _, server = url.rpartition(_MCP)
    name = require_name(server if base and "/" not in server else "")
    return Place(url=url, console_url=f"{base}/approvals", server=name)


def _policy_in_force(
    around: Surroundings, server: str, bucket: str, settle: int, *, put: bool
) -> bool:
    """Whether the canary's policy is known to be in force; puts it there where that is wanted."""
    if put and not bucket:
        raise usage_error("--install needs --bucket")
    if put and server != CANARY:
        raise usage_error(f"--install takes the place of a policy: of `{CANARY}` only")
    if not bucket:
        return False
    with aws_answers():
        client = around.s3()
    if is_in_force(client, bucket, server, policy_revision()):
        return True
    if not put:
        how = "use --install" if server == CANARY else f"take the address of `{CANARY}`"
        raise usage_error(f"another policy than the canary's is in force, or none: {how}")
    install(around, client, bucket, server)
    typer.echo(f"the policy of {server} is in force; waiting {settle} s", err=True)
    around.sleep(settle)
    return True


@contextmanager
def _http(around: Surroundings, url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        follow_redirects=False,
        timeout=_TIMEOUT,
        transport=around.transport,
        headers={"user-agent": "portcullis-verify"},
        # A proxy would get the token of a plain http address, which is of this machine.
        trust_env=urlsplit(url).scheme == "https",
    ) as client:
        yield client


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def _tell(
    url: str, results: list[Result], *, lacking: str, junit: Path | None, as_json: bool
) -> None:
    asked = {one.guarantee.id for one in results}
    not_asked = [name for name in IDS if name not in asked]
    if junit is not None:
        _write(junit, as_junit(url, results))
    if as_json:
        tell(as_tree(url, results, not_asked))
    else:
        show(terminal(), results, not_asked, lacking=lacking)
    code = exit_code(results)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def _write(junit: Path, text: bytes) -> None:
    try:
        junit.write_bytes(text)
    except OSError as error:
        reason = error.strerror or "it cannot be written"
        raise usage_error(f"{junit}: {reason.lower()}") from error
