"""`portcullis approvals`: look at the calls that wait for a person, and decide them."""

import sys
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from portcullis.approvals.states import State
from portcullis.console.bodies import MAXIMUM_COMMENT
from portcullis.gateway.approval_ports import OPEN_STATES
from portcullis.gateway.deciding import MAXIMUM_LISTED, Word
from portcullis.values import JsonObject
from portcullis_cli.connection import (
    TOKEN_VARIABLE,
    URL_VARIABLE,
    approval_id,
    checked_url,
    find_token,
)
from portcullis_cli.console_api import ConsoleApi
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.rendering import outcome, question, show_list, show_request, terminal, told
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of

APP = typer.Typer(
    name="approvals",
    help="""Look at the calls that wait for a person, and decide them.

    The console's address comes from --url or PORTCULLIS_CONSOLE_URL, your token from a file or
    PORTCULLIS_TOKEN. No option takes the token itself: the command lines of a machine can be
    read by its other users, and shells keep them.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)
# A state of a later release is shown: somebody may have to decide it.
_ENDED: Final = frozenset(state.value for state in State if state not in OPEN_STATES)

Url: TypeAlias = Annotated[
    str,
    typer.Option(
        "--url",
        envvar=URL_VARIABLE,
        help="Where the console is: `https://…/approvals`. Plain http for this machine only.",
    ),
]
TokenFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help=f"A file that holds your token and nothing else. Without it: {TOKEN_VARIABLE}.",
    ),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write what the console's API answered, on one line.")
]
Id: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="The request: its id, or its link at this console.")
]
Comment: TypeAlias = Annotated[
    str,
    typer.Option("--comment", help="Why. It is kept; where you deny, the agent reads it."),
]


def _api(context: typer.Context, url: str, token_file: Path | None) -> ConsoleApi:
    around = surroundings_of(context)
    token = find_token(token_file, around.environment)
    return ConsoleApi(url, token, transport=around.transport)


@APP.command("list")
def list_requests(
    context: typer.Context,
    *,
    url: Url,
    token_file: TokenFile = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the requests that wait and that you may see.

    They wait for a person, or to be executed. The console looks at the newest 100 alone.

    Example: portcullis approvals list --token-file ~/.portcullis-token
    """
    with reported(as_json=as_json):
        found = _api(context, checked_url(url), token_file).listed()
        if not all_of_them:
            found = [request for request in found if request["state"] not in _ENDED]
        if as_json:
            tell({"approvals": [*found]})
        elif found:
            show_list(terminal(), found)
        else:
            what = "there is nothing" if all_of_them else "nothing waits for you"
            typer.echo(f"{what}, among the newest {MAXIMUM_LISTED} requests", err=True)


@APP.command("show")
def show(
    context: typer.Context,
    *,
    request_id: Id,
    url: Url,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one request and exactly what will run.

    Secrets are masked; the digest covers them. Characters that hide or move others are written
    as escapes. "look at" lines say what is risky or odd about the arguments.

    Example: portcullis approvals show 3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19
    """
    with reported(as_json=as_json):
        address = checked_url(url)
        name = approval_id(request_id, address)
        request = _api(context, address, token_file).show(name)
        if as_json:
            tell(request)
        else:
            show_request(terminal(), request)


@APP.command("approve")
def approve(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    request_id: Id,
    url: Url,
    token_file: TokenFile = None,
    comment: Comment = "",
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Do not ask. Needed where there is no terminal to ask on."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a call run, once.

    Shows what will run, and asks. What is shown is what runs: a request's arguments never
    change. Where the rule wants more than one approval, it runs when enough people agree.

    Example: portcullis approvals approve 3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19 --comment "as agreed"
    """
    with reported(as_json=as_json):
        if not yes and not surroundings_of(context).is_terminal():
            raise usage_error("there is no terminal to ask on: look with `show`, then use --yes")
        address = checked_url(url)
        name = approval_id(request_id, address)
        _require_short(comment)
        api = _api(context, address, token_file)
        request = api.show(name)
        if not as_json or not yes:
            show_request(terminal(sys.stderr), request)
        _require_decidable(request)
        if not yes and not _is_agreed(question(request)):
            raise CommandError(ExitCode.REFUSED, "nothing was decided", code="declined")
        _decided(api.decide(name, Word.APPROVE, comment=comment), as_json=as_json)


@APP.command("deny")
def deny(
    context: typer.Context,
    *,
    request_id: Id,
    url: Url,
    token_file: TokenFile = None,
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Refuse a call, for good.

    One person's no is enough. The agent is told so, with your comment; it may ask for the same
    call again later.

    Example: portcullis approvals deny 3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19 --comment "not in May"
    """
    with reported(as_json=as_json):
        address = checked_url(url)
        name = approval_id(request_id, address)
        _require_short(comment)
        api = _api(context, address, token_file)
        _decided(api.decide(name, Word.DENY, comment=comment), as_json=as_json)


def _is_agreed(asked: str) -> bool:
    """Ask on stderr: stdout is for what came of it."""
    typer.echo(f"\n{asked} [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _require_short(comment: str) -> None:
    if len(comment) > MAXIMUM_COMMENT:
        raise usage_error(f"the comment is longer than {MAXIMUM_COMMENT} characters")


def _require_decidable(request: JsonObject) -> None:
    if request.get("can_decide") is not True:
        reason = told(request.get("cannot_decide")) or "you cannot decide this request"
        raise CommandError(ExitCode.REFUSED, reason, code="cannot_decide")


def _decided(request: JsonObject, *, as_json: bool) -> None:
    if as_json:
        tell(request)
    else:
        typer.echo(outcome(request))
