"""Hypothesis strategies shared by the test suites: policies as documents and as text.

`policies()` draws documents that load without a fault, over the names in `TOOLS`;
`policy_texts()` the same as YAML. Draw `documents` with few tools, so that exact
entries and patterns often meet on one name.
"""

import json
from collections.abc import Iterable
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from portcullis.values import JsonObject, JsonValue

TOOLS = (
    "list_brokers",
    "describe_broker",
    "create_broker",
    "delete_broker",
    "delete_queue",
    "put_user_policy",
)
PATTERNS = ("*", "delete_*", "*_broker", "describe_*", "????_*")
CATEGORIES = ("read", "write", "execute", "destructive", "financial")
RESOURCES = ("file:///etc/hosts", "s3://bucket/*", "*")
PROMPTS = ("summarise", "plan*")
PATHS = (
    "args.region",
    "args.size",
    "args.publicly_accessible",
    "args.tags.owner",
    "tool",
    "server",
)
EACH_PATHS = ("args.subnets[*]", "args.statements[*].action")
SHOWN_PATHS = ("args.amount", "args.items[0].price", 'args["a b"]')
APPROVERS = ("group:platform", "group:security", "alice@example.com", "bob@example.com")

_WORDS = st.sampled_from(["eu-west-1", "us-east-1", "mq.t3.micro", "prod", "10", "true"])
_NUMBERS: SearchStrategy[JsonValue] = st.one_of(
    st.integers(-(10**12), 10**12),
    st.decimals(-(10**6), 10**6, places=2).map(lambda number: number + Decimal(0)),
)
_SCALARS: SearchStrategy[JsonValue] = st.one_of(_WORDS, _NUMBERS, st.booleans(), st.none())
_WINDOWS: SearchStrategy[JsonValue] = st.one_of(
    st.integers(1, 31 * 86_400), st.sampled_from(["1s", "30s", "1m", "1h", "1d", "31d"])
)
_REASONS = st.sampled_from(["Ask the platform team.", "Not here: use the console", "no # reason"])


_LISTS: SearchStrategy[JsonValue] = st.lists(_SCALARS, min_size=1, max_size=3).map(list[JsonValue])
OPERANDS: dict[str, SearchStrategy[JsonValue]] = {
    "eq": _SCALARS,
    "neq": _SCALARS,
    "in": _LISTS,
    "not_in": _LISTS,
    "lt": _NUMBERS,
    "lte": _NUMBERS,
    "gt": _NUMBERS,
    "gte": _NUMBERS,
    "regex": st.sampled_from(["prod-[a-z]+", "(?i)eu-.*", "[0-9]{1,3}"]),
    "contains": _WORDS,
    "exists": st.booleans(),
    "starts_with": _WORDS,
    "ends_with": _WORDS,
    "matches_glob": st.sampled_from(["prod-*", "?u-west-*"]),
    "cidr": st.sampled_from(["10.0.0.0/8", "2001:db8::/32"]),
    "length": st.integers(0, 100),
}


@st.composite
def comparisons(draw: st.DrawFn) -> JsonObject:
    """One comparison, with `match` exactly where the path has a `[*]`."""
    operator = draw(st.sampled_from(sorted(OPERANDS)))
    comparison: JsonObject = {
        "path": draw(st.sampled_from(PATHS + EACH_PATHS)),
        "op": operator,
        "value": draw(OPERANDS[operator]),
    }
    if comparison["path"] in EACH_PATHS:
        comparison["match"] = draw(st.sampled_from(["any", "all"]))
    return comparison


def conditions() -> SearchStrategy[JsonObject]:
    """Conditions, nested a little."""

    def combined(inner: SearchStrategy[JsonObject]) -> SearchStrategy[JsonObject]:
        several = st.lists(inner, min_size=1, max_size=3).map(list[JsonValue])
        return st.one_of(
            several.map(lambda parts: {"any": parts}),
            several.map(lambda parts: {"all": parts}),
            several.map(lambda parts: {"not": parts}),
            inner.map(lambda part: {"not": part}),
        )

    return st.recursive(comparisons(), combined, max_leaves=4)


def _mapping(
    required: dict[str, SearchStrategy[JsonValue]], optional: dict[str, SearchStrategy[JsonValue]]
) -> SearchStrategy[JsonObject]:
    return st.fixed_dictionaries(required, optional=optional)


_COUNTED: dict[str, SearchStrategy[JsonValue]] = {
    "per": st.sampled_from(["session", "principal", "tool", "server"]),
    "algorithm": st.sampled_from(["sliding_window", "fixed_window"]),
}


def rate_limits() -> SearchStrategy[JsonObject]:
    """`rate_limit` blocks."""
    return _mapping({"max": st.integers(1, 10**15), "window": _WINDOWS}, _COUNTED)


def spend_limits() -> SearchStrategy[JsonObject]:
    """`spend_limit` blocks."""
    amounts: SearchStrategy[JsonValue] = st.one_of(
        st.integers(1, 10**9), st.decimals("0.01", 10**6, places=2)
    )
    paths = st.sampled_from(["args.amount", "args.items[0].price"])
    return _mapping({"path": paths, "max": amounts, "window": _WINDOWS}, _COUNTED)


def approvals() -> SearchStrategy[JsonObject]:
    """`approval` blocks that somebody can satisfy."""
    people = st.lists(st.sampled_from(APPROVERS), min_size=2, max_size=3, unique=True)
    shown = st.lists(st.sampled_from(SHOWN_PATHS), min_size=1, max_size=3, unique=True)
    return _mapping(
        {"approvers": people.map(list[JsonValue])},
        {
            "timeout": _WINDOWS,
            "min_approvals": st.integers(1, 2),
            "show": shown.map(list[JsonValue]),
        },
    )


@st.composite
def rules(draw: st.DrawFn, name: str | None = None) -> JsonObject:
    """One rule whose parts go together."""
    action = draw(st.sampled_from(["allow", "deny", "require_approval", "rate_limit", None]))
    rule: JsonObject = {} if name is None else {"name": name}
    if action is not None:
        rule["action"] = action
    if action != "deny" and (action in ("rate_limit", None) or draw(st.booleans())):
        rule["rate_limit"] = draw(_one_or_more(rate_limits()))
    if action != "deny" and draw(st.integers(0, 3)) == 0:
        rule["spend_limit"] = draw(_one_or_more(spend_limits()))
    if action == "require_approval":
        rule["approval"] = draw(approvals())
    if draw(st.booleans()):
        rule["when"] = draw(_one_or_more(conditions()))
    if draw(st.integers(0, 3)) == 0:
        rule["mode"] = draw(st.sampled_from(["shadow", "enforce"]))
    if draw(st.booleans()):
        rule["reason"] = draw(_REASONS)
    return rule


def _one_or_more(blocks: SearchStrategy[JsonObject]) -> SearchStrategy[JsonValue]:
    return st.one_of(blocks, st.lists(blocks, min_size=1, max_size=2).map(list[JsonValue]))


@st.composite
def entries(draw: st.DrawFn) -> JsonObject:
    """One entry: a rule, or `rules`, some of them with a name."""
    if draw(st.booleans()):
        return draw(rules())
    names = draw(st.lists(st.sampled_from(["first", "second", None]), min_size=1, max_size=3))
    told = {name for name in names if name is not None and names.count(name) == 1}
    return {"rules": [draw(rules(name if name in told else None)) for name in names]}


def _sections(names: Iterable[str]) -> SearchStrategy[JsonObject]:
    return st.dictionaries(st.sampled_from(list(names)), entries(), min_size=1, max_size=4)


@st.composite
def cases(draw: st.DrawFn) -> JsonObject:
    """One test of a policy file, whether it passes or not; its name is not settled."""
    call: JsonObject = {"tool": draw(st.sampled_from(TOOLS))}
    if draw(st.booleans()):
        call["args"] = {"region": draw(_SCALARS), "size": draw(_NUMBERS)}
    if draw(st.booleans()):
        call["principal"] = {"subject": "alice", "groups": ["platform"], "tags": {"team": "x"}}
    if draw(st.booleans()):
        call["at"] = draw(st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0")))
    words = st.sampled_from(["allow", "deny", "hide", "require_approval"])
    return {"call": call, "expect": draw(words)}


def _numbered(drawn: list[JsonObject]) -> JsonValue:
    return [{"name": f"test {number}", **case} for number, case in enumerate(drawn)]


def policies(defaults: Iterable[str] = ("deny", "allow")) -> SearchStrategy[JsonObject]:
    """Whole policies as documents; every one of them loads."""
    hidden = st.lists(st.sampled_from(TOOLS + PATTERNS[1:]), min_size=1, max_size=2, unique=True)
    return _mapping(
        {"version": st.just("1"), "default": st.sampled_from(list(defaults))},
        {
            "description": _REASONS,
            "hide": hidden.map(list[JsonValue]),
            "redact": st.just(["args.note", "args.rows[*].text"]),
            "tools": _sections(TOOLS + PATTERNS),
            "resources": _sections(RESOURCES),
            "prompts": _sections(PROMPTS),
            "tests": st.lists(cases(), min_size=1, max_size=2).map(_numbered),
        },
    )


@st.composite
def locked_policies(draw: st.DrawFn) -> JsonObject:
    """Whole policies with a lock, as the activator puts them in force."""
    names = draw(st.lists(st.sampled_from(TOOLS), min_size=1, max_size=6, unique=True))
    pins: JsonObject = {name: draw(_pins()) for name in names}
    document: JsonObject = {**draw(policies()), "lock": {"tools": pins}}
    if draw(st.booleans()):
        document["categories"] = draw(_sections(CATEGORIES))
    if draw(st.booleans()):
        document["drift"] = draw(_drifts())
    return document


def _pins() -> SearchStrategy[JsonValue]:
    digests = st.sampled_from(["0" * 64, "a1" * 32])
    keys = ("definition", "description", "schema", "annotations")
    return _mapping(
        {"category": st.sampled_from(CATEGORIES), **dict.fromkeys(keys, digests)}, {}
    ).map(dict)


@st.composite
def _drifts(draw: st.DrawFn) -> JsonValue:
    words = st.sampled_from(["deny", "allow", "require_approval"])
    drift: JsonObject = {"changed": draw(words), "added": draw(words)}
    if "require_approval" in drift.values():
        drift["approval"] = draw(approvals())
    return drift


def policy_texts() -> SearchStrategy[str]:
    """Whole policies as the text of a YAML file in block style."""
    return policies().map(to_yaml)


def to_yaml(document: JsonValue) -> str:
    """Write a document as YAML in block style, every text and key in quotes."""
    return "".join(f"{line}\n" for line in _yaml_lines(document))


def _yaml_lines(value: JsonValue) -> list[str]:
    if isinstance(value, dict) and value:
        return [
            line
            for key, member in value.items()
            for line in _labelled(json.dumps(key) + ":", member)
        ]
    if isinstance(value, list) and value:
        return [line for element in value for line in _labelled("-", element)]
    return [str(value) if isinstance(value, Decimal) else json.dumps(value)]


def _labelled(label: str, value: JsonValue) -> list[str]:
    lines = _yaml_lines(value)
    if isinstance(value, dict | list) and value:
        return [label, *(f"  {line}" for line in lines)]
    return [f"{label} {lines[0]}"]
