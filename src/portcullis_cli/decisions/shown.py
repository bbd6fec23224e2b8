"""Decisions for people: a line each, one in full, an approval's story, counts."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from portcullis_cli.decision_log import Decision
from portcullis_cli.decisions.outcomes import Kind, meaning_of
from portcullis_cli.decisions.wanted import readable
from portcullis_cli.decisions.written import moment
from portcullis_cli.rendering import plain

_STYLES: Final = {
    Kind.DONE: "green",
    Kind.WAITS: "yellow",
    Kind.REFUSED: "red",
    Kind.FAULT: "bold red",
}
_LABEL: Final = 12  # columns
_TOLD: Final = {  # what `show` says in words of its own
    "decision_id", "outcome", "server", "method", "name", "principal", "rule", "approval",
    "upstream_outcome", "upstream_status", "latency_micros", "age_seconds", "shadow", "remaining",
}  # fmt: skip


def show_list(console: Console, decisions: Iterable[Decision]) -> None:
    """One line a decision."""
    table = _table("TIME", "OUTCOME", "SERVER", "TOOL", "CALLER", "RULE")
    table.add_column("MS", justify="right", no_wrap=True)
    table.add_column("DECISION", no_wrap=True)
    for one in decisions:
        table.add_row(
            moment(one.at_ms),
            _outcome(one),
            Text(plain(one.server)),
            Text(_subject(one)),
            Text(plain(readable(one.principal))),
            Text(plain(one.rule)),
            _millis(one.latency_micros.get("total")),
            Text(plain(one.decision_id)),
        )
    console.print(table)


def line_of(decision: Decision) -> Text:
    """One line of what is followed: no column waits for what comes later."""
    took = _millis(decision.latency_micros.get("total"))
    said = [_subject(decision), "by", plain(readable(decision.principal)) or "nobody known"]
    text = Text.assemble(
        f"{moment(decision.at_ms)}  ",
        (f"{plain(decision.outcome):<18}", _style(decision)),
        f"  {plain(decision.server)}  {' '.join(said)}",
    )
    for label, value in (("rule", plain(decision.rule)), ("ms", took)):
        if value:
            text.append(f"  {label} {value}")
    return text.append(f"  {plain(decision.decision_id)}")


def show_decision(console: Console, decision: Decision) -> None:
    """Everything about one decision."""
    meaning = meaning_of(decision.outcome)
    _fact(console, "decision", plain(decision.decision_id))
    console.print(Text.assemble(_label("outcome"), _outcome(decision)), soft_wrap=True)
    for label, value in (
        ("means", meaning.means),
        ("what to do", _advice(meaning.do, decision)),
        *_facts(decision),
    ):
        if value:
            _fact(console, label, value)


def show_story(console: Console, story: Sequence[Decision], shown: Decision) -> None:
    """What the gateway, the console and the executor wrote of one approval, in time order."""
    console.print(Text(f"\napproval {plain(shown.approval)}", style="bold"), soft_wrap=True)
    table = _table("TIME", "METHOD", "OUTCOME", "BY", "DECISION", "LOG GROUP")
    for one in story:
        is_this = (one.group, one.event_id) == (shown.group, shown.event_id)
        table.add_row(
            moment(one.at_ms),
            Text(plain(one.method)),
            _outcome(one),
            Text(plain(readable(one.principal))),
            Text(f"{plain(one.decision_id)}{' (this one)' if is_this else ''}"),
            Text(plain(one.group)),
        )
    console.print(table)


def show_counts(console: Console, counted: Sequence[tuple[str, int]], by: str) -> None:
    """How many decisions of each."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("DECISIONS", justify="right")
    table.add_column(by.upper(), overflow="fold")
    for value, count in counted:
        told = readable(value) if by == "principal" else value
        table.add_row(str(count), Text(plain(told) if value else "(none)"))
    console.print(table)


def _facts(decision: Decision) -> Iterator[tuple[str, str]]:
    yield "time", moment(decision.at_ms)
    yield "server", plain(decision.server)
    yield "method", plain(decision.method)
    yield "name", plain(decision.name)
    yield "caller", plain(readable(decision.principal))
    yield "principal", plain(decision.principal)
    yield "rule", plain(decision.rule)
    yield "upstream", _upstream(decision)
    yield "took", _parts(decision.latency_micros.items())
    yield "judged by", _ages(decision)
    for limit in decision.remaining:
        told = (plain(limit.get(key)) for key in ("remaining", "max", "rule"))
        yield "limit", "{} of {} left, rule {}".format(*told)
    for rule in decision.shadow:
        yield "shadow", f"{plain(rule.get('outcome'))} by {plain(rule.get('rule'))}"
    for name, value in decision.fields.items():
        if name not in _TOLD:
            yield plain(name), plain(value)
    yield "log group", plain(decision.group)
    yield "event", plain(decision.event_id)


def _advice(text: str, decision: Decision) -> str:
    """A command in it can be typed as it stands."""
    named = text.replace("SERVER`", f"{plain(decision.server)}`")
    return named.replace("ID`", f"{plain(decision.approval)}`") if decision.approval else named


def _upstream(decision: Decision) -> str:
    status = decision.upstream_status
    told = plain(decision.upstream_outcome)
    return told if status is None else f"{told}, HTTP {status}".removeprefix(", ")


def _parts(parts: Iterable[tuple[str, int]]) -> str:
    """The parts of the time in ms, the whole first."""
    found = sorted(parts, key=lambda one: (one[0] != "total", one[0]))
    return ", ".join(f"{plain(name)} {micros / 1000:.2f} ms" for name, micros in found)


def _ages(decision: Decision) -> str:
    names = {"policy": "policy", "tools": "tool list"}
    told = (f"{names.get(name, plain(name))} read {age} s before"
            for name, age in decision.age_seconds.items())  # fmt: skip
    return ", ".join(told)


def _subject(decision: Decision) -> str:
    """The tool; of other methods the method too."""
    name = plain(decision.name)
    if decision.method == "tools/call" and name:
        return name
    return f"{plain(decision.method)} {name}".rstrip()


def _outcome(decision: Decision) -> Text:
    return Text(plain(decision.outcome), style=_style(decision))


def _style(decision: Decision) -> str:
    return _STYLES[meaning_of(decision.outcome).kind]


def _millis(micros: int | None) -> str:
    return "" if micros is None else f"{micros / 1000:.1f}"


def _label(name: str) -> tuple[str, str]:
    return f"{name:<{_LABEL}} ", "bold"


def _fact(console: Console, label: str, text: str) -> None:
    console.print(Text.assemble(_label(label), text), soft_wrap=True)


def _table(*names: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name == "TIME")
    return table
