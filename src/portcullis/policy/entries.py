"""The entries of `tools`, `resources`, `prompts`, and the list `hide`.

Only what an entry and its key may look like may live here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from portcullis.policy.compile_error import PatternError
from portcullis.policy.faults import quoted
from portcullis.policy.model import Kind, Rule, Section
from portcullis.policy.names import compile_glob, is_pattern
from portcullis.policy.nodes import Node, read_elements, read_mapping, read_members, read_text
from portcullis.policy.rules_text import Home, ReadRule, read_rule
from portcullis.policy.words import ENTRY_KEYS, RULE_HINTS, RULE_KEYS
from portcullis.values import JsonObject, JsonValue

MAXIMUM_RULES = 64
MAXIMUM_ENTRIES = 2000
MAXIMUM_HIDDEN = 2000
MAXIMUM_KEY = 1000

_TOOL_KEY = re.compile(r"[A-Za-z0-9_.*?-]{1,128}")
_WHAT = {Kind.TOOL: "tool", Kind.RESOURCE: "resource", Kind.PROMPT: "prompt"}


@dataclass(slots=True)
class ReadSection:
    """The entries of one kind while they are read, by key."""

    rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    tests: dict[str, Callable[[str], bool]] = field(default_factory=dict)
    documents: dict[str, JsonObject] = field(default_factory=dict)

    def compiled(self) -> Section:
        """The section; its patterns in the order of their text, as the canonical form is."""
        exact = {key: rules for key, rules in self.rules.items() if not is_pattern(key)}
        patterns = sorted(key for key in self.rules if is_pattern(key))
        return Section(
            exact=exact,
            patterns=tuple((key, self.tests[key], self.rules[key]) for key in patterns),
        )

    def document(self) -> JsonObject:
        """The entries in their canonical form."""
        return {key: self.documents[key] for key in sorted(self.documents)}


def read_section(node: Node, kind: Kind) -> ReadSection:
    """Read all entries of one kind; faulty ones are left out."""
    section = ReadSection()
    what = f"a mapping of {_WHAT[kind]}s to entries"
    entries = read_members(node, what) or {}
    if entries == {} and isinstance(node.value, dict):
        node.fault(f"there is no {_WHAT[kind]} in it", "remove it, or name one")
    if len(entries) > MAXIMUM_ENTRIES:
        node.fault(f"there are more than {MAXIMUM_ENTRIES} entries")
        return section
    for key, entry in entries.items():
        test = _read_key(entry, key, kind)
        rules = read_entry(entry, Home(kind=kind, entry=key, is_pattern=is_pattern(key)))
        if test is not None and rules:
            section.tests[key] = test
            section.rules[key] = tuple(read.rule for read in rules)
            section.documents[key] = entry_document(entry, rules)
    return section


def read_hidden(node: Node) -> list[str]:
    """Read `hide`: names and patterns of tools, sorted, each once."""
    names: set[str] = set()
    if isinstance(node.value, str):
        node.fault("`hide` is a list", f"write `hide: [{node.value[:60]}]`")
        return []
    for element in read_elements(node, "`hide`", MAXIMUM_HIDDEN) or []:
        name = read_text(element, MAXIMUM_KEY)
        if name is None:
            continue
        if not _TOOL_KEY.fullmatch(name):
            element.fault(*_no_tool_key(name))
        elif name in names:
            element.fault(f"{quoted(name)} is hidden twice", "keep one")
        names.add(name)
    return sorted(names)


def compile_hidden(names: Sequence[str]) -> Callable[[str], bool]:
    """The test whether a tool is hidden."""
    exact = frozenset(name for name in names if not is_pattern(name))
    tests = tuple(compile_glob(name) for name in names if is_pattern(name))
    if not tests:
        return exact.__contains__
    return lambda name: name in exact or any(test(name) for test in tests)


def _read_key(node: Node, key: str, kind: Kind) -> Callable[[str], bool] | None:
    if kind is Kind.TOOL and not _TOOL_KEY.fullmatch(key):
        node.key_fault(*_no_tool_key(key))
        return None
    if key != key.strip():
        node.key_fault("a name must not begin or end with white space")
        return None
    try:
        return compile_glob(key)
    except PatternError as error:
        node.key_fault(error.message, error.suggestion)
        return None


def _no_tool_key(key: str) -> tuple[str, str]:
    message = f"{quoted(key)} cannot be the name of a tool"
    return message, "a name has 1 to 128 of A-Z a-z 0-9 _ . - and a pattern also * and ?"


def read_entry(node: Node, home: Home) -> list[ReadRule] | None:
    """Read what stands under a name: a rule, or `rules`; None where it is no entry."""
    if isinstance(node.value, str):
        message = "an entry is a mapping"
        node.fault(message, f"write `{{action: {node.value[:60]}}}`")
        return None
    if node.value == {}:
        node.fault("the entry is empty", "write `{action: allow}` or `{action: deny}`")
        return None
    members = read_mapping(node, "an entry like `{action: allow}`", ENTRY_KEYS, RULE_HINTS)
    if members is None:
        return None
    if "rules" not in members:
        rule = read_rule(node, members, home) if members else None
        return None if rule is None else [rule]
    if len(members) > 1:
        others = ", ".join(f"`{key}`" for key in members if key != "rules")
        node.fault(f"{others} must not stand beside `rules`", "move it into one of the rules")
    return _read_rules(members["rules"], home)


def _read_rules(node: Node, home: Home) -> list[ReadRule] | None:
    labels: set[str] = set()
    read: list[ReadRule] = []
    for number, element in enumerate(read_elements(node, "`rules`", MAXIMUM_RULES) or [], start=1):
        rule = _read_one_of_rules(element, home, number)
        if rule is None:
            continue
        if rule.rule.label in labels:
            element.fault(f"another rule is called {quoted(rule.rule.label)}", "rename one")
        labels.add(rule.rule.label)
        read.append(rule)
    return read


def _read_one_of_rules(node: Node, home: Home, number: int) -> ReadRule | None:
    members = read_mapping(node, "a rule like `{action: allow}`", RULE_KEYS, RULE_HINTS)
    if members is None or (not members and node.value):
        return None
    own = Home(kind=home.kind, entry=home.entry, is_pattern=home.is_pattern, number=number)
    return read_rule(node, members, own)


def entry_document(node: Node, rules: Sequence[ReadRule]) -> JsonObject:
    """An entry keeps its form, one rule or `rules`: the labels of its rules hang on it."""
    if isinstance(node.value, Mapping) and "rules" not in node.value:
        return rules[0].document
    documents: list[JsonValue] = [read.document for read in rules]
    return {"rules": documents}
