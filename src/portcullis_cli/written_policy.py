"""A policy out of an assessment: real rules, `default: deny`, and the reason beside each."""

from collections.abc import Iterator
from typing import Any

import yaml

from portcullis.policy.names import is_tool_name
from portcullis.policy.policy_text import parse_policy
from portcullis_cli.catalogue.model import Assessed, Category
from portcullis_cli.rendering import plain
from portcullis_cli.scan_report import Report

_WIDTH = 10_000  # one line an entry: no text of a rule is broken


def written_policy(report: Report) -> str:
    """Answer a policy file for a server's tools, one entry a tool, the worst last.

    Tools whose names no policy can hold are left out, which denies them.
    """
    server = plain(report.server.name) or "a server"
    lines = [
        f"# Rules for {server}, from its tool list by `portcullis scan`.",
        "# Look through them: the categories were judged by words, not by what the server does.",
        "---",
        'version: "1"',
        "default: deny",
        *(["tools:"] if any(is_tool_name(one.tool) for one in report.tools) else []),
        *_entries(report),
        "...",
    ]
    text = "\n".join(lines) + "\n"
    parse_policy(text.encode("utf-8"))  # what is written can be uploaded
    return text


def _entries(report: Report) -> Iterator[str]:
    for category in Category:
        tools = sorted(
            (one for one in report.tools if one.category is category), key=lambda one: one.tool
        )
        if tools:
            yield f"  # {category.value.capitalize()}"
        for one in tools:
            yield from _entry(one)


def _entry(one: Assessed) -> Iterator[str]:
    if not is_tool_name(one.tool):
        yield f"  # left out, and so denied: {plain(one.tool)[:200]}"
        return
    judged = f"{one.severity.value} severity, {one.confidence.value} confidence"
    yield f"  # {judged}. {plain(one.summary)}"
    yield f"  {_flow(one.tool)}: {_flow(dict(one.rule))}"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, width=_WIDTH, sort_keys=False, allow_unicode=False
    )
    return str(text).removesuffix("\n").removesuffix("\n...")
