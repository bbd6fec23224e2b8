"""The form that tool catalogues advise and no product enforces: `rules: [{action, rate_limit}]`.

Only which keys the dialect has, and what they come to, may live here. What it leaves open
(several rules, their order, a default) means what it means in this language.
"""

from collections.abc import Mapping
from typing import Final

from portcullis.policy.limits_text import MAXIMUM_CALLS
from portcullis.policy.nodes import (
    MAXIMUM_SECONDS,
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
    Reader,
    keys_of,
    read_description,
    read_hidden,
    read_tools,
    read_version,
)
from portcullis_cli.conversion.source import (
    Dialect,
    Sense,
    SourceLimit,
    SourcePolicy,
    SourceRule,
    SourceTool,
)

TOP_KEYS: Final = ("version", "description", "default", "hide", "tools")
RULE_KEYS: Final = ("action", "rate_limit", "reason")
LIMIT_KEYS: Final = ("max", "window")
# How pages spell the actions; only here, a policy file knows one spelling of each.
ACTIONS: Final[Mapping[str, str]] = {
    "allow": "allow",
    "deny": "deny",
    "rate-limit": "rate_limit",
    "rate_limit": "rate_limit",
    "rate limit": "rate_limit",
    "require_approval": "require_approval",
    "require-approval": "require_approval",
    "require approval": "require_approval",
}


def read_catalogue(reader: Reader, root: Node) -> SourcePolicy | None:
    """Read a document; None where something is wrong, which the findings then say."""
    members = keys_of(root, "a policy", TOP_KEYS)
    if members is None or not has_keys(root, members, ("tools",)):
        return None
    if "version" in members:
        read_version(members["version"])
    permits = reader.permits(root, members)
    hidden = read_optional(members, "hide", lambda node: read_hidden(reader, node))
    tools = read_tools(
        members["tools"], lambda name, node: _read_tool(reader, name, node), every=False
    )
    return SourcePolicy(
        dialect=Dialect.CATALOGUE,
        permits=bool(permits),
        hidden=hidden or (),
        tools=tools,
        description=read_description(members),
    )


def _read_tool(reader: Reader, name: str, node: Node) -> SourceTool | None:
    members = keys_of(node, "a tool like `{rules: […]}`", ("rules",))
    if members is None or not has_keys(node, members, ("rules",)):
        return None
    elements = read_elements(members["rules"], "`rules`", MAXIMUM_MANY) or []
    if len(elements) > 1:
        reader.note("several rules", members["rules"])
    rules: list[SourceRule] = []
    limits: list[SourceLimit] = []
    for element in elements:
        _read_rule(reader, element, rules, limits)
    return SourceTool(name=name, rules=tuple(rules), limits=tuple(limits), place=node.path)


def _read_rule(
    reader: Reader, node: Node, rules: list[SourceRule], limits: list[SourceLimit]
) -> None:
    members = keys_of(node, "a rule like `{action: allow}`", RULE_KEYS)
    if members is None or not has_keys(node, members, ("action",)):
        return
    word = read_word(members["action"], ACTIONS, {})
    action = None if word is None else ACTIONS[word]
    reason = read_optional(members, "reason", lambda one: read_text(one, MAXIMUM_TEXT))
    if action in ("deny", "require_approval"):
        reader.note(action, node)
        sense = Sense.DENY if action == "deny" else Sense.APPROVE
        rules.append(SourceRule(sense=sense, name=None, tests=(), message=reason, place=node.path))
    elif action == "allow":
        reader.note("allow", node)
    if action == "rate_limit" and not has_keys(node, members, ("rate_limit",)):
        return
    if "rate_limit" in members:
        if action == "deny":
            members["rate_limit"].key_fault("a rule that denies takes no limit", "remove one")
            return
        limit = _read_limit(reader, members["rate_limit"], reason)
        limits += [] if limit is None else [limit]


def _read_limit(reader: Reader, node: Node, reason: str | None) -> SourceLimit | None:
    members = keys_of(node, "a block like `{max: 10, window: 60}`", LIMIT_KEYS)
    if members is None or not has_keys(node, members, LIMIT_KEYS):
        return None
    maximum = read_whole(members["max"], 1, MAXIMUM_CALLS)
    window = read_whole(members["window"], 1, MAXIMUM_SECONDS)
    if maximum is None or window is None:
        return None
    reader.note("session limit", node)
    return SourceLimit(
        name=None,
        maximum=maximum,
        window_seconds=window,
        scope=reader.scope_of("session", node),
        amount=None,
        message=reason,
        place=node.path,
    )
