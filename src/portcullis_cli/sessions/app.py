"""`portcullis sessions list`, `show` and `end`: the thin edge of the package."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, TypeAlias

import typer

from portcullis.adapters.dynamodb_grants import ISSUER
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.adapters.kept_sessions import KeptSession, Scanned, scan_sessions
from portcullis.policy.model import Instant, Principal
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.kept_grants import TableName, aws_answers
from portcullis_cli.kill_switch import Bucket
from portcullis_cli.policy.deployment import require_server
from portcullis_cli.policy.inputs import AsJson
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.reporting import reported, tell
from portcullis_cli.sessions.reading import AtServer, Sessions
from portcullis_cli.sessions.shown import session_tree, show_at, show_sessions, use_tree
from portcullis_cli.surroundings import surroundings_of
from portcullis_cli.untold import Untold

# `SessionTtlSeconds` at its most: what a slot's item is kept for may be too long, never too short.
_LONGEST_SECONDS: Final = 604_800
_MICROS: Final = 1_000_000
_LENGTH: Final = re.compile(r"[0-9]{1,4}")

APP = typer.Typer(
    name="sessions",
    help="""Whose sessions there are, how much of each limit is used, and the end of one.

    Reads the deployment's table and bucket with your own AWS credentials. A principal is named as
    the decision log names it; a grant also by its name.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Grant: TypeAlias = Annotated[str, typer.Option("--grant", help="The principal: a grant's name.")]
Named: TypeAlias = Annotated[
    str,
    typer.Option(
        "--principal",
        help="The principal, as the decision log writes it: `16:portcullis:grant|build-agent`.",
    ),
]
Server: TypeAlias = Annotated[str, typer.Option("--server", help="At this server alone.")]


@APP.command("list")
def list_sessions(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    grant: Grant = "",
    principal: Named = "",
    server: Server = "",
    all_of_them: Annotated[
        bool, typer.Option("--all", help="Those that were closed or are over, too.")
    ] = False,
    pages: Annotated[
        int,
        typer.Option("--pages", min=1, help="Read this much of the table at most, in MB."),
    ] = 100,
    table: TableName,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """List sessions: of one principal, or of everybody.

    Of everybody it reads the whole table, counters included; where it is cut, that is told, and it
    ends with 5. Clients of 2026-07-28 have no sessions: they share slot 0.

    Example: portcullis sessions list --grant build-agent
    """
    with reported(as_json=as_json):
        who = _principal(grant, principal)
        around = surroundings_of(context)
        now = around.now()
        looking = Sessions(around, bucket=bucket, table=table)
        servers = _servers(looking, server) if who or server else []
        if who is None:
            with aws_answers():
                found = scan_sessions(around.dynamodb(), table, pages=pages)
        else:
            found = _of_principal(looking, who, servers)
        shown = [
            one
            for one in found.sessions
            if (not server or one.server == server)
            and (all_of_them or one.is_open(now_seconds=now))
        ]
        shown.sort(key=lambda one: (one.principal, one.server, one.slot, one.id))
        names = _names(found.grants, who)
        if as_json:
            rows = [session_tree(one, now, names) for one in shown]
            tell({"sessions": [*rows], "whole": found.is_whole})
        elif shown:
            show_sessions(terminal(), shown, now, names)
        else:
            typer.echo("no session is kept" if all_of_them else "no session is open", err=True)
    _end_listing(found, pages, as_json=as_json)


@APP.command("show")
def show(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    session: Annotated[
        str, typer.Argument(metavar="[ID]", help="One session, as `sessions list` calls it.")
    ] = "",
    grant: Grant = "",
    principal: Named = "",
    server: Server = "",
    table: TableName,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """Show what a principal has: its sessions, and how much of each limit is used and left.

    Told of the limits of the policy in force, of each slot, or of the slot of one session. A
    counter of a limit that no policy has any more is not shown: nothing is counted in it.

    Example: portcullis sessions show --grant build-agent
    """
    with reported(as_json=as_json):
        who = _required(_principal(grant, principal))
        around = surroundings_of(context)
        now = around.now()
        looking = Sessions(around, bucket=bucket, table=table)
        if session:
            one = _found(looking, who, _servers(looking, server), [session])[0]
            found = [looking.at(who, one.server, slot=one.slot)]
        else:
            found = [looking.at(who, one) for one in _servers(looking, server)]
        if as_json:
            tell({"principal": who.subject, "issuer": who.issuer,
                  "servers": [_tree(one, who, now) for one in found]})  # fmt: skip
        else:
            typer.echo(f"{plain(who.subject)}, by {plain(who.issuer)}")
            for at in found:
                show_at(terminal(), at, who, now)
    _end(found, as_json=as_json)


@APP.command("end")
def end(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    sessions: Annotated[
        list[str], typer.Argument(metavar="ID", help="As `sessions list` calls it. Repeatable.")
    ],
    grant: Grant = "",
    principal: Named = "",
    server: Server = "",
    table: TableName,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """End sessions for good: the next request with one is answered as with an unknown one, 404.

    Only one that the server keeps, too, can be ended. Another is a label that is looked up
    nowhere: revoke the grant instead. Its client may open a new session; nothing is given back.

    Example: portcullis sessions end c0ffee --grant build-agent
    """
    with reported(as_json=as_json):
        who = _required(_principal(grant, principal))
        around = surroundings_of(context)
        now = around.now()
        looking = Sessions(around, bucket=bucket, table=table)
        ending = _found(looking, who, _servers(looking, server), sessions)
        _require_endable(ending, now)
        store = DynamoDBSessionStore(
            around.dynamodb(), table, cap=1, lifetime_seconds=_LONGEST_SECONDS
        )
        for one in ending:
            with aws_answers():
                store.close(
                    principal_key=who.key,
                    server=one.server,
                    session_id=one.id,
                    now=Instant(micros=now * _MICROS),
                )
            if not as_json:
                typer.echo(f"ended {plain(one.id)} of {plain(who.subject)} at {one.server}")
        if as_json:
            tell({"ended": [one.id for one in ending]})


def _principal(grant: str, key: str) -> Principal | None:
    """Whom the options name, None where they name nobody."""
    if grant and key:
        raise usage_error("say who it is once: --grant or --principal")
    if grant:
        return Principal(issuer=ISSUER, subject=grant)
    if not key:
        return None
    length, _, rest = key.partition(":")
    issued = int(length) if _LENGTH.fullmatch(length) else len(rest)
    issuer, divider, subject = rest[:issued], rest[issued : issued + 1], rest[issued + 1 :]
    if divider != "|" or not subject:
        raise usage_error("--principal is written as in the decision log, `16:issuer|subject`")
    return Principal(issuer=issuer, subject=subject)


def _of_principal(looking: Sessions, principal: Principal, servers: Sequence[str]) -> Scanned:
    at = [looking.kept(principal, one) for one in servers]
    sessions = tuple(one for kept in at for one in kept.sessions)
    return Scanned(sessions=sessions, grants=frozenset(), is_whole=True)


def _end_listing(found: Scanned, pages: int, *, as_json: bool) -> None:
    """A list that was cut is no list of all: say so, and end so that a script notices."""
    if found.is_whole:
        return
    if not as_json:
        typer.echo(
            f"portcullis: not all: the table holds more than {pages} MB; "
            "name a principal, or read more with --pages",
            err=True,
        )
    raise typer.Exit(ExitCode.UNAVAILABLE)


def _required(principal: Principal | None) -> Principal:
    if principal is None:
        raise usage_error("say whose: --grant NAME, or --principal as in the decision log")
    return principal


def _servers(looking: Sessions, server: str) -> list[str]:
    if server:
        require_server(server)
    known = looking.servers()
    if not server:
        return known
    if server not in known:
        raise CommandError(ExitCode.NOT_FOUND, f"there is no server `{server}`", code="not_found")
    return [server]


def _found(
    looking: Sessions, principal: Principal, servers: Sequence[str], ids: Iterable[str]
) -> list[KeptSession]:
    """The sessions that were meant; one that there is none of stops everything."""
    kept = {one.id: one for at in servers for one in looking.kept(principal, at).sessions}
    chosen: list[KeptSession] = []
    for wanted in dict.fromkeys(ids):
        if wanted not in kept:
            raise CommandError(
                ExitCode.NOT_FOUND,
                "one of the ids is no session of this principal; nothing was done",
                code="not_found",
            )
        chosen.append(kept[wanted])
    return chosen


def _require_endable(ending: Sequence[KeptSession], now: int) -> None:
    for one in ending:
        if not one.is_open(now_seconds=now):
            raise CommandError(
                ExitCode.NOT_FOUND, f"{plain(one.id)} was closed or is over", code="not_found"
            )
        if not one.has_upstream:
            raise CommandError(
                ExitCode.REFUSED,
                f"{plain(one.id)} is a label that is looked up nowhere, so nothing would end; "
                "revoke the grant: portcullis grants revoke",
                code="not_endable",
            )


def _names(grants: Iterable[str], principal: Principal | None) -> Mapping[str, str]:
    """The names of principals by the digests of their keys."""
    known = [Principal(issuer=ISSUER, subject=one) for one in grants]
    return {
        hashlib.sha256(one.key.encode("utf-8", "surrogatepass")).hexdigest(): one.subject
        for one in [*known, *([principal] if principal else [])]
    }


def _tree(at: AtServer, principal: Principal, now: int) -> JsonObject:
    names = _names((), principal)
    uses = at.uses
    limits: JsonValue
    limits = {"untold": uses.why} if isinstance(uses, Untold) else [*map(use_tree, uses)]
    return {
        "server": at.server,
        "sessions": [session_tree(one, now, names) for one in at.kept.sessions],
        "limits": limits,
        "untold": [*at.untold],
    }


def _end(found: Sequence[AtServer], *, as_json: bool) -> None:
    """Say what could not be told, and end so that no script takes it for nothing."""
    untold = [one.uses.why for one in found if isinstance(one.uses, Untold)]
    untold += [why for one in found for why in one.untold]
    for why in () if as_json else dict.fromkeys(untold):
        typer.echo(f"portcullis: could not tell: {plain(why)}", err=True)
    if untold:
        raise typer.Exit(ExitCode.UNAVAILABLE)
