"""`portcullis servers list` and `show`: the thin edge of the package."""

from typing import Annotated, TypeAlias

import typer

from portcullis_cli.connection import URL_VARIABLE, checked_url
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.kill_switch import Bucket
from portcullis_cli.policy.deployment import require_server
from portcullis_cli.policy.inputs import AsJson
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.reporting import reported, tell
from portcullis_cli.servers.bucket import ServersBucket
from portcullis_cli.servers.facts import InForce, Server, Tools, names_of, server_of
from portcullis_cli.servers.shown import show_list, show_server, show_words, tree_of, word_tree
from portcullis_cli.servers.tool_words import ToolWord, word_of
from portcullis_cli.surroundings import Surroundings, surroundings_of

APP = typer.Typer(
    name="servers",
    help="""The servers that the gateway has, and what is in force for each.

    Reads the deployment's bucket with your own AWS credentials; the stack's
    `BucketReaderPolicyArn` is enough. What cannot be read is named, and ends with 5.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Console: TypeAlias = Annotated[
    str,
    typer.Option(
        "--url",
        envvar=URL_VARIABLE,
        help="Where the console is, `https://…/approvals`: servers are reached beside it.",
    ),
]


@APP.command("list")
def list_servers(
    context: typer.Context, *, bucket: Bucket, url: Console = "", as_json: AsJson = False
) -> None:
    """List the servers: what stands behind each, its policy, newest upload, tools and lock.

    Servers that the deployment brings, those that were registered, and names under which
    something was uploaded. What somebody should look at is told below, with what to do next.

    Example: portcullis servers list
    """
    with reported(as_json=as_json):
        around = surroundings_of(context)
        at, now = base_of(url), around.now()
        source = _bucket(around, bucket)
        known = source.names()
        servers = [server_of(source.kept(name, known)) for name in names_of(known)]
        if as_json:
            tell({"servers": [tree_of(one, now=now, url=_address(at, one)) for one in servers]})
        else:
            show_list(terminal(), servers, now=now)
    _end(servers, as_json=as_json)


@APP.command("show")
def show(
    context: typer.Context,
    *,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="The server's name.")],
    bucket: Bucket,
    url: Console = "",
    as_json: AsJson = False,
) -> None:
    """Show one server, and what its policy says of each of its tools.

    Of a caller nothing is assumed: where the answer hangs on arguments, groups or the time it
    says so. `policy explain` decides one call, `policy check` reasons about all of them.

    Example: portcullis servers show amazon-mq
    """
    with reported(as_json=as_json):
        require_server(server)
        around = surroundings_of(context)
        at, now = base_of(url), around.now()
        source = _bucket(around, bucket)
        known = source.names()
        if server not in names_of(known):
            raise CommandError(
                ExitCode.NOT_FOUND, f"there is no server `{server}`", code="not_found"
            )
        found = server_of(source.kept(server, known))
        words = words_of(found)
        if as_json:
            tree = tree_of(found, now=now, url=_address(at, found))
            tree["history"] = [*found.history]
            tree["tool_words"] = [word_tree(one) for one in words]
            tell(tree)
        else:
            show_server(terminal(), found, now=now, url=_address(at, found))
            show_words(terminal(), words)
    _end([found], as_json=as_json)


def words_of(server: Server) -> list[ToolWord]:
    """What the policy says of each tool that is stored; none where one of both is not known."""
    tools, policy = server.tools, server.policy
    if not isinstance(tools, Tools) or not (policy is None or isinstance(policy, InForce)):
        return []
    in_force = None if policy is None else policy.policy
    return [
        word_of(in_force, server.name, name, definition)
        for name, definition in sorted(tools.snapshot.tools.items())
    ]


def _bucket(around: Surroundings, bucket: str) -> ServersBucket:
    with aws_answers():
        return ServersBucket(around.s3(), bucket)


def base_of(url: str) -> str:
    """What addresses of the gateway begin with, "" where the console's is not told.

    Raises:
        CommandError: it is no address of a console.
    """
    return checked_url(url).removesuffix("/approvals") if url else ""


def _address(base: str, server: Server) -> str:
    return f"{base}/mcp/{server.name}" if base else ""


def _end(servers: list[Server], *, as_json: bool) -> None:
    """Say what could not be told, and end so that no script takes it for nothing."""
    untold = [why for one in servers for why in one.untold]
    for why in () if as_json else dict.fromkeys(untold):
        typer.echo(f"portcullis: could not tell: {plain(why)}", err=True)
    if untold:
        raise typer.Exit(ExitCode.UNAVAILABLE)
