"""A policy out of an assessment: real rules, `default: deny`, and the reason beside each."""

from collections.abc import Collection, Iterator
from typing import Any

import yaml

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.policy_text import parse_policy
from portcullis_cli.catalogue.model import Assessed, Category
from portcullis_cli.conversion.writing import PolicyDumper
from portcullis_cli.errors import usage_error
from portcullis_cli.rendering import plain
from portcullis_cli.scan_report import Report
from portcullis_cli.tool_source import callable_tools

_WIDTH = 10_000  # one line an entry: no text of a rule is broken


def written_policy(report: Report) -> str:
    """Answer a policy file for a server's tools, one entry a tool, the worst last.

    Tools that no call can reach are left out, which denies them: those whose names no policy can
    hold, and those whose names differ in nothing, or in case alone.

    Raises:
        CommandError: the tools make a policy that could not be uploaded.
    """
    server = plain(report.server.name) or "a server"
    known = callable_tools(report.server.tools)
    lines = [
        f"# Rules for {server}, from its tool list by `portcullis scan`.",
        "# Look through them: the categories were judged by words, not by what the server does.",
        "---",
        'version: "1"',
        "default: deny",
        *(["tools:"] if known else []),
        *_entries(report, known),
        "...",
    ]
    text = "\n".join(lines) + "\n"
    try:
        parse_policy(text.encode("utf-8"))  # what is written can be uploaded
    except PolicyFaults as faulty:
        fault = plain(str(faulty.faults[0]))
        raise usage_error(f"no sound policy can be written: {fault}") from faulty
    return text


def _entries(report: Report, known: Collection[str]) -> Iterator[str]:
    for category in Category:
        tools = sorted(
            (one for one in report.tools if one.category is category), key=lambda one: one.tool
        )
        if tools:
            yield f"  # {category.value.capitalize()}"
        for one in tools:
            yield from _entry(one) if one.tool in known else _left_out(one)


def _entry(one: Assessed) -> Iterator[str]:
    judged = f"{one.severity.value} severity, {one.confidence.value} confidence"
    yield f"  # {judged}. {plain(one.summary)}"
    yield f"  {_flow(one.tool)}: {_flow(dict(one.rule))}"


def _left_out(one: Assessed) -> Iterator[str]:
    yield f"  # left out, and so denied: {plain(one.tool)[:200]}"


def _flow(value: Any) -> str:
    text = yaml.dump(
        value, Dumper=PolicyDumper, default_flow_style=True, width=_WIDTH, sort_keys=False
    )
    return str(text).removesuffix("\n").removesuffix("\n...")
