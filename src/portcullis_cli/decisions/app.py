"""`portcullis decisions query`, `show` and `tail`: the thin edge of the package."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import typer

from portcullis.adapters.aws_calls import Client
from portcullis_cli.decision_log import (
    EVERY_DECISION,
    Broken,
    Decision,
    Read,
    Span,
    read_decisions,
)
from portcullis_cli.decisions.following import follow
from portcullis_cli.decisions.telling import (
    end,
    form_of,
    newest,
    parted,
    tell_counts,
    tell_found,
    tell_one,
    tell_shown,
)
from portcullis_cli.decisions.wanted import Asked, Wanted, span_of, wanted
from portcullis_cli.decisions.written import counts
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.log_groups import LogGroups, groups_of
from portcullis_cli.reporting import reported
from portcullis_cli.surroundings import Surroundings, surroundings_of

MAXIMUM_LIMIT: Final = 10_000
PROGRESS: Final = 10_000  # decisions between two words on how far it is
INTERRUPTED: Final = 130  # as shells have it: 128 and the signal's number
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")

APP = typer.Typer(
    name="decisions",
    help="""What the gate decided: who asked for what, what came of it and why.

    Reads the decision log in the deployment's log groups with your own AWS credentials; the
    stack's `DecisionReaderPolicyArn` is enough. What cannot be read is named, and ends with 5.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)


class CountBy(StrEnum):
    """By what decisions are counted."""

    OUTCOME = "outcome"
    TOOL = "tool"
    PRINCIPAL = "principal"
    RULE = "rule"
    SERVER = "server"


Servers: TypeAlias = Annotated[
    list[str] | None, typer.Option("--server", help="Of this server. Repeatable.")
]
Tools: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--tool", help="Of this tool, or of a pattern such as `delete_*`. Repeatable."),
]
Principals: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--principal", help="Of this caller, by subject or whole, or of a pattern. Repeatable."
    ),
]
Outcomes: TypeAlias = Annotated[
    list[str] | None, typer.Option("--outcome", help="With this outcome. Repeatable.")
]
Rules: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--rule", help="Determined by this rule, or by a pattern. Repeatable."),
]
Denied: TypeAlias = Annotated[
    bool, typer.Option("--denied", help="What was refused, for whatever reason.")
]
Since: TypeAlias = Annotated[
    str, typer.Option("--since", help="From when: `2h` ago, a date, or an instant in UTC.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Write one line of JSON.")]
_EACH: Final = "Write a line of JSON for each decision."
AsJsonLines: TypeAlias = Annotated[bool, typer.Option("--jsonl", help=_EACH)]
AsJsonStream: TypeAlias = Annotated[bool, typer.Option("--jsonl", "--json", help=_EACH)]


@APP.command("query")
def query(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    log_groups: LogGroups,
    since: Since = "1h",
    until: Annotated[
        str | None,
        typer.Option("--until", help="Until when, told likewise. Without it: until now."),
    ] = None,
    server: Servers = None,
    tool: Tools = None,
    principal: Principals = None,
    outcome: Outcomes = None,
    rule: Rules = None,
    decision: Annotated[
        str | None, typer.Option("--decision", help="The one of this id, as agents are given it.")
    ] = None,
    approval: Annotated[
        str | None,
        typer.Option("--approval", help="What was said of this request for an approval."),
    ] = None,
    denied: Denied = False,
    count_by: Annotated[
        CountBy | None, typer.Option("--count-by", help="Count them, instead of listing them.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many to list, the newest.")] = 100,
    as_json: AsJson = False,
    as_json_lines: AsJsonLines = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write a table for spreadsheets.")] = False,
) -> None:
    """List what was decided, in time order: when, what, by whom, under which rule.

    Of one option given several times one has to fit; of different options all of them.

    Example: portcullis decisions query --since 2h --denied --tool "delete_*"
    """
    with reported(as_json=as_json):
        form = form_of(
            as_json=as_json, as_json_lines=as_json_lines, as_csv=as_csv, counts=count_by is not None
        )
        if not 1 <= limit <= MAXIMUM_LIMIT:
            raise usage_error(f"--limit is 1 to {MAXIMUM_LIMIT}")
        asked = Asked(
            servers=server or (),
            tools=tool or (),
            principals=principal or (),
            outcomes=outcome or (),
            rules=rule or (),
            decision=_id(decision),
            approval=_id(approval),
            denied=denied,
        )
        test = wanted(asked)
        around = surroundings_of(context)
        span = span_of(since, until, now=around.now())
        an_id = asked.decision or asked.approval
        broken: list[Broken] = []
        found = parted(_read(around, log_groups, span, an_id, test=test), broken)
        if count_by is None:
            kept, left_out = newest(found, limit)
            tell_found(kept, broken, form, left_out=left_out)
        else:
            tell_counts(counts(found, count_by.value), broken, count_by.value, form)
    end(broken, as_json=as_json)


@APP.command("show")
def show(
    context: typer.Context,
    *,
    decision: Annotated[
        str, typer.Argument(metavar="ID", help="The decision's id, as agents are given it.")
    ],
    log_groups: LogGroups,
    since: Since = "7d",
    as_json: AsJson = False,
) -> None:
    """Tell everything about one decision, what it means, and what to do.

    Of a call that waited for a person: also what was asked, decided, executed and delivered.

    Example: portcullis decisions show 3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19
    """
    with reported(as_json=as_json):
        around = surroundings_of(context)
        span = span_of(since, None, now=around.now())
        broken: list[Broken] = []
        test = wanted(Asked(decision=_id(decision)))
        found = parted(_read(around, log_groups, span, decision, test=test), broken)
        mine, _ = newest(found, MAXIMUM_LIMIT)
        if not mine and broken:
            raise unavailable(f"no decision `{decision}` can be read: {broken[0].why}")
        if not mine:
            raise CommandError(
                ExitCode.NOT_FOUND,
                f"there is no decision `{decision}` since then; --since looks further back",
                code="not_found",
            )
        story: list[Decision] = []
        approval = mine[0].approval
        if approval is not None and _ID.fullmatch(approval):
            test = wanted(Asked(approval=approval))
            told = parted(_read(around, log_groups, span, approval, test=test), broken)
            story, _ = newest(told, MAXIMUM_LIMIT)
        broken = [*dict.fromkeys(broken)]  # a line can hold both ids
        tell_shown(mine, story, broken, as_json=as_json)
    end(broken, as_json=as_json)


@APP.command("tail")
def tail(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    log_groups: LogGroups,
    since: Since = "1m",
    server: Servers = None,
    tool: Tools = None,
    principal: Principals = None,
    outcome: Outcomes = None,
    rule: Rules = None,
    denied: Denied = False,
    as_json_lines: AsJsonStream = False,
) -> None:
    """Show what is decided, as it is decided, until Ctrl-C (which ends with 130).

    Lines come some seconds after the decision. One that comes up to a minute late is not lost.

    Example: portcullis decisions tail --server amazon-mq --denied
    """
    with reported(as_json=as_json_lines):
        test = wanted(
            Asked(
                servers=server or (),
                tools=tool or (),
                principals=principal or (),
                outcomes=outcome or (),
                rules=rule or (),
                denied=denied,
            )
        )
        around = surroundings_of(context)
        start = span_of(since, None, now=around.now()).since_ms
        read = follow(_client(around), groups_of(log_groups), start, sleep=around.sleep)
        try:
            for one in read:
                tell_one(one, test, as_json_lines=as_json_lines)
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error


def _id(text: str | None) -> str:
    """An id, "" where none was given: an empty one would ask for everything."""
    if text is None:
        return ""
    if not _ID.fullmatch(text):
        raise usage_error("an id has letters, digits, `-` and `_`")
    return text


def _client(around: Surroundings) -> Client:
    with aws_answers():
        return around.aws("logs")


def _read(
    around: Surroundings, log_groups: str, span: Span, an_id: str, *, test: Wanted
) -> Iterator[Read]:
    """What was written in a span and passes, in no order; of an id the lines that hold it.

    A line that was cut off before the id cannot be told to be of it, and is not found by it.
    """
    groups = groups_of(log_groups)
    pattern = f'"{an_id}"' if an_id else EVERY_DECISION
    read = read_decisions(_client(around), groups, span, pattern=pattern, sleep=around.sleep)
    counted = _counted(read, is_told=around.is_terminal())
    return (one for one in counted if isinstance(one, Broken) or test(one))


def _counted(read: Iterator[Read], *, is_told: bool) -> Iterator[Read]:
    """The same; somebody who waits is told how far it is."""
    for count, one in enumerate(read, 1):
        if is_told and count % PROGRESS == 0:
            typer.echo(f"{count} decisions read so far", err=True)
        yield one
