"""The order of keys in each part of a policy: that of the words of the language."""

from collections.abc import Sequence

import yaml

from portcullis.policy import words
from portcullis.policy.faults import NodePath
from portcullis_cli.policy.layout.reading import Entry

_CONDITION = (*words.COMPARISON_KEYS, *words.COMBINATION_KEYS)
_PARTS = {
    "rate_limit": words.RATE_LIMIT_KEYS,
    "spend_limit": words.SPEND_LIMIT_KEYS,
    "approval": words.APPROVAL_KEYS,
}
_CASE_PARTS = {
    (): words.CASE_KEYS,
    ("call",): words.CALL_KEYS,
    ("call", "principal"): words.PRINCIPAL_KEYS,
}
_HOLD_ENTRIES = frozenset({*words.SECTION_KEYS.values(), "categories"})


def in_order(entry: Entry) -> list[Entry]:
    """What an entry holds, as it is written. Names and values keep their author's order."""
    known = known_order(entry.path)
    if not isinstance(entry.node, yaml.MappingNode) or not known:
        return entry.children
    return sorted(entry.children, key=lambda one: known.index(one.path[-1]))


def known_order(path: NodePath) -> Sequence[str | int]:
    """The keys a mapping at this path may have, in order; nothing where authors name them."""
    match path:
        case ():
            return words.TOP_KEYS
        case ("drift",):
            return words.DRIFT_KEYS
        case ("drift", "approval"):
            return words.APPROVAL_KEYS
        case ("tests", int(), *rest):
            return _CASE_PARTS.get(tuple(map(str, rest)), ())
        case (str(section), str(), *rest) if section in _HOLD_ENTRIES:
            return _order_in_entry(tuple(rest))
        case _:
            return ()


def _order_in_entry(rest: NodePath) -> Sequence[str | int]:
    match rest:
        case ():
            return words.ENTRY_KEYS
        case ("rules", int()):
            return words.RULE_KEYS
        case ("rules", int(), *inner):
            return _order_in_rule(tuple(inner))
        case _:
            return _order_in_rule(rest)


def _order_in_rule(rest: NodePath) -> Sequence[str | int]:
    if rest[0] == "when":
        return () if "value" in rest else _CONDITION
    return _PARTS.get(str(rest[0]), ()) if len(rest) == 1 else ()
