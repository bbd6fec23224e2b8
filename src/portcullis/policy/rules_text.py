"""One rule: from the document to a `Rule` and its canonical form.

Only what a rule is made of, and which of its parts go together, may live here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portcullis.policy.approval_text import approval_document, read_approval
from portcullis.policy.conditions_text import read_when
from portcullis.policy.limits_text import LimitText, read_rate_limits, read_spend_limits
from portcullis.policy.model import Approval, Condition, Effect, Kind, Rule
from portcullis.policy.nodes import (
    Node,
    read_optional,
    read_text,
    read_word,
)
from portcullis.policy.words import (
    ACTION_HINTS,
    ACTIONS,
    MODE_HINTS,
    MODES,
)
from portcullis.values import JsonObject, JsonValue

MAXIMUM_NAME = 128
MAXIMUM_REASON = 1000

_LIMIT_KEYS = ("rate_limit", "spend_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a rule stands: its entry, and its number when the entry has `rules`."""

    kind: Kind
    entry: str
    is_pattern: bool
    number: int | None = None

    @property
    def is_exact_entry(self) -> bool:
        """Whether the rule is the whole entry of one exact name."""
        return self.number is None and not self.is_pattern

    def label(self, name: str | None) -> str:
        """What decisions call the rule: by its name, else by its number, else by its entry."""
        if name is None and self.number is None:
            return self.entry
        return f"{self.entry}/{self.number if name is None else name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRule:
    """A rule that was read: compiled, and in its canonical form."""

    rule: Rule
    document: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a rule says, key by key."""

    name: str | None
    action: str | None
    when: tuple[Condition, list[JsonValue]] | None
    rate_limits: Sequence[LimitText]
    spend_limits: Sequence[LimitText]
    reason: str | None
    shadow: bool
    approval: Approval | None


def read_rule(node: Node, members: Mapping[str, Node], home: Home) -> ReadRule | None:
    """Read a rule from the known keys of its mapping; None when any of it is faulty."""
    before = node.findings.count
    if not members:
        node.fault("the rule is empty", "write at least an `action`, or remove it")
        return None
    parts = _read_parts(members)
    if "action" not in members or parts.action is not None:
        _require_fitting(node, members, parts)
    return None if node.findings.count > before else _compiled(parts, home)


def _read_parts(members: Mapping[str, Node]) -> _Parts:
    return _Parts(
        name=read_optional(members, "name", lambda node: read_text(node, MAXIMUM_NAME)),
        action=read_optional(
            members, "action", lambda node: read_word(node, ACTIONS, ACTION_HINTS)
        ),
        when=read_optional(members, "when", read_when),
        rate_limits=read_optional(members, "rate_limit", read_rate_limits) or (),
        spend_limits=read_optional(members, "spend_limit", read_spend_limits) or (),
        reason=read_optional(members, "reason", lambda node: read_text(node, MAXIMUM_REASON)),
        shadow=read_optional(members, "mode", _read_mode) == "shadow",
        approval=read_optional(members, "approval", read_approval),
    )


def _read_mode(node: Node) -> str | None:
    return read_word(node, MODES, MODE_HINTS)


def _require_fitting(node: Node, members: Mapping[str, Node], parts: _Parts) -> None:
    """Refuse parts that do not go together."""
    limits = [members[key] for key in _LIMIT_KEYS if key in members]
    if parts.action in (None, "rate_limit") and not limits:
        missing = "no limit" if parts.action else "no action and no limit"
        node.fault(f"the rule has {missing}", "write an `action`, or `rate_limit: {max, window}`")
    if parts.action == "deny":
        for limit in limits:
            limit.key_fault("a rule that denies takes no limit", "make its action `allow`")
    if parts.action == "require_approval":
        if "approval" not in members:
            hint = "write `approval: {approvers: [group:platform]}`"
            node.fault("nobody is named who approves", hint)
    elif "approval" in members:
        hint = "write `action: require_approval`, or remove it"
        members["approval"].key_fault("nothing here asks for an approval", hint)


def _compiled(parts: _Parts, home: Home) -> ReadRule:
    effect = _effect(parts, home)
    when = None if parts.when is None else parts.when[1]
    told_apart: JsonValue = ["when", when] if parts.name is None else ["name", parts.name]
    owner: JsonValue = [home.kind.value, home.entry, told_apart, parts.shadow]
    limits = (*parts.rate_limits, *parts.spend_limits)
    rule = Rule(
        label=home.label(parts.name),
        effect=effect,
        when=None if parts.when is None else parts.when[0],
        limits=tuple(limit.compiled(owner) for limit in limits),
        reason=parts.reason,
        approval=parts.approval,
        shadow=parts.shadow,
    )
    return ReadRule(rule=rule, document=_document(parts, effect))


def _effect(parts: _Parts, home: Home) -> Effect | None:
    """What the rule says. Limits alone permit where one exact tool is limited and no more."""
    if parts.action in (None, "rate_limit"):
        is_bare = parts.when is None and not parts.shadow
        permits = home.is_exact_entry and (is_bare or parts.action == "rate_limit")
        return Effect.ALLOW if permits else None
    return Effect(parts.action)


def _document(parts: _Parts, effect: Effect | None) -> JsonObject:
    """The rule in its canonical form: lists of limits and conditions, no defaults."""
    said: dict[str, JsonValue] = {
        "name": parts.name,
        "action": effect and effect.value,
        "mode": "shadow" if parts.shadow else None,
        "when": parts.when and parts.when[1],
        "rate_limit": [limit.document() for limit in parts.rate_limits] or None,
        "spend_limit": [limit.document() for limit in parts.spend_limits] or None,
        "approval": None if parts.approval is None else approval_document(parts.approval),
        "reason": parts.reason,
    }
    return {key: value for key, value in said.items() if value is not None}
