"""What was read, written as a policy file of this language.

Only the shape of the file may live here; `operands` says what conditions become.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import yaml

from portcullis.policy.faults import Findings, NodePath, Positions, path_text
from portcullis.policy.plain_scalars import read_plain
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.conversion.constructs import Note
from portcullis_cli.conversion.operands import OperandError, path_of, written
from portcullis_cli.conversion.source import (
    EVERY_TOOL,
    Dialect,
    Sense,
    SourceLimit,
    SourcePolicy,
    SourceRule,
    SourceTool,
)

_WIDTH: Final = 10_000  # one line a condition: no text is broken
_ACTIONS: Final = {
    Sense.DENY: "deny",
    Sense.MUST: "deny",
    Sense.DENY_IF: "deny",
    Sense.APPROVE: "require_approval",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person chose for the policy that is written."""

    approvers: tuple[str, ...] = ()
    fixed_windows: bool = False


@dataclass(slots=True, kw_only=True)
class Written:
    """A document in the making: what could not be said, and what was noted."""

    choices: Choices
    findings: Findings
    notes: list[Note]

    def document(self, source: SourcePolicy) -> JsonObject:
        """The policy as a tree; where the findings have faults it is not whole."""
        if not self.choices.fixed_windows and source.dialect is not Dialect.CATALOGUE:
            limits = [limit for tool in source.tools for limit in tool.limits]
            self.notes += [Note(construct="sliding window", place=one.place) for one in limits]
        tools = {tool.name: self._entry(tool) for tool in self._placed(source)}
        tree: JsonObject = {"version": "1"}
        if source.description:
            tree["description"] = source.description
        tree["default"] = "allow" if source.permits else "deny"
        if source.hidden:
            tree["hide"] = list(source.hidden)
        entries: JsonObject = {name: entry for name, entry in tools.items() if entry}
        return {**tree, "tools": entries} if entries else tree

    def _placed(self, source: SourcePolicy) -> Iterator[SourceTool]:
        """The tools, with approvals of all tools where they permit no tool without an entry."""
        every = [tool for tool in source.tools if tool.name == EVERY_TOOL]
        asking = [rule for tool in every for rule in tool.rules if rule.sense is Sense.APPROVE]
        if source.permits or not asking:
            yield from source.tools
            return
        self.notes += [Note(construct="approval of all", place=rule.place) for rule in asking]
        for tool in source.tools:
            others = tuple(rule for rule in tool.rules if rule not in asking)
            rules = others if tool.name == EVERY_TOOL else (*tool.rules, *asking)
            yield replace(tool, rules=rules)

    def _entry(self, tool: SourceTool) -> JsonObject:
        rules: list[JsonValue] = []
        unconditional = {rule.sense for rule in tool.rules if not rule.tests}
        if tool.name != EVERY_TOOL and not unconditional & {Sense.DENY, Sense.APPROVE}:
            rules.append({"action": "allow"})
        # A rule without a name is called by its number.
        names = {str(number) for number in range(1, len(tool.rules) + len(tool.limits) + 2)}
        rules += [self._rule(rule, names) for rule in tool.rules]
        rules += [self._limit(limit, names) for limit in tool.limits]
        if len(rules) == 1 and isinstance(rules[0], dict):
            return rules[0]
        return {"rules": rules} if rules else {}

    def _rule(self, rule: SourceRule, names: set[str]) -> JsonObject:
        said: JsonObject = self._named(rule.name, rule.place, names)
        said["action"] = _ACTIONS[rule.sense]
        must = rule.sense is Sense.MUST
        conditions: list[JsonValue] = []
        for test in rule.tests:
            try:
                conditions.append(written(test, must=must))
            except OperandError as error:
                self.findings.fault(test.place, str(error), error.hint)
        if rule.tests:
            said["when"] = [{"not": conditions}] if must else conditions
        if rule.sense is Sense.APPROVE:
            said["approval"] = self._approval(rule)
        return {**said, "reason": rule.message} if rule.message else said

    def _approval(self, rule: SourceRule) -> JsonObject:
        if not self.choices.approvers:
            self.findings.fault(
                rule.place,
                "nobody is named who approves",
                "name somebody: `--approver group:platform`",
            )
        block: JsonObject = {"approvers": list(self.choices.approvers)}
        return {**block, "timeout": rule.timeout_seconds} if rule.timeout_seconds else block

    def _limit(self, limit: SourceLimit, names: set[str]) -> JsonObject:
        block: JsonObject = {} if limit.amount is None else {"path": path_of(limit.amount)}
        block |= {"max": limit.maximum, "window": limit.window_seconds, "per": limit.scope}
        if self.choices.fixed_windows:
            block["algorithm"] = "fixed_window"
        said = self._named(limit.name, limit.place, names)
        said["rate_limit" if limit.amount is None else "spend_limit"] = block
        return {**said, "reason": limit.message} if limit.message else said

    def _named(self, name: str | None, place: NodePath, names: set[str]) -> JsonObject:
        if name is None:
            return {}
        unique, number = name, 1
        while unique in names:
            number += 1
            unique = f"{name} ({number})"
        if number > 1:
            self.notes.append(Note(construct="name repeated", place=place))
        names.add(unique)
        return {"name": unique}


def policy_text(tree: JsonObject, source: SourcePolicy, positions: Positions) -> str:
    """The file: sealed, an entry a tool, each with the line it comes from."""
    top = {key: value for key, value in tree.items() if key != "tools"}
    lines = [
        f"# Converted by `portcullis policy convert`, from the {source.dialect.value} dialect.",
        "---",
        *_block(top),
    ]
    entries = tree.get("tools")
    if isinstance(entries, dict):
        lines.append("tools:")
        places = {tool.name: tool.place for tool in source.tools}
        for name, entry in entries.items():
            lines += (f"  {line}" for line in _entry_lines(name, entry, places[name], positions))
    return "\n".join([*lines, "..."]) + "\n"


def _entry_lines(
    name: str, entry: JsonValue, place: NodePath, positions: Positions
) -> Iterator[str]:
    found = positions.of_key(place)
    yield f"# from {f'line {found.line}' if found else path_text(place)}"
    yield from _block({name: entry})


def _block(tree: JsonObject) -> Iterator[str]:
    """A mapping of the file, key by key; only what holds no more than texts is on one line."""
    for key, value in tree.items():
        text = yaml.dump(
            {key: value},
            Dumper=PolicyDumper,
            width=_WIDTH,
            sort_keys=False,
            default_flow_style=None if isinstance(value, dict | list) else False,
        )
        yield from str(text).removesuffix("\n").split("\n")


class PolicyDumper(yaml.SafeDumper):
    """Writes exact numbers as they are, and in quotes what this language reads as no text."""

    def ignore_aliases(self, _data: Any) -> bool:
        """No anchors: the language knows none."""
        return True

    def increase_indent(self, flow: bool = False, *_: Any, **__: Any) -> Any:  # noqa: FBT001, FBT002 - its caller's
        """Lists stand deeper than their key."""
        return super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if read_plain(text) == text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _number(dumper: yaml.SafeDumper, number: Decimal) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", format(number, "f"))


PolicyDumper.add_representer(Decimal, _number)
PolicyDumper.add_representer(str, _text)
