"""`portcullis kill-switch`: stop all forwarding, let it go on, and see which of the two holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

import typer
from botocore.exceptions import ClientError
from rich.text import Text

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.kill_switch_object import (
    KEY,
    LONGEST_TEXT,
    MAXIMUM_BYTES,
    NOTHING_STOPPED,
    Order,
    is_server_name,
    read_order,
    write_order,
)
from portcullis.adapters.s3_policies import active_key
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.kept_grants import aws_answers, utc
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import Surroundings, surroundings_of

BUCKET_VARIABLE: Final = "PORTCULLIS_BUCKET"
ATTEMPTS: Final = 4
_MOVED: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}

APP = typer.Typer(
    name="kill-switch",
    help="""Stop all forwarding, let it go on, and see which of the two holds.

    Works on one object of the deployment's bucket with your own AWS credentials. It holds in
    every environment after the deployment's `KillSwitchRefreshSeconds`, 5 by default. A call
    that was forwarded before is not interrupted.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Bucket: TypeAlias = Annotated[
    str,
    typer.Option(
        "--bucket", envvar=BUCKET_VARIABLE, help="The bucket: the stack's `PolicyBucketName`."
    ),
]
Servers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--server", help="Only this server. Repeat it for more; without it, all of them."),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write what holds now as one line of JSON.")
]
Change: TypeAlias = Callable[[Order], Order]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What the object says; `etag` None: there is none."""

    order: Order
    etag: str | None


@APP.command("on")
def on(
    context: typer.Context,
    *,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", help="Why, in one line. Agents are told it with every call that is stopped."
        ),
    ],
    server: Servers = None,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """Stop forwarding: every call is denied, and approved calls wait.

    Example: portcullis kill-switch on --reason "Incident 42: brokers are being deleted"
    """
    with reported(as_json=as_json):
        _require_sound(reason, server or ())
        around = surroundings_of(context)
        wanted = frozenset(server or ())

        def stopping(order: Order) -> Order:
            is_all = not wanted or order.everything
            names = frozenset[str]() if is_all else order.servers | wanted
            return said(around, everything=is_all, servers=names, reason=reason)

        client = _client(around)
        _look_for(client, bucket, wanted)
        _tell(changed(client, bucket, stopping, attempts=ATTEMPTS), as_json=as_json)


@APP.command("off")
def off(
    context: typer.Context,
    *,
    server: Servers = None,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """Let forwarding go on: calls are decided by the policies again.

    Example: portcullis kill-switch off --server amazon-mq
    """
    with reported(as_json=as_json):
        _require_sound("", server or ())
        around = surroundings_of(context)
        wanted = frozenset(server or ())

        def going_on(order: Order) -> Order:
            if not wanted:
                return said(around)
            if order.everything:
                raise CommandError(
                    ExitCode.REFUSED,
                    "everything is stopped; let it go on without --server, "
                    "then stop the servers that should stay stopped",
                    code="everything_stopped",
                )
            if not wanted <= order.servers:
                name = min(wanted - order.servers)
                raise CommandError(
                    ExitCode.NOT_FOUND,
                    f"`{name}` is not stopped; nothing changed",
                    code="not_found",
                )
            return said(around, servers=order.servers - wanted, reason=order.reason)

        _tell(changed(_client(around), bucket, going_on, attempts=1), as_json=as_json)


@APP.command("status")
def status(context: typer.Context, *, bucket: Bucket, as_json: AsJson = False) -> None:
    """Say what is stopped, by whom and why.

    Example: portcullis kill-switch status
    """
    with reported(as_json=as_json):
        with aws_answers():
            held = _read(_client(surroundings_of(context)), bucket)
        _tell(held.order, as_json=as_json)


def _require_sound(reason: str, servers: Sequence[str]) -> None:
    if len(reason) > LONGEST_TEXT or not reason.isprintable():
        raise usage_error(f"a reason is one line of {LONGEST_TEXT} characters at most")
    if not all(map(is_server_name, servers)):
        raise usage_error("a server's name has lower-case letters, digits and `-`")


def _client(around: Surroundings) -> Client:
    with aws_answers():
        return around.s3()


def said(
    around: Surroundings,
    *,
    everything: bool = False,
    servers: frozenset[str] = frozenset(),
    reason: str = "",
) -> Order:
    """The order, with who gave it and when."""
    by = around.environment.get("USER", "")
    return Order(
        everything=everything,
        servers=servers,
        reason=reason if everything or servers else "",
        by=by if by.isprintable() and len(by) <= LONGEST_TEXT else "",
        at=utc(around.now()),
    )


def _look_for(client: Client, bucket: str, servers: frozenset[str]) -> None:
    """A server without a policy in force is most likely misspelt, and the right one goes on.

    Who cannot look is not kept from stopping.
    """
    for server in sorted(servers):
        key = active_key(server)
        try:
            found = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        except AwsError as error:
            typer.echo(
                f"whether there is a server `{server}` cannot be told: {error_code(error)}",
                err=True,
            )
            continue
        if key not in {one["Key"] for one in found.get("Contents", ())}:
            raise CommandError(
                ExitCode.NOT_FOUND,
                f"nothing was stopped: no server `{server}` has a policy in force",
                code="not_found",
            )


def changed(client: Client, bucket: str, change: Change, *, attempts: int) -> Order:
    """Change what the object says, unless somebody else did meanwhile; then look again."""
    for _ in range(attempts):
        with aws_answers():
            held = _read(client, bucket)
            wanted = change(held.order)
            if _written(client, bucket, held.etag, wanted):
                return wanted
    raise CommandError(
        ExitCode.REFUSED,
        "somebody else changed it at the same time; look at `kill-switch status`",
        code="changed_meanwhile",
    )


def _read(client: Client, bucket: str) -> _Held:
    try:
        answer = client.get_object(Bucket=bucket, Key=KEY)
    except ClientError as error:
        if error_code(error) == "NoSuchKey":
            return _Held(order=NOTHING_STOPPED, etag=None)
        raise
    return _Held(order=read_order(answer["Body"].read(MAXIMUM_BYTES + 1)), etag=answer["ETag"])


def _written(client: Client, bucket: str, etag: str | None, order: Order) -> bool:
    """Write conditionally (S3 API reference, PutObject: If-Match, If-None-Match)."""
    condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
    try:
        client.put_object(
            Bucket=bucket,
            Key=KEY,
            Body=write_order(order),
            ContentType="application/json",
            **condition,
        )
    except ClientError as error:
        if error_code(error) in _MOVED:
            return False
        raise
    return True


def _tell(order: Order, *, as_json: bool) -> None:
    if as_json:
        tell(
            {
                "everything": order.everything,
                "servers": [*sorted(order.servers)],
                "reason": order.reason,
                "by": order.by,
                "at": order.at,
                "readable": order.is_readable,
            }
        )
        return
    console = terminal()
    console.print(_headline(order), soft_wrap=True)
    for label, text in (("why", order.reason), ("by", order.by), ("since", order.at)):
        if text:
            console.print(Text(f"{label:<7}{plain(text)}"), soft_wrap=True)


def _headline(order: Order) -> Text:
    if not order.is_readable:
        return Text(f"stopped: {KEY} cannot be understood, so nothing is forwarded", "bold red")
    if order.everything:
        return Text("stopped: every server", "bold red")
    if order.servers:
        return Text(f"stopped: {', '.join(sorted(order.servers))}", "bold red")
    return Text("going on: nothing is stopped", "green")
