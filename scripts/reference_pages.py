"""Write the tables of docs/reference, and the schema for editors, from the tables of the code.

A page holds `<!-- table: name -->` and `<!-- end -->`; what stands between them is made
here, everything else is written by hand. A test compares the pages with what this makes.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import command_pages
import tool_pages
from local_stack.template_yaml import load_template
from portcullis.entrypoints.settings import (
    ActivatorSettings,
    AuthorizerSettings,
    ConsoleSettings,
    ExecutorSettings,
    GatewaySettings,
    MetadataSettings,
    MonitorSettings,
)
from portcullis.policy.operators import OPERATORS
from portcullis.policy.paths import TIME_FIELDS
from portcullis.protocol.codes import Code
from portcullis.protocol.methods import METHODS
from portcullis.protocol.versions import ALL_VERSIONS, LEGACY_VERSIONS, Era
from portcullis.registration import words
from portcullis_cli.conversion.constructs import CONSTRUCTS, REFUSED
from portcullis_cli.policy.schema_writing import schema_text
from portcullis_cli.status.checks import CHECKS
from portcullis_cli.verifying.guarantees import GUARANTEES

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "schemas" / "policy.schema.json"
PAGES = ROOT / "docs" / "reference"
AN_INSTANT = datetime(2026, 11, 23, 15, 4, tzinfo=UTC)
BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Format a Markdown table."""
    cells = [tuple(head)]
    cells += [("---",) * len(cells[0]), *(tuple(row) for row in rows)]
    lines = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in cells)
    return "".join(f"| {line} |\n" for line in lines)


def operators() -> str:
    """Every operator of a condition."""
    return table(
        ("operator", "operand", "true when"),
        ((f"`{name}`", one.operand, one.summary) for name, one in OPERATORS.items()),
    )


def time_fields() -> str:
    """Every field of the `time` root."""
    rows = (
        (f"`time.{name}`", f"`{json.dumps(read(AN_INSTANT))}`")
        for name, read in TIME_FIELDS.items()
    )
    return table(("path", f"value on {AN_INSTANT:%A, %-d %B %Y, %H:%M} UTC"), rows)


def methods() -> str:
    """Every MCP method the gateway offers, and in which era."""
    return table(
        ("method", "handshake revisions", "2026-07-28"),
        (
            (f"`{name}`", *("yes" if era in row.eras else "no" for era in (Era.LEGACY, Era.MODERN)))
            for name, row in METHODS.items()
        ),
    )


def guarantees() -> str:
    """What `portcullis verify` tries to break."""
    rows = (
        (
            f"`{one.id}`",
            one.sentence,
            "; ".join(need.value for need in one.needs),
            " ".join(one.cases),
        )
        for one in GUARANTEES
    )
    return table(("id", "guarantee", "what it needs", "threat cases"), rows)


def codes() -> str:
    """Every JSON-RPC error code that the gateway knows."""
    return table(
        ("code", "name"),
        ((f"`{code.value}`", code.name.lower().replace("_", " ")) for code in Code),
    )


def versions() -> str:
    """Every protocol revision served."""
    return table(
        ("revision", "how it talks"),
        (
            (
                f"`{version}`",
                "`initialize`, `Mcp-Session-Id`"
                if version in LEGACY_VERSIONS
                else "each request by itself",
            )
            for version in ALL_VERSIONS
        ),
    )


def settings(cls: type[Any]) -> Callable[[], str]:
    """Make the maker of one settings class's table."""

    def rows() -> str:
        return table(
            ("variable", "meaning", "may be empty"),
            (
                (
                    f"`{one.metadata['variable']}`",
                    one.metadata["summary"],
                    "yes" if one.metadata["empty"] else "no",
                )
                for one in dataclasses.fields(cls)
            ),
        )

    return rows


def template_parameters() -> str:
    """Every parameter of the deployment."""
    parameters = load_template(ROOT / "template.yaml")["Parameters"]
    return table(
        ("parameter", "default", "meaning"),
        (
            (f"`{name}`", f"`{one['Default']}`" if one["Default"] != "" else "", one["Description"])
            for name, one in parameters.items()
        ),
    )


def vocabulary(known: Mapping[str, str]) -> Callable[[], str]:
    """Make the maker of the table of one part of a registration."""
    return lambda: table(("key", "meaning"), ((f"`{key}`", text) for key, text in known.items()))


def conversion() -> str:
    """What becomes of each construct of other products' policies."""
    return table(
        ("theirs", "here", "meaning", "why"),
        ((one.theirs, one.ours, one.change.value, one.why) for one in CONSTRUCTS.values()),
    )


def not_converted() -> str:
    """Keys of other products that are refused, with what to do instead."""
    return table(("key", "instead"), ((f"`{key}`", advice) for key, advice in REFUSED.items()))


TABLES: Mapping[str, Callable[[], str]] = {
    "registration-keys": vocabulary(words.TOP_KEYS),
    "registration-credential": vocabulary(words.CREDENTIAL_KEYS),
    "registration-signature": vocabulary(words.SIGV4_KEYS),
    "registration-eras": lambda: table(
        ("era", "revisions"), ((f"`{era}`", text) for era, text in words.ERAS.items())
    ),
    "registration-services": lambda: table(
        ("service", "hosts"),
        (
            (
                f"`{service}`",
                "any, for APIs have domains of their own" if host is None else f"`{host}`",
            )
            for service, host in words.SERVICES.items()
        ),
    ),
    "operators": operators,
    "conversion": conversion,
    "not-converted": not_converted,
    "time-fields": time_fields,
    "methods": methods,
    "codes": codes,
    "versions": versions,
    "template-parameters": template_parameters,
    "gateway-settings": settings(GatewaySettings),
    "executor-settings": settings(ExecutorSettings),
    "console-settings": settings(ConsoleSettings),
    "authorizer-settings": settings(AuthorizerSettings),
    "activator-settings": settings(ActivatorSettings),
    "metadata-settings": settings(MetadataSettings),
    "monitor-settings": settings(MonitorSettings),
    **{name: partial(table, *rows) for name, rows in tool_pages.ROWS.items()},
    "guarantees": guarantees,
    "status-checks": lambda: table(
        ("check", "reads", "somebody should act where", "next", "needs"),
        ((f"`{one.name}`", one.reads, one.attention, _code(one.do), one.needs) for one in CHECKS),
    ),
    "cli-commands": lambda: table(
        ("command", "what it does", "example"), command_pages.command_rows()
    ),
    "cli-options": lambda: table(
        ("option", "variable", "meaning", "commands"), command_pages.option_rows()
    ),
    "cli-outputs": command_pages.output_sections,
    "cli-exit-codes": lambda: table(("code", "meaning"), command_pages.exit_rows()),
}


def render(page: str) -> str:
    """Answer the page with every table made anew."""
    return BLOCK.sub(lambda found: found[1] + TABLES[found["name"]]() + found[3], page)


def _code(text: str) -> str:
    """A next step as a page shows it: a link to a page of ours, or a command."""
    path, _, section = text.partition("#")
    if not path.startswith("docs/"):
        return f"`{text}`"
    at = f"#{section}" if section else ""
    return f"[{path.removeprefix('docs/')}{at}](../{path.removeprefix('docs/')}{at})"


def main() -> None:
    """Write every page whose tables have changed, and the schema."""
    for path in sorted(PAGES.glob("*.md")):
        page = path.read_text()
        if (rendered := render(page)) != page:
            path.write_text(rendered)
            print(f"wrote docs/reference/{path.name}")
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(schema_text(), "utf-8")


if __name__ == "__main__":
    main()
