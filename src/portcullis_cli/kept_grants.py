"""`portcullis grants list` and `revoke`: the grants that there are, and their end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias

import typer
from rich.table import Table
from rich.text import Text

from portcullis.adapters.aws_calls import AwsError, error_code
from portcullis.adapters.dynamodb_grants import KeptGrant, Role, kept_grants, revoke_grant
from portcullis.errors import UnavailableError
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of

TABLE_VARIABLE: Final = "PORTCULLIS_TABLE"
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999
ID_DIGITS: Final = 16  # of the token's digest; enough to tell grants apart

TableName: TypeAlias = Annotated[
    str,
    typer.Option("--table", envvar=TABLE_VARIABLE, help="The table: the stack's `StateTableName`."),
]


def grant_id(digest: str) -> str:
    """What people call a grant by: the first digits of its token's digest."""
    return digest[:ID_DIGITS]


def list_grants(
    context: typer.Context,
    *,
    table: TableName,
    all_of_them: Annotated[
        bool, typer.Option("--all", help="Those that expired or were revoked, too.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write them as one line of JSON.")
    ] = False,
) -> None:
    """List the grants there are. No token can be read here, only who holds what.

    Reads the whole table, so it takes a while where many counters are kept.

    Example: portcullis grants list --all
    """
    with reported(as_json=as_json):
        around = surroundings_of(context)
        now = around.now()
        with aws_answers():
            kept = [*kept_grants(around.dynamodb(), table)]
        shown = [one for one in kept if all_of_them or one.is_live(now_seconds=now)]
        shown.sort(key=lambda one: (one.grant.name, one.created_at, one.grant.digest))
        if as_json:
            tell({"grants": [_told(one, now) for one in shown]})
        elif shown:
            _show(shown, now)
        else:
            typer.echo("there is no grant" if all_of_them else "no grant is live", err=True)


def revoke(
    context: typer.Context,
    *,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="The grant, as `grants list` calls it. Repeatable."),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="Every live grant of this name, instead of ids.")
    ] = "",
    table: TableName,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write what was revoked as one line of JSON.")
    ] = False,
) -> None:
    """Revoke grants, at once and for good. The next request with such a token is refused.

    Example: portcullis grants revoke --name build-agent
    """
    with reported(as_json=as_json):
        if bool(ids) == bool(name):
            raise usage_error("say which: ids, or --name NAME")
        around = surroundings_of(context)
        now = around.now()
        with aws_answers():
            client = around.dynamodb()
            live = [one for one in kept_grants(client, table) if one.is_live(now_seconds=now)]
        ending = _chosen(live, ids or (), name)
        revoked: list[JsonValue] = []
        failure: CommandError | None = None
        for one in ending:  # one that fails keeps no other alive
            try:
                with aws_answers():
                    revoke_grant(client, table, one.grant.digest, now_seconds=now)
            except CommandError as error:
                failure = error
                continue
            revoked.append(grant_id(one.grant.digest))
            if not as_json:
                typer.echo(f"revoked {grant_id(one.grant.digest)} of {plain(one.grant.name)}")
        if failure is not None:
            raise _partly(failure, revoked)
        if as_json:
            tell({"revoked": revoked})


def _partly(failure: CommandError, revoked: list[JsonValue]) -> CommandError:
    """The same for programs, with what was revoked nevertheless."""
    told: JsonObject = {"code": failure.code, "message": str(failure)}
    reply: JsonObject = {"error": told, "revoked": revoked}
    return CommandError(failure.exit_code, str(failure), code=failure.code, reply=reply)


def _chosen(live: Sequence[KeptGrant], ids: Sequence[str], name: str) -> list[KeptGrant]:
    """The grants that were meant; one that cannot be found, or means several, stops everything."""
    if name:
        found = [one for one in live if one.grant.name == name]
        if not found:
            raise CommandError(ExitCode.NOT_FOUND, "no live grant has this name", code="not_found")
        return found
    chosen: dict[str, KeptGrant] = {}
    for wanted in ids:
        if len(wanted) < ID_DIGITS or set(wanted) - set("0123456789abcdef"):
            raise usage_error(f"a grant's id is {ID_DIGITS} hexadecimal digits; see `grants list`")
        found = [one for one in live if one.grant.digest.startswith(wanted)]
        if len(found) != 1:
            raise CommandError(
                ExitCode.NOT_FOUND,
                "one of the ids names no live grant, or several; nothing was revoked",
                code="not_found",
            )
        chosen[found[0].grant.digest] = found[0]
    return [*chosen.values()]


@contextmanager
def aws_answers() -> Iterator[None]:
    """Turn what AWS answers instead of data into the command's error."""
    try:
        yield
    except UnavailableError as error:
        raise unavailable(str(error)) from error
    except AwsError as error:
        raise unavailable(f"AWS cannot be called: {error_code(error)}") from error


def _state(one: KeptGrant, now: int) -> str:
    if one.revoked_at is not None:
        return "revoked"
    return "live" if one.is_live(now_seconds=now) else "expired"


def _told(one: KeptGrant, now: int) -> JsonObject:
    grant = one.grant
    return {
        "id": grant_id(grant.digest),
        "name": grant.name,
        "role": grant.role.value,
        "servers": [*grant.servers],
        "person": grant.person,
        "groups": [*grant.groups],
        "created_at": utc(one.created_at),
        "expires_at": utc(grant.expires_at),
        "state": _state(one, now),
    }


def _show(grants: Sequence[KeptGrant], now: int) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("ID", no_wrap=True)
    for column in ("NAME", "ROLE", "OPENS", "PERSON", "EXPIRES", "STATE"):
        table.add_column(column, overflow="fold")
    for one in grants:
        grant = one.grant
        opens = grant.servers if grant.role is Role.AGENT else grant.groups
        table.add_row(
            grant_id(grant.digest),
            Text(plain(grant.name)),
            grant.role.value,
            Text(", ".join(map(plain, opens))),
            Text(plain(grant.person)),
            utc(grant.expires_at),
            _state(one, now),
        )
    terminal().print(table)


def utc(seconds: int) -> str:
    """An instant as people and programs read it; one beyond the calendar is its last second."""
    return datetime.fromtimestamp(min(seconds, _LAST_SECOND), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
