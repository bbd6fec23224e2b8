"""`when:` from the document to a condition, and back to its canonical form.

Only the shape of conditions may live here; what paths and operators mean is said in
`paths` and `operators`. The canonical form of `when` and of `not` is a list.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from portcullis.policy.compile_error import OperandError, PathError
from portcullis.policy.model import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Each,
    Not,
    Path,
)
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_elements,
    read_mapping,
    read_optional,
    read_text,
    read_word,
)
from portcullis.policy.operators import OPERATORS, compile_operator
from portcullis.policy.paths import compile_path
from portcullis.policy.words import (
    COMBINATION_KEYS,
    COMPARISON_KEYS,
    CONDITION_HINTS,
    MATCH_HINTS,
    OPERATOR_HINTS,
)
from portcullis.values import JsonObject, JsonValue

MAXIMUM_CONDITIONS = 64
MAXIMUM_NESTING = 8
MAXIMUM_PATH_LENGTH = 500

ReadCondition: TypeAlias = tuple[Condition, JsonObject]

_MATCHES = ("any", "all")
_HINTS: Mapping[str, str] = {
    **{name: f"write `op: {name}, value: ...`" for name in OPERATORS},
    **CONDITION_HINTS,
}


def read_when(node: Node) -> tuple[Condition, list[JsonValue]] | None:
    """Read the conditions of a rule, all of which must hold; a mapping is a list of one."""
    read = _read_conjunction(node, 1)
    if read is None:
        return None
    condition, documents = read
    if _count(condition) > MAXIMUM_CONDITIONS:
        node.fault(f"a rule must not have more than {MAXIMUM_CONDITIONS} conditions")
        return None
    return condition, documents


def _read_conjunction(node: Node, nesting: int) -> tuple[Condition, list[JsonValue]] | None:
    if isinstance(node.value, list):
        elements = read_elements(node, "a list of conditions", MAXIMUM_CONDITIONS)
    else:
        elements = [node]
    read = _read_each(elements, nesting)
    if read is None:
        return None
    parts = tuple(condition for condition, _ in read)
    return parts[0] if len(parts) == 1 else AllOf(parts=parts), [form for _, form in read]


def _read_each(elements: Sequence[Node] | None, nesting: int) -> list[ReadCondition] | None:
    """Read every condition, so that all faults are told; None when one was faulty."""
    read = [_read_condition(element, nesting) for element in elements or ()]
    whole = [one for one in read if one is not None]
    return whole if whole and len(whole) == len(read) else None


def _read_condition(node: Node, nesting: int) -> ReadCondition | None:
    if nesting > MAXIMUM_NESTING:
        node.fault(f"conditions must not be nested more than {MAXIMUM_NESTING} levels deep")
        return None
    what = "a condition like `{path: args.name, op: eq, value: x}`"
    members = read_mapping(node, what, (*COMPARISON_KEYS, *COMBINATION_KEYS), _HINTS)
    if members is None:
        return None
    combinations = [key for key in COMBINATION_KEYS if key in members]
    if not combinations:
        return _read_comparison(node, members)
    if len(members) > 1:
        node.fault(f"`{combinations[0]}` must be alone in its condition", "make it two conditions")
        return None
    return _COMBINATIONS[combinations[0]](members[combinations[0]], nesting + 1)


def _read_any(node: Node, nesting: int) -> ReadCondition | None:
    read = _read_each(read_elements(node, "`any`", MAXIMUM_CONDITIONS), nesting)
    if read is None:
        return None
    forms: list[JsonValue] = [form for _, form in read]
    return AnyOf(parts=tuple(condition for condition, _ in read)), {"any": forms}


def _read_all(node: Node, nesting: int) -> ReadCondition | None:
    read = _read_each(read_elements(node, "`all`", MAXIMUM_CONDITIONS), nesting)
    if read is None:
        return None
    forms: list[JsonValue] = [form for _, form in read]
    return AllOf(parts=tuple(condition for condition, _ in read)), {"all": forms}


def _read_not(node: Node, nesting: int) -> ReadCondition | None:
    read = _read_conjunction(node, nesting)
    return None if read is None else (Not(part=read[0]), {"not": read[1]})


_COMBINATIONS: Mapping[str, Callable[[Node, int], ReadCondition | None]] = {
    "any": _read_any,
    "all": _read_all,
    "not": _read_not,
}


_COMPARISON_KEYS = ("path", "op", "value")
PRESENCE_TEST = "exists"  # the one operator that says enough without a value


def _read_comparison(node: Node, members: Mapping[str, Node]) -> ReadCondition | None:
    path = read_optional(members, "path", read_path)
    operator = read_optional(members, "op", _read_operator)
    may_omit_value = operator == PRESENCE_TEST
    complete = has_keys(node, members, ("path", "op") if may_omit_value else _COMPARISON_KEYS)
    match, matches = _read_match(node, members, path)
    if not complete or path is None or operator is None:
        return None
    given = members.get("value", node)
    operand: JsonValue = given.value if "value" in members else True
    try:
        test = compile_operator(operator, operand)
    except OperandError as error:
        given.fault(error.message, error.suggestion)
        return None
    if not matches:
        return None
    form: JsonObject = {"path": path.text, "op": operator, "value": operand}
    return (
        Comparison(path=path, operator=operator, operand=operand, test=test, match=match),
        form if match is None else {**form, "match": match},
    )


def _read_operator(node: Node) -> str | None:
    return read_word(node, OPERATORS, OPERATOR_HINTS)


def read_path(node: Node) -> Path | None:
    """Read a path of the path language."""
    text = read_text(node, MAXIMUM_PATH_LENGTH)
    if text is None:
        return None
    try:
        return compile_path(text)
    except PathError as error:
        node.fault(error.message, error.suggestion)
        return None


def _read_match(
    node: Node, members: Mapping[str, Node], path: Path | None
) -> tuple[str | None, bool]:
    """Answer `match`, and whether it is there exactly where the path has a `[*]`."""
    match = None
    if "match" in members:
        match = read_word(members["match"], _MATCHES, MATCH_HINTS)
        if match is None:
            return None, False
    has_each = path is not None and Each.EACH in path.steps
    if path is not None and has_each and match is None:
        node.fault("a path with `[*]` needs `match`", "write `match: any` or `match: all`")
        return None, False
    if path is not None and not has_each and match is not None:
        members["match"].key_fault("`match` goes with a `[*]` in the path", "remove it")
        return None, False
    return match, True


def _count(condition: Condition) -> int:
    if isinstance(condition, Comparison):
        return 1
    if isinstance(condition, Not):
        return _count(condition.part)
    return sum(_count(part) for part in condition.parts)
