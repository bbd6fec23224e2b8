"""The report of a scan as a table, Markdown, HTML and JSON.

What a server says of itself is data: escaped for where it is shown, never markup.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.table import Table
from rich.text import Text

from portcullis.values import JsonObject, JsonValue
from portcullis_cli.catalogue.assess import whole_server_attacks
from portcullis_cli.catalogue.model import Assessed, Attack, Severity
from portcullis_cli.catalogue.tables import OWASP, attacks
from portcullis_cli.json_text import for_programs
from portcullis_cli.rendering import plain, terminal
from portcullis_cli.tool_source import ServerTools

_STYLES: Final = {
    Severity.LOW: "green",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold red",
}
_QUOTE: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A server and what was found; `is_whole` False: of some of its tools only."""

    server: ServerTools
    profile: str | None
    tools: tuple[Assessed, ...]
    is_whole: bool


def to_json(report: Report) -> JsonObject:
    """Everything, for programs."""
    return {
        "server": report.server.name,
        "version": report.server.version,
        "profile": report.profile,
        "tools": [_told(one) for one in report.tools],
        "attacks": {name: _attack(attacks()[name]) for name in _names(report)},
    }


def to_table(report: Report) -> None:
    """One line a tool on a terminal; everything about each where some were asked for."""
    console = terminal()
    console.print(Text(_headline(report), style="bold"), soft_wrap=True)
    if not report.is_whole:
        for one in report.tools:
            console.print(Text("\n".join(["", *_details(one)])), soft_wrap=True)
        return
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("TOOL", overflow="fold")
    for column in ("CATEGORY", "SEVERITY", "UNDO", "CONFIDENCE", "RULE"):
        table.add_column(column, no_wrap=True)
    table.add_column("WHY", overflow="fold")
    for one in report.tools:
        table.add_row(
            Text(plain(one.tool)),
            one.category.value,
            Text(one.severity.value, style=_STYLES[one.severity]),
            one.undo.value,
            one.confidence.value,
            _action(one),
            Text(_why(one)),
        )
    console.print(table)


def to_markdown(report: Report) -> str:
    """A page for a review."""
    lines = [f"# {_md(_headline(report))}", ""]
    lines += [
        "| tool | category | severity | undo | confidence | rule |",
        "|---|---|---|---|---|---|",
    ]
    for one in report.tools:
        cells = (one.category, one.severity, one.undo, one.confidence)
        row = " | ".join(cell.value for cell in cells)
        lines.append(f"| {_md(one.tool)} | {row} | {_action(one)} |")
    for one in report.tools:
        lines += ["", f"## {_md(one.tool)}", ""]
        lines += [f"- {_md(line)}" for line in _details(one)[1:]]
    lines += ["", "## Attacks", ""]
    lines += [
        f"- **{_md(one.name)}.** {_md(one.happens)} {_md(one.stopped)}" for one in _fitting(report)
    ]
    return "\n".join(lines) + "\n"


def to_html(report: Report) -> str:
    """One page without scripts, for a browser or a mail."""
    environment = Environment(
        loader=PackageLoader("portcullis_cli"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("scan.html").render(
        title=_headline(report),
        tools=[(one, _action(one), _details(one)[1:]) for one in report.tools],
        attacks=_fitting(report),
        plain=plain,
    )


def _headline(report: Report) -> str:
    known = f", verified profile {report.profile}" if report.profile else ""
    version = f" {plain(report.server.version)}" if report.server.version else ""
    return f"{plain(report.server.name)}{version}: {len(report.server.tools)} tools{known}"


def _details(one: Assessed) -> list[str]:
    return [plain(one.tool), *_lines(one)]


def _lines(one: Assessed) -> Iterator[str]:
    yield one.summary
    yield f"category {one.category.value}, severity {one.severity.value}, {one.undo.value}"
    yield f"confidence {one.confidence.value}"
    for piece in one.evidence:
        quote = f' "{plain(piece.quote)[:_QUOTE]}"' if piece.quote else ""
        yield f"evidence, {piece.source}{quote}: {plain(piece.says)}"
    for signal in one.signals:
        yield f'risk: {signal.says} ("{plain(signal.quote)[:_QUOTE]}")'
    for note in one.notes:
        yield f"note: {plain(note)}"
    for name in one.owasp:
        yield f"class: {name} {OWASP[name]}"
    for name in one.attacks:
        yield f"attack: {attacks()[name].name}. {attacks()[name].happens}"
    yield f"rule: {for_programs(_json(one.rule))}"


def _why(one: Assessed) -> str:
    said = [signal.says for signal in one.signals]
    told = [attacks()[name].name.lower() for name in one.attacks]
    return "; ".join([*said, *([f"attacks: {', '.join(told)}"] if told else [])])


def _action(one: Assessed) -> str:
    rules = one.rule.get("rules", [one.rule])
    action = str(rules[-1]["action"])
    limit = rules[-1].get("rate_limit")
    text = f"{action} {limit['max']}/{limit['window']}" if limit else action
    return f"{text}, guarded" if len(rules) > 1 else text


def _told(one: Assessed) -> JsonObject:
    return {
        "tool": one.tool,
        "category": one.category.value,
        "severity": one.severity.value,
        "undo": one.undo.value,
        "reversible": {"nothing to undo": True, "reversible": True}.get(one.undo.value, False),
        "confidence": one.confidence.value,
        "summary": one.summary,
        "evidence": [
            {"source": piece.source, "quote": piece.quote, "says": piece.says}
            for piece in one.evidence
        ],
        "signals": [
            {"signal": signal.signal, "says": signal.says, "quote": signal.quote}
            for signal in one.signals
        ],
        "owasp": [*one.owasp],
        "attacks": [*one.attacks],
        "notes": [*one.notes],
        "rule": _json(one.rule),
    }


def _json(value: object) -> JsonValue:
    if isinstance(value, dict):
        return {str(key): _json(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_json(member) for member in value]
    return value if isinstance(value, str | int | bool) else str(value)


def _names(report: Report) -> list[str]:
    used = {name for one in report.tools for name in one.attacks}
    used |= {one.id for one in whole_server_attacks()}
    return [name for name in attacks() if name in used]


def _fitting(report: Report) -> list[Attack]:
    return [attacks()[name] for name in _names(report)]


def _attack(one: Attack) -> JsonObject:
    return {
        "name": one.name,
        "happens": one.happens,
        "stopped": one.stopped,
        "references": [*one.references],
    }


def _md(text: str) -> str:
    """Text in Markdown, as text: nothing of it becomes markup or leaves its cell."""
    escaped = "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!|<>~" else sign for sign in plain(text))
    return escaped.replace("\n", " ")
