"""What the commands write, in whichever form was asked for, and what could not be read."""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from heapq import heappush, heappushpop
from typing import Final

import typer

from portcullis_cli.decision_log import Broken, Decision, Read
from portcullis_cli.decisions.following import Interrupted
from portcullis_cli.decisions.shown import (
    line_of,
    show_counts,
    show_decision,
    show_list,
    show_story,
)
from portcullis_cli.decisions.wanted import Wanted
from portcullis_cli.decisions.written import broken_tree, full_tree, to_csv, tree_of
from portcullis_cli.errors import ExitCode, usage_error
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.reporting import tell

_NOTHING: Final = "no decision is like that in this time"
_NAMED: Final = 5  # lines that cannot be read; of more the number is told


class Form(Enum):
    """How decisions are written."""

    TABLE = "table"
    JSON = "json"
    JSON_LINES = "jsonl"
    CSV = "csv"


def form_of(*, as_json: bool, as_json_lines: bool, as_csv: bool, counts: bool) -> Form:
    """The one form that was asked for.

    Raises:
        CommandError: several were, or one that counts do not have.
    """
    if as_json + as_json_lines + as_csv > 1:
        raise usage_error("choose one of --json, --jsonl and --csv")
    if counts and (as_json_lines or as_csv):
        raise usage_error("counts are written as a table, or with --json")
    if as_json:
        return Form.JSON
    if as_json_lines:
        return Form.JSON_LINES
    return Form.CSV if as_csv else Form.TABLE


def parted(read: Iterable[Read], broken: list[Broken]) -> Iterator[Decision]:
    """The decisions; those that cannot be read are put into `broken` on the way."""
    for one in read:
        if isinstance(one, Decision):
            yield one
        else:
            broken.append(one)


def newest(found: Iterable[Decision], limit: int) -> tuple[list[Decision], int]:
    """The newest `limit` in time order, and how many older there are: no others are held."""
    kept: list[tuple[int, str, int, Decision]] = []
    left_out = 0
    for order, one in enumerate(found):  # which came first decides among equals
        entry = (one.at_ms, one.group, order, one)
        if len(kept) < limit:
            heappush(kept, entry)
        else:
            heappushpop(kept, entry)
            left_out += 1
    return [one for *_, one in sorted(kept)], left_out


def tell_found(
    kept: Sequence[Decision], broken: Sequence[Broken], form: Form, *, left_out: int
) -> None:
    """Some decisions, and how many older there are."""
    match form:
        case Form.JSON:
            tell({
                "decisions": [tree_of(one) for one in kept],
                "left_out": left_out,
                "broken": [broken_tree(one) for one in broken],
            })  # fmt: skip
        case Form.JSON_LINES:
            for one in kept:
                tell(tree_of(one))
        case Form.CSV:
            typer.echo(to_csv(kept), nl=False)
        case Form.TABLE if kept:
            show_list(terminal(), kept)
        case Form.TABLE:
            _tell_nothing(broken)
    if left_out and form is not Form.JSON:
        older = f"{left_out} older are left out: a larger --limit"
        typer.echo(f"note: {older}, or a shorter time, shows them", err=True)


def tell_counts(
    counted: Sequence[tuple[str, int]], broken: Sequence[Broken], by: str, form: Form
) -> None:
    """How many decisions of each."""
    if form is Form.JSON:
        tell({
            "by": by,
            "counts": [{"value": value or None, "decisions": count} for value, count in counted],
            "broken": [broken_tree(one) for one in broken],
        })  # fmt: skip
    elif counted:
        show_counts(terminal(), counted, by)
    else:
        _tell_nothing(broken)


def tell_shown(
    shown: Sequence[Decision],
    story: Sequence[Decision],
    broken: Sequence[Broken],
    *,
    as_json: bool,
) -> None:
    """One decision in full, and the story of its approval where it has one."""
    if as_json:
        tell({
            "decisions": [full_tree(one) for one in shown],
            "story": [tree_of(one) for one in story],
            "broken": [broken_tree(one) for one in broken],
        })  # fmt: skip
        return
    console = terminal()
    for one in shown:
        show_decision(console, one)
    if story:
        show_story(console, story, shown[0])


def tell_one(one: Read | Interrupted, test: Wanted, *, as_json_lines: bool) -> None:
    """One line of what is followed."""
    if isinstance(one, Interrupted):
        typer.echo(f"portcullis: {one.why}; looking again", err=True)
    elif isinstance(one, Broken):
        typer.echo(f"portcullis: {_place(one)}", err=True)
    elif test(one) and as_json_lines:
        tell(tree_of(one))
    elif test(one):
        terminal().print(line_of(one), soft_wrap=True)


def end(broken: Sequence[Broken], *, as_json: bool) -> None:
    """Say what could not be read, and end so that no script takes the rest for everything."""
    if not broken:
        return
    if not as_json:
        for one in broken[:_NAMED]:
            typer.echo(f"portcullis: {_place(one)}", err=True)
        if len(broken) > _NAMED:
            typer.echo(f"portcullis: and {len(broken) - _NAMED} more", err=True)
    raise typer.Exit(ExitCode.UNAVAILABLE)


def _tell_nothing(broken: Sequence[Broken]) -> None:
    """That there is none, unless what cannot be read may be one."""
    if not broken:
        typer.echo(_NOTHING, err=True)


def _place(broken: Broken) -> str:
    where = f"event {plain(broken.event_id)} of `{plain(broken.group)}`"
    return f"a decision cannot be read: {broken.why} ({where})"
