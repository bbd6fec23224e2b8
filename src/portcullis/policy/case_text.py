"""The `tests` of a policy file: reading them, strictly.

Only the reading of that list may live here. Nothing on the gateway's own path imports it.
"""

import re
from datetime import UTC, datetime, timedelta

from portcullis.policy.cases import Case
from portcullis.policy.decision import Outcome
from portcullis.policy.faults import quoted
from portcullis.policy.model import Call, Instant, Kind, Principal
from portcullis.policy.names import is_name
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_elements,
    read_mapping,
    read_members,
    read_optional,
    read_text,
    read_word,
)
from portcullis.policy.words import (
    CALL_HINTS,
    CALL_KEYS,
    CASE_HINTS,
    CASE_KEYS,
    EXPECTATION_HINTS,
    EXPECTATIONS,
    PRINCIPAL_HINTS,
    PRINCIPAL_KEYS,
)
from portcullis.values import JsonObject

MAXIMUM_CASES = 500
MAXIMUM_NAME = 200
MAXIMUM_TEXT = 1000
MAXIMUM_GROUPS = 100
NOON = "2026-01-05T12:00:00Z"  # a Monday; the instant of a test that names none
OUTCOMES = (
    Outcome.ALLOWED,
    Outcome.DENIED_BY_RULE,
    Outcome.DENIED_BY_DEFAULT,
    Outcome.HIDDEN,
    Outcome.INDETERMINATE,
    Outcome.INVALID_ARGUMENTS,
    Outcome.INVALID_AMOUNT,
    Outcome.APPROVAL_REQUIRED,
    Outcome.APPROVAL_UNSUPPORTED,
)

_KINDS = {"tool": Kind.TOOL, "resource": Kind.RESOURCE, "prompt": Kind.PROMPT}
_NOBODY = Principal(issuer="test", subject="test")
_NO_ARGUMENTS: JsonObject = {}
_NO_GROUPS: tuple[str, ...] = ()
_NO_TAGS: dict[str, str] = {}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def read_cases(node: Node) -> tuple[Case, ...]:
    """Read `tests`; faulty ones are left out."""
    cases: list[Case] = []
    names: set[str] = set()
    for element in read_elements(node, "the list of tests", MAXIMUM_CASES) or []:
        case = _read_case(element)
        if case is None:
            continue
        if case.name in names:
            element.fault(f"another test is called {quoted(case.name)}", "rename one")
        names.add(case.name)
        cases.append(case)
    return tuple(cases)


def _read_case(node: Node) -> Case | None:
    what = "a test like `{name: ..., call: {tool: ...}, expect: deny}`"
    members = read_mapping(node, what, CASE_KEYS, CASE_HINTS)
    if members is None:
        return None
    is_whole = has_keys(node, members, ("name", "call", "expect"))
    name = read_optional(members, "name", _read_name)
    called = read_optional(members, "call", _read_call)
    expect = read_optional(members, "expect", _read_expectation)
    rule = read_optional(members, "rule", _read_name)
    outcome = read_optional(members, "outcome", _read_outcome)
    if not is_whole or name is None or called is None or expect is None:
        return None
    call, now = called
    place = node.findings.described(node.path, "")
    return Case(
        name=name, call=call, now=now, expect=expect, rule=rule, outcome=outcome, place=place
    )


def _read_call(node: Node) -> tuple[Call, Instant] | None:
    members = read_mapping(node, "a call like `{tool: list_brokers}`", CALL_KEYS, CALL_HINTS)
    if members is None:
        return None
    subject = _read_subject(node, members)
    arguments = read_optional(members, "args", _read_arguments, _NO_ARGUMENTS)
    principal = read_optional(members, "principal", _read_principal, _NOBODY)
    now = read_optional(members, "at", _read_instant, _instant(NOON))
    if subject is None or arguments is None or principal is None or now is None:
        return None
    kind, name = subject
    call = Call(
        server="", kind=kind, name=name, arguments=arguments, principal=principal, session=""
    )
    return call, now


def _read_subject(node: Node, members: dict[str, Node]) -> tuple[Kind, str] | None:
    named = [key for key in _KINDS if key in members]
    if len(named) != 1:
        node.fault("a call names one of tool, resource, prompt", "write `{tool: list_brokers}`")
        return None
    (key,) = named
    name = read_text(members[key], MAXIMUM_TEXT)
    if name is None:
        return None
    if not is_name(_KINDS[key], name):
        members[key].fault(f"{quoted(name)} cannot be the name of a {key}", "name one exactly")
        return None
    return _KINDS[key], name


def _read_arguments(node: Node) -> JsonObject | None:
    if read_members(node, "a mapping of arguments") is None:
        return None
    return node.value if isinstance(node.value, dict) else None


def _read_principal(node: Node) -> Principal | None:
    what = "a principal like `{subject: alice, groups: [platform]}`"
    members = read_mapping(node, what, PRINCIPAL_KEYS, PRINCIPAL_HINTS)
    if members is None:
        return None
    issuer = read_optional(members, "issuer", _read_text, _NOBODY.issuer)
    subject = read_optional(members, "subject", _read_text, _NOBODY.subject)
    groups = read_optional(members, "groups", _read_groups, _NO_GROUPS)
    tags = read_optional(members, "tags", _read_tags, _NO_TAGS)
    claims = read_optional(members, "claims", _read_arguments, _NO_ARGUMENTS)
    if issuer is None or subject is None or groups is None or tags is None or claims is None:
        return None
    return Principal(issuer=issuer, subject=subject, groups=groups, tags=tags, claims=claims)


def _read_groups(node: Node) -> tuple[str, ...] | None:
    read = [_read_text(one) for one in read_elements(node, "the groups", MAXIMUM_GROUPS) or []]
    groups = tuple(group for group in read if group is not None)
    return groups if groups and len(groups) == len(read) else None


def _read_tags(node: Node) -> dict[str, str] | None:
    members = read_members(node, "a mapping of tags to texts")
    if members is None:
        return None
    tags = {key: _read_text(member) for key, member in members.items()}
    return {key: text for key, text in tags.items() if text is not None}


def _read_instant(node: Node) -> Instant | None:
    text = _read_text(node)
    if text is None:
        return None
    try:
        return _instant(text)
    except (ValueError, OverflowError):
        node.fault(f"{quoted(text)} is no moment", f'write `at: "{NOON}"`')
        return None


def _instant(text: str) -> Instant:
    """A moment as RFC 3339 writes it.

    Raises:
        ValueError: the text is none.
        OverflowError: it lies before year 1, or after year 9999, in UTC.
    """
    if _INSTANT.fullmatch(text) is None:
        raise ValueError(text)
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return Instant(micros=(moment - _EPOCH) // timedelta(microseconds=1))


def _read_expectation(node: Node) -> str | None:
    return read_word(node, EXPECTATIONS, EXPECTATION_HINTS)


def _read_outcome(node: Node) -> Outcome | None:
    word = read_word(node, [one.value for one in OUTCOMES], {})
    return None if word is None else Outcome(word)


def _read_name(node: Node) -> str | None:
    return read_text(node, MAXIMUM_NAME)


def _read_text(node: Node) -> str | None:
    return read_text(node, MAXIMUM_TEXT)
