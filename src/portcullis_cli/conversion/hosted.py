"""The hosted product's JSON, version 1, as far as its makers have described it.

Only which keys the dialect has, and what they come to, may live here. What has not been
described is refused.
"""

from collections.abc import Iterable
from typing import Final

from portcullis.policy.limits_text import MAXIMUM_CALLS
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_elements,
    read_optional,
    read_text,
    read_whole,
    read_word,
)
from portcullis_cli.conversion.reading import (
    MAXIMUM_MANY,
    MAXIMUM_TEXT,
    WINDOWS,
    Reader,
    keys_of,
    read_conditions,
    read_hidden,
    read_tools,
    read_version,
)
from portcullis_cli.conversion.source import (
    EVERY_TOOL,
    Dialect,
    Sense,
    SourceLimit,
    SourcePolicy,
    SourceRule,
    SourceTool,
)

TOP_KEYS: Final = ("version", "default", "hide", "all_tools", "tools")
TOOL_KEYS: Final = ("require", "deny_if", "limits")
ENTRY_KEYS: Final = ("conditions", "on_deny")
LIMIT_KEYS: Final = ("counter", "window", "max", "scope")


def read_hosted(reader: Reader, root: Node) -> SourcePolicy | None:
    """Read a document; None where something is wrong, which the findings then say."""
    members = keys_of(root, "a policy", TOP_KEYS)
    if members is None or not has_keys(root, members, ("version", "default")):
        return None
    read_version(members["version"])
    permits = reader.permits(root, members)
    hidden = read_optional(members, "hide", lambda node: read_hidden(reader, node))
    tools: tuple[SourceTool, ...] = ()
    if "tools" in members:
        tools = read_tools(
            members["tools"], lambda name, node: _read_tool(reader, name, node), every=False
        )
    if "all_tools" in members:
        tools += _read_all_tools(reader, members["all_tools"])
    _require_own_counters(root, tools)
    return SourcePolicy(
        dialect=Dialect.HOSTED, permits=bool(permits), hidden=hidden or (), tools=tools
    )


def _require_own_counters(root: Node, tools: Iterable[SourceTool]) -> None:
    counters: set[str | None] = set()
    for limit in (limit for tool in tools for limit in tool.limits):
        if limit.name in counters:
            message = "two limits use one counter, and whether they share it was never described"
            root.findings.fault(limit.place, message, "name another counter")
        counters.add(limit.name)


def _read_all_tools(reader: Reader, node: Node) -> tuple[SourceTool, ...]:
    members = keys_of(node, "a block like `{limits: […]}`", ("limits",)) or {}
    limits = _read_limits(reader, members, "shared limit")
    if not limits:
        return ()
    return (SourceTool(name=EVERY_TOOL, rules=(), limits=limits, place=node.path),)


def _read_tool(reader: Reader, name: str, node: Node) -> SourceTool | None:
    members = keys_of(node, "a tool", TOOL_KEYS)
    if members is None:
        return None
    if not members:
        reader.note("implicit allow", node)
    rules = (
        *_read_rules(reader, members, "require", Sense.MUST),
        *_read_rules(reader, members, "deny_if", Sense.DENY_IF),
    )
    limits = _read_limits(reader, members, "grant limit")
    return SourceTool(name=name, rules=rules, limits=limits, place=node.path)


def _elements(members: dict[str, Node], key: str) -> list[Node]:
    if key not in members or members[key].value == []:
        return []
    return read_elements(members[key], f"`{key}`", MAXIMUM_MANY) or []


def _read_rules(
    reader: Reader, members: dict[str, Node], key: str, sense: Sense
) -> list[SourceRule]:
    rules: list[SourceRule] = []
    for element in _elements(members, key):
        entry = keys_of(element, "an entry like `{conditions: […], on_deny: …}`", ENTRY_KEYS)
        if entry is None or not has_keys(element, entry, ("conditions",)):
            continue
        tests, counters = read_conditions(reader, entry["conditions"])
        for counter in counters:
            counter.node.fault("a condition on a counter is not known here", "use `limits`")
        message = read_optional(entry, "on_deny", lambda node: read_text(node, MAXIMUM_TEXT))
        reader.note(key, element)
        if message is not None:
            reader.note("message", entry["on_deny"])
        rules.append(
            SourceRule(
                sense=sense, name=None, tests=tuple(tests), message=message, place=element.path
            )
        )
    return rules


def _read_limits(
    reader: Reader, members: dict[str, Node], construct: str
) -> tuple[SourceLimit, ...]:
    limits: list[SourceLimit] = []
    for element in _elements(members, "limits"):
        entry = keys_of(element, "a limit like `{counter, window, max, scope}`", LIMIT_KEYS)
        if entry is None or not has_keys(element, entry, LIMIT_KEYS):
            continue
        counter = read_text(entry["counter"], MAXIMUM_TEXT)
        window = read_word(entry["window"], WINDOWS, {})
        maximum = read_whole(entry["max"], 1, MAXIMUM_CALLS)
        scope = read_word(entry["scope"], ("grant",), {})
        if counter is None or window is None or maximum is None or scope is None:
            continue
        reader.note(construct, element)
        if construct == "shared limit":
            reader.note("grant limit", element)
        limits.append(
            SourceLimit(
                name=counter,
                maximum=maximum,
                window_seconds=WINDOWS[window],
                scope=reader.scope_of("principal", element),
                amount=None,
                message=None,
                place=element.path,
            )
        )
    return tuple(limits)
