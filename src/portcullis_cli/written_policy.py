"""A policy out of an assessment: real rules, `default: deny`, and the reason beside each."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.names import is_tool_name
from portcullis.policy.policy_text import parse_policy
from portcullis_cli.catalogue.model import Assessed, Category
from portcullis_cli.conversion.writing import PolicyDumper
from portcullis_cli.errors import usage_error
from portcullis_cli.rendering import plain
from portcullis_cli.scan_report import Report

_WIDTH = 10_000  # one line an entry: no text of a rule is broken


def written_policy(report: Report) -> str:
    """Answer a policy file for a server's tools, one entry a tool, the worst last.

    Tools whose names no policy can hold, or that another tool has too, are left out, which
    denies them.

    Raises:
        CommandError: an approver, or the number of tools, is more than a policy can hold.
    """
    server = plain(report.server.name) or "a server"
    named = Counter(one.tool for one in report.tools)
    nameable = {name for name, times in named.items() if times == 1 and is_tool_name(name)}
    lines = [
        f"# Rules for {server}, from its tool list by `portcullis scan`.",
        "# Look through them: the categories were judged by words, not by what the server does.",
        "---",
        'version: "1"',
        "default: deny",
        *(["tools:"] if nameable else []),
        *_entries(report, nameable),
        "...",
    ]
    text = "\n".join(lines) + "\n"
    try:
        parse_policy(text.encode("utf-8"))  # what is written can be uploaded
    except PolicyFaults as faulty:
        raise usage_error(
            f"no sound policy can be written: {plain(str(faulty.faults[0]))}"
        ) from faulty
    return text


def _entries(report: Report, nameable: set[str]) -> Iterator[str]:
    for category in Category:
        tools = sorted(
            (one for one in report.tools if one.category is category), key=lambda one: one.tool
        )
        if tools:
            yield f"  # {category.value.capitalize()}"
        for one in tools:
            if one.tool in nameable:
                yield from _entry(one)
            else:
                yield f"  # left out, and so denied: {plain(one.tool)[:200]}"


def _entry(one: Assessed) -> Iterator[str]:
    judged = f"{one.severity.value} severity, {one.confidence.value} confidence"
    yield f"  # {judged}. {plain(one.summary)}"
    yield f"  {_flow(one.tool)}: {_flow(dict(one.rule))}"


def _flow(value: Any) -> str:
    text = yaml.dump(
        value, Dumper=PolicyDumper, default_flow_style=True, width=_WIDTH, sort_keys=False
    )
    return str(text).removesuffix("\n").removesuffix("\n...")
