"""The operators of conditions: one table, each entry compiled once when a policy is loaded.

Only what compiles an operand to a test of one value may live here. A test answers
INDETERMINATE, never FALSE, for a value of a type it does not take: a boolean is no
number, "10" is no number, and nothing is converted. Adding an operator means adding a
row here and its cases in the decision corpus.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from portcullis.policy.compile_error import OperandError, PatternError, shown
from portcullis.policy.json_types import (
    FALSE,
    INDETERMINATE,
    TRUE,
    JsonType,
    equality,
    json_type,
    negation,
    some,
    truth,
)
from portcullis.policy.model import Truth
from portcullis.policy.networks import compile_networks
from portcullis.policy.regexes import compile_fullmatch, compile_glob_fullmatch
from portcullis.values import JsonValue

MAX_ELEMENTS = 10_000

Test: TypeAlias = Callable[[JsonValue], Truth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator: a line for the reference page, the operand's shape, and its compiler."""

    summary: str
    operand: str
    compile: Callable[[JsonValue], Test]


def compile_operator(op: str, operand: JsonValue) -> Test:
    """Compile an operator and its operand to a test of one value. The test never raises.

    Raises:
        OperandError: the operator is unknown or the operand is of no use to it.
    """
    operator = OPERATORS.get(op)
    if operator is None:
        close = get_close_matches(op, OPERATORS, n=1)
        names = ", ".join(OPERATORS)
        raise OperandError(
            f"operator {shown(op)} is unknown",
            f"did you mean `{close[0]}`" if close else f"one of {names}",
        )
    return operator.compile(operand)


def _eq(operand: JsonValue) -> Test:
    _require_value("eq", operand)
    if isinstance(operand, (list, dict)) or operand is None:
        return lambda value: equality(value, operand)
    return _scalar_eq(operand)


def _scalar_eq(operand: JsonValue) -> Test:
    if _is_number(operand):
        return lambda value: truth(value == operand) if _is_number(value) else INDETERMINATE
    kind = type(operand)

    def test(value: JsonValue) -> Truth:
        if type(value) is not kind:
            return INDETERMINATE
        return TRUE if value == operand else FALSE

    return test


def _neq(operand: JsonValue) -> Test:
    equals = _eq(operand)
    return lambda value: negation(equals(value))


def _in(operand: JsonValue) -> Test:
    """Membership; INDETERMINATE for a value whose type no member has."""
    if not isinstance(operand, list) or not operand:
        raise OperandError("`in` and `not_in` take a list with at least one value", "write [a, b]")
    for member in operand:
        _require_value("in", member)
    members: dict[JsonType, list[JsonValue]] = {}
    for member in operand:
        members.setdefault(json_type(member), []).append(member)
    sets = {
        kind: frozenset(of_kind)
        for kind, of_kind in members.items()
        if kind not in (JsonType.LIST, JsonType.OBJECT)
    }

    texts = sets.get(JsonType.STRING, frozenset())

    def test(value: JsonValue) -> Truth:
        if texts and type(value) is str:  # the usual case, unrolled
            return TRUE if value in texts else FALSE
        kind = json_type(value)
        if kind in sets:
            return truth(value in sets[kind])
        if kind in members:
            return some(equality(value, member) for member in members[kind])
        return INDETERMINATE

    return test


def _not_in(operand: JsonValue) -> Test:
    is_in = _in(operand)
    return lambda value: negation(is_in(value))


def _ordering(op: str, compare: Callable[[Any, Any], bool]) -> Callable[[JsonValue], Test]:
    def compile_ordering(operand: JsonValue) -> Test:
        if not _is_number(operand):
            raise OperandError(f"`{op}` takes a number", _unquoted(operand))
        return lambda value: truth(compare(value, operand)) if _is_number(value) else INDETERMINATE

    return compile_ordering


def _regex(operand: JsonValue) -> Test:
    source = _text("regex", operand)
    if source in (".*", "^.*$", "(?s).*"):
        raise OperandError("this pattern matches every text", "use `exists`, or leave it out")
    return _text_test("regex", compile_fullmatch, source)


def _matches_glob(operand: JsonValue) -> Test:
    return _text_test("matches_glob", compile_glob_fullmatch, _text("matches_glob", operand))


def _text_test(
    op: str, compile_pattern: Callable[[str], Callable[[str], bool | None]], source: str
) -> Test:
    try:
        matches = compile_pattern(source)
    except PatternError as cause:
        raise OperandError(f"`{op}`: {cause.message}", cause.suggestion) from cause
    return _over_texts(matches)


def _over_texts(matches: Callable[[str], bool | None]) -> Test:
    def test(value: JsonValue) -> Truth:
        if not isinstance(value, str):
            return INDETERMINATE
        outcome = matches(value)
        if outcome is None:
            return INDETERMINATE
        return TRUE if outcome else FALSE

    return test


def _contains(operand: JsonValue) -> Test:
    """A text holds a part; a list an equal element, INDETERMINATE where one is incomparable."""
    _require_value("contains", operand)
    if operand == "":
        raise OperandError("every text contains the empty text", "use `exists` or `length`")

    def test(value: JsonValue) -> Truth:
        if isinstance(value, list) and len(value) <= MAX_ELEMENTS:
            return some(equality(element, operand) for element in value)
        if isinstance(value, str) and isinstance(operand, str):
            return truth(operand in value)
        return INDETERMINATE

    return test


def _starts_with(operand: JsonValue) -> Test:
    prefix = _text("starts_with", operand)
    return _over_texts(lambda value: value.startswith(prefix))


def _ends_with(operand: JsonValue) -> Test:
    suffix = _text("ends_with", operand)
    return _over_texts(lambda value: value.endswith(suffix))


def _cidr(operand: JsonValue) -> Test:
    texts = operand if isinstance(operand, list) else [operand]
    if not texts:
        raise OperandError("`cidr` takes at least one network", "write 10.0.0.0/8")
    return _over_texts(compile_networks([_text("cidr", text) for text in texts]))


def _length(operand: JsonValue) -> Test:
    bounds = operand if isinstance(operand, dict) else {"min": operand, "max": operand}
    if not bounds or not bounds.keys() <= {"min", "max"}:
        raise OperandError("`length` takes `min` and `max`", "write {min: 1, max: 10}")
    least = _bound(bounds.get("min", 0))
    most = _bound(bounds["max"]) if "max" in bounds else None
    if most is not None and least > most:
        raise OperandError("`length` has a `min` above its `max`", "swap them")

    def test(value: JsonValue) -> Truth:
        if not isinstance(value, (str, list, dict)):
            return INDETERMINATE
        return truth(least <= len(value) and (most is None or len(value) <= most))

    return test


def _bound(bound: JsonValue) -> int:
    if isinstance(bound, bool) or not isinstance(bound, int) or bound < 0:
        raise OperandError("`length` takes whole numbers from 0", _unquoted(bound))
    return bound


def _exists(operand: JsonValue) -> Test:
    """The test of a value that is there; conditions decide about one that is not."""
    if not isinstance(operand, bool):
        raise OperandError("`exists` takes true or false", _unquoted(operand))
    answer = truth(operand)
    return lambda _: answer


def _is_number(value: object) -> bool:
    return type(value) is int or (isinstance(value, Decimal) and value.is_finite())


def _text(op: str, operand: JsonValue) -> str:
    if not isinstance(operand, str) or not operand:
        raise OperandError(f"`{op}` takes a text that is not empty", "put it in quotes")
    return operand


def _require_value(op: str, operand: JsonValue) -> None:
    if json_type(operand) is JsonType.OTHER:
        raise OperandError(f"`{op}` takes a JSON value")


def _unquoted(operand: JsonValue) -> str | None:
    return "write it without quotes" if isinstance(operand, str) else None


OPERATORS: Mapping[str, Operator] = {
    "eq": Operator(
        summary="the value equals the operand; numbers by value, nothing is converted",
        operand="any value",
        compile=_eq,
    ),
    "neq": Operator(
        summary="the value is comparable to the operand and differs from it",
        operand="any value",
        compile=_neq,
    ),
    "in": Operator(
        summary="the value equals a member of the list",
        operand="a list with at least one value",
        compile=_in,
    ),
    "not_in": Operator(
        summary="the value is comparable to the list's members and equals none",
        operand="a list with at least one value",
        compile=_not_in,
    ),
    "lt": Operator(
        summary="the value is a number below the operand",
        operand="a number",
        compile=_ordering("lt", lt),
    ),
    "lte": Operator(
        summary="the value is a number, at most the operand",
        operand="a number",
        compile=_ordering("lte", le),
    ),
    "gt": Operator(
        summary="the value is a number above the operand",
        operand="a number",
        compile=_ordering("gt", gt),
    ),
    "gte": Operator(
        summary="the value is a number, at least the operand",
        operand="a number",
        compile=_ordering("gte", ge),
    ),
    "regex": Operator(
        summary="the whole text matches the RE2 pattern; the dot matches line breaks too",
        operand="an RE2 pattern of at most 1000 characters",
        compile=_regex,
    ),
    "contains": Operator(
        summary="the text holds the operand, or the list an element equal to it",
        operand="a text for texts, any value for lists",
        compile=_contains,
    ),
    "exists": Operator(
        summary="the path leads to a value (null is one), or with false: to none",
        operand="true or false; true where `value` is left out",
        compile=_exists,
    ),
    "starts_with": Operator(
        summary="the text begins with the operand",
        operand="a text",
        compile=_starts_with,
    ),
    "ends_with": Operator(
        summary="the text ends with the operand",
        operand="a text",
        compile=_ends_with,
    ),
    "matches_glob": Operator(
        summary="the whole text matches: `*` any characters, `?` exactly one",
        operand="a glob of at most 1000 characters",
        compile=_matches_glob,
    ),
    "cidr": Operator(
        summary="the text is an IP address or network inside one of the networks",
        operand="a network such as 10.0.0.0/8, or a list of them",
        compile=_cidr,
    ),
    "length": Operator(
        summary="the text, list or object has that many characters, elements or keys",
        operand="a whole number, or {min, max} with one or both",
        compile=_length,
    ),
}
