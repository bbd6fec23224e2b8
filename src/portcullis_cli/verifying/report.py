"""What came of a run: for people, for programs, and for a CI that reads JUnit's XML."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from rich.console import Console
from rich.table import Table
from rich.text import Text

from portcullis.values import JsonObject
from portcullis_cli.errors import ExitCode
from portcullis_cli.rendering import plain
from portcullis_cli.verifying.model import Result, State

_STYLES: Final = {State.HOLDS: "green", State.BROKEN: "bold red", State.UNKNOWN: "yellow"}
_SHOWN: Final = {State.HOLDS: "holds", State.BROKEN: "BROKEN", State.UNKNOWN: "could not tell"}
_FEW: Final = 6
_DETAIL: Final = {State.HOLDS: "", State.BROKEN: "seen: ", State.UNKNOWN: "why: "}


def exit_code(results: Sequence[Result]) -> ExitCode:
    """0 only where every guarantee that was asked for holds."""
    states = {one.state for one in results}
    if State.BROKEN in states:
        return ExitCode.REFUSED
    return ExitCode.OK if states == {State.HOLDS} else ExitCode.UNDECIDED


def show(
    console: Console, results: Sequence[Result], not_asked: Sequence[str], *, lacking: str
) -> None:
    """A line a guarantee, below it what was seen or why nothing can be told, and the sum.

    `lacking`, what keeps the canary from being a witness, is said once.
    """
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("RESULT", no_wrap=True)
    table.add_column("CHECKS", no_wrap=True, justify="right")
    table.add_column("ID", no_wrap=True)
    table.add_column("GUARANTEE", overflow="fold")
    for one in results:
        text = Text(one.guarantee.sentence)
        if one.detail and one.detail != lacking:
            text.append(f"\n{_DETAIL[one.state]}{plain(one.detail)}", style=_STYLES[one.state])
        shown = Text(_SHOWN[one.state], style=_STYLES[one.state])
        table.add_row(shown, str(one.checks), one.guarantee.id, text)
    console.print(table)
    if any(one.detail == lacking != "" for one in results):
        why = Text(f"\nnothing can be told without the canary: {plain(lacking)}", style="yellow")
        console.print(why, soft_wrap=True)
    console.print(Text(f"\n{_sum(results, not_asked)}"), soft_wrap=True)


def _sum(results: Sequence[Result], not_asked: Sequence[str]) -> str:
    counts = {state: sum(one.state is state for one in results) for state in State}
    checks = sum(one.checks for one in results)
    text = f"{counts[State.HOLDS]} of {len(results)} guarantees hold, by {checks} checks"
    if counts[State.BROKEN]:
        text += f"; {counts[State.BROKEN]} BROKEN"
    if counts[State.UNKNOWN]:
        text += f"; {counts[State.UNKNOWN]} could not be told"
    if len(not_asked) > _FEW:
        return f"{text}; {len(not_asked)} were not asked for"
    return text + (f"; not asked for: {', '.join(not_asked)}" if not_asked else "")


def as_tree(url: str, results: Sequence[Result], not_asked: Sequence[str]) -> JsonObject:
    """The same for programs."""
    return {
        "url": url,
        "results": [
            {
                "id": one.guarantee.id,
                "guarantee": one.guarantee.sentence,
                "state": one.state.value,
                "detail": one.detail,
                "checks": one.checks,
                "cases": [*one.guarantee.cases],
            }
            for one in results
        ],
        "not_asked": [*not_asked],
    }


def as_junit(url: str, results: Sequence[Result]) -> bytes:
    """A test suite: what is broken failed, what could not be told is an error."""
    suite = Element("testsuite", name=f"portcullis verify {url}", tests=str(len(results)))
    for kind, state in (("failures", State.BROKEN), ("errors", State.UNKNOWN)):
        suite.set(kind, str(sum(one.state is state for one in results)))
    for one in results:
        case = SubElement(suite, "testcase", classname="portcullis.verify", name=one.guarantee.id)
        if one.state is not State.HOLDS:
            kind = "failure" if one.state is State.BROKEN else "error"
            SubElement(case, kind, message=plain(one.detail)).text = one.guarantee.sentence
    text: bytes = tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"
