"""`portcullis grants`: make the bearer tokens of agents, approvers and administrators."""

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from portcullis.adapters.dynamodb_grants import Role, create_grant, token_digest
from portcullis.approvals.identity import GROUP_PREFIX
from portcullis.registration.words import SERVER_NAME
from portcullis_cli.errors import usage_error
from portcullis_cli.kept_grants import TableName, aws_answers, grant_id, utc
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import Surroundings, surroundings_of

LONGEST_DAYS: Final = 366
_LONGEST_NAME: Final = 256
_DAY: Final = 24 * 3600

APP = typer.Typer(
    name="grants",
    help="""Make, list and revoke grants, the bearer tokens of agents and approvers.

    Works on the deployment's table with your own AWS credentials. The token itself is stored
    nowhere, only its digest.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A grant to be made."""

    name: str
    role: Role
    servers: tuple[str, ...]
    person: str
    groups: tuple[str, ...]
    days: int


@APP.command("create")
def create(  # noqa: PLR0913 - what a grant says
    context: typer.Context,
    *,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Who holds it. Limits are counted under this name, policies and logs use it.",
        ),
    ],
    role: Annotated[
        Role,
        typer.Option(
            "--role",
            help="An agent calls servers; an approver decides where a policy names it; an admin "
            "sees every request besides. No role includes another.",
        ),
    ] = Role.AGENT,
    server: Annotated[
        list[str] | None,
        typer.Option("--server", help="A server that an agent may call. Repeat it for more."),
    ] = None,
    person: Annotated[
        str,
        typer.Option(
            "--person",
            help="The human being behind it. Nobody approves what a grant of theirs asks for, so "
            "say it for agents too. Without it the name stands for the person.",
        ),
    ] = "",
    group: Annotated[
        list[str] | None,
        typer.Option(
            "--group", help="A group they are in; policies write `group:` before it. Repeatable."
        ),
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            "--days",
            min=1,
            max=LONGEST_DAYS,
            help=f"How many days it is good for, {LONGEST_DAYS} at most.",
        ),
    ] = 30,
    table: TableName,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the token and what was granted, on one line.")
    ] = False,
) -> None:
    """Make a grant and print its token, once. It cannot be read again.

    Example: portcullis grants create anna --role approver --group platform --days 90
    """
    with reported(as_json=as_json):
        wanted = Wanted(
            name=name,
            role=role,
            servers=tuple(server or ()),
            person=person,
            groups=tuple(group or ()),
            days=days,
        )
        _require_sound(wanted)
        around = surroundings_of(context)
        now = around.now()
        token = _stored(around, table, wanted, now)
        _print(token, wanted, now + days * _DAY, as_json=as_json)


def _require_sound(wanted: Wanted) -> None:
    for name in (wanted.name, wanted.person or wanted.name, *wanted.groups):
        if not name or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
            raise usage_error("a name is empty, too long, or holds what cannot be seen")
    if any(name.startswith(GROUP_PREFIX) for name in (wanted.name, wanted.person, *wanted.groups)):
        raise usage_error("write `--group platform` here; `group:` is how policies name it")
    if any(not SERVER_NAME.fullmatch(name) for name in wanted.servers):
        raise usage_error("a server's name has lower-case letters, digits and `-`")
    if wanted.role is Role.AGENT and not wanted.servers:
        raise usage_error("an agent's grant names the servers it opens: --server NAME")
    if wanted.role is not Role.AGENT and wanted.servers:
        raise usage_error("only an agent's grant opens servers")


def _stored(around: Surroundings, table: str, wanted: Wanted, now: int) -> str:
    with aws_answers():
        return create_grant(
            around.dynamodb(),
            table,
            name=wanted.name,
            servers=wanted.servers,
            now_seconds=now,
            lifetime_seconds=wanted.days * _DAY,
            role=wanted.role.value,
            person=wanted.person,
            groups=wanted.groups,
        )


def _print(token: str, wanted: Wanted, expires: int, *, as_json: bool) -> None:
    until, name = utc(expires), grant_id(token_digest(token))
    if as_json:
        tell(
            {
                "token": token,
                "id": name,
                "name": wanted.name,
                "role": wanted.role.value,
                "servers": [*wanted.servers],
                "person": wanted.person,
                "groups": [*wanted.groups],
                "expires_at": until,
            }
        )
        return
    typer.echo(token)
    typer.echo(
        f"{wanted.role.value} {wanted.name}, id {name}, until {until}; shown only now", err=True
    )
    if wanted.role is Role.AGENT and not wanted.person:
        typer.echo(
            "no --person: whoever stands behind this agent could approve its calls", err=True
        )
