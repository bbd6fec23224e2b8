"""The parts of a document that speak of a lock: `categories`, `drift`, and the `lock` itself.

Only their reading and their canonical form may live here. An author writes the first two; the
lock is put beside them by the activator, from a file of its own (`lock_file`), so that what is
in force is one document with one revision.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.policy.approval_text import approval_document, read_approval
from portcullis.policy.entries import ReadSection, entry_document, read_entry
from portcullis.policy.model import Approval, Effect, Kind, Lock, Pin, Rule, Section
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_mapping,
    read_members,
    read_optional,
    read_word,
)
from portcullis.policy.rules_text import Home
from portcullis.policy.words import (
    CATEGORIES,
    CATEGORY_HINTS,
    DRIFT_ACTION_HINTS,
    DRIFT_ACTIONS,
    DRIFT_HINTS,
    DRIFT_KEYS,
    LOCK_HINTS,
    LOCK_KEYS,
    PIN_KEYS,
)
from portcullis.values import JsonObject, JsonValue

MAXIMUM_LOCKED = 1000
PREFIX = "categories/"  # no name of a tool holds a slash
NO_LOCK = "no lock is there that says which tool is of which category, or has changed"
NO_LOCK_HINT = (
    "make one with `portcullis lock`, upload it to `incoming/locks/<server>.json` first, "
    "and check with `--lock`"
)

DRIFT_LABELS = ("drift/changed", "drift/added")  # of the rules for what changed, and what is new

_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftText:
    """What happens to tools that are not as they were locked."""

    changed: str = "deny"
    added: str = "deny"
    approval: Approval | None = None

    def document(self) -> JsonObject:
        """The block in its canonical form, with its defaults."""
        tree: JsonObject = {"changed": self.changed, "added": self.added}
        if self.approval is not None:
            tree["approval"] = approval_document(self.approval)
        return tree


def read_categories(node: Node) -> ReadSection:
    """Read `categories`: an entry, like one of a tool, for each."""
    section = ReadSection()
    what = "a mapping of categories to entries like `{action: allow}`"
    entries = read_mapping(node, what, CATEGORIES, CATEGORY_HINTS) or {}
    if node.value == {}:
        node.fault("there is no category in it", "remove it, or name one")
    for name, entry in entries.items():
        home = Home(kind=Kind.TOOL, entry=PREFIX + name, is_pattern=True)
        rules = read_entry(entry, home)
        if rules:
            section.rules[name] = tuple(read.rule for read in rules)
            section.documents[name] = entry_document(entry, rules)
    return section


def read_drift(node: Node) -> DriftText | None:
    """Read `drift`."""
    what = "a block like `{changed: deny, added: deny}`"
    members = read_mapping(node, what, DRIFT_KEYS, DRIFT_HINTS)
    if members is None:
        return None
    changed = read_optional(members, "changed", _read_action, "deny")
    added = read_optional(members, "added", _read_action, "deny")
    approval = read_optional(members, "approval", read_approval)
    asks = "require_approval" in (changed, added)
    if asks and "approval" not in members:
        hint = "write `approval: {approvers: [group:platform]}`"
        node.fault("nobody is named who approves", hint)
    elif "approval" in members and not asks:
        hint = "write `changed: require_approval`, or remove it"
        members["approval"].key_fault("nothing here asks for an approval", hint)
    if changed is None or added is None:
        return None
    return DriftText(changed=changed, added=added, approval=approval)


def read_lock(node: Node) -> dict[str, Pin] | None:
    """Read the pins of a lock."""
    members = read_mapping(node, "a lock", LOCK_KEYS, LOCK_HINTS)
    if members is None or not has_keys(node, members, LOCK_KEYS):
        return None
    tools = read_members(members["tools"], "a mapping of tools to their digests") or {}
    if len(tools) > MAXIMUM_LOCKED:
        node.fault(f"more than {MAXIMUM_LOCKED} tools are locked")
        return None
    pins = {name: _read_pin(tool) for name, tool in tools.items()}
    return {name: pin for name, pin in pins.items() if pin is not None}


def lock_document(pins: Mapping[str, Pin]) -> JsonObject:
    """The lock in its canonical form."""
    tools: JsonObject = {name: pin_document(pins[name]) for name in sorted(pins)}
    return {"tools": tools}


def pin_document(pin: Pin) -> JsonObject:
    """One pin in its canonical form."""
    return {
        "category": pin.category,
        "definition": pin.definition,
        "description": pin.description,
        "schema": pin.schema,
        "annotations": pin.annotations,
    }


def compiled_lock(pins: Mapping[str, Pin], drift: DriftText | None) -> Lock:
    """The lock that calls are held against; without a word on drift, it denies."""
    told = drift or DriftText()
    changed, added = DRIFT_LABELS
    return Lock(
        pins=pins,
        changed=_drift_rule(changed, told.changed, told.approval),
        added=_drift_rule(added, told.added, told.approval),
    )


def with_categories(section: Section, categories: ReadSection, pins: Mapping[str, Pin]) -> Section:
    """The rules of tools, and those of each category for the tools that are locked as of it."""
    added = tuple(
        (
            PREFIX + name,
            frozenset(tool for tool, pin in pins.items() if pin.category == name).__contains__,
            categories.rules[name],
        )
        for name in CATEGORIES
        if name in categories.rules
    )
    return Section(exact=section.exact, patterns=(*section.patterns, *added)) if added else section


def _read_action(node: Node) -> str | None:
    return read_word(node, DRIFT_ACTIONS, DRIFT_ACTION_HINTS)


def _read_pin(node: Node) -> Pin | None:
    members = read_mapping(node, "a pinned tool", PIN_KEYS, LOCK_HINTS)
    if members is None or not has_keys(node, members, PIN_KEYS):
        return None
    category = read_word(members["category"], CATEGORIES, CATEGORY_HINTS)
    digests = {key: _read_digest(members[key]) for key in PIN_KEYS[1:]}
    found = {key: digest for key, digest in digests.items() if digest is not None}
    if category is None or len(found) < len(digests):
        return None
    return Pin(category=category, **found)


def _read_digest(node: Node) -> str | None:
    value: JsonValue = node.value
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value
    node.fault("it is no SHA-256 of 64 hex digits", "make the lock again with `portcullis lock`")
    return None


def _drift_rule(label: str, action: str, approval: Approval | None) -> Rule:
    effect = Effect(action)
    asked = approval if effect is Effect.REQUIRE_APPROVAL else None
    return Rule(label=label, effect=effect, approval=asked)
