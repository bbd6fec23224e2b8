"""The policy file as a JSON Schema (draft 2020-12), for editors to complete and explain words.

It is made of the tables of the language, so it has every word and no other. What only the whole
of a policy can tell (whether a path can be read, a pattern compiled) is left to `validate`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from portcullis.policy import words
from portcullis.policy.approval_text import (
    MAXIMUM_APPROVER,
    MAXIMUM_APPROVERS,
    MAXIMUM_PATH,
    MAXIMUM_SHOWN,
)
from portcullis.policy.case_text import MAXIMUM_CASES, MAXIMUM_GROUPS, MAXIMUM_TEXT, OUTCOMES
from portcullis.policy.case_text import MAXIMUM_NAME as MAXIMUM_CASE_NAME
from portcullis.policy.conditions_text import (
    MAXIMUM_CONDITIONS,
    MAXIMUM_PATH_LENGTH,
    PRESENCE_TEST,
)
from portcullis.policy.document import MAXIMUM_DESCRIPTION
from portcullis.policy.entries import (
    MAXIMUM_ENTRIES,
    MAXIMUM_HIDDEN,
    MAXIMUM_KEY,
    MAXIMUM_RULES,
)
from portcullis.policy.limits_text import MAXIMUM_CALLS, MAXIMUM_LIMITS
from portcullis.policy.model import Algorithm, Scope
from portcullis.policy.operators import OPERATORS
from portcullis.policy.redact_text import MAXIMUM_PATHS
from portcullis.policy.rules_text import MAXIMUM_NAME, MAXIMUM_REASON
from portcullis_cli.policy.word_meanings import ACTIONS, MEANINGS, SCOPES

Schema: TypeAlias = dict[str, Any]

ID: Final = "https://json-schema.org/draft/2020-12/schema"
_ARGUMENT: Final = r"^args(\.|\[[^*])"
TOOL_KEY: Final = "^[A-Za-z0-9_.*?-]{1,128}$"
_ANY_LIST: Final[Schema] = {"type": "array", "minItems": 1}
_NUMBER: Final[Schema] = {"type": "number"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_NAME: Final[Schema] = {"minLength": 1, "maxLength": MAXIMUM_KEY}
_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_OPERANDS: Final[Mapping[str, Schema]] = {
    "in": _ANY_LIST,
    "not_in": _ANY_LIST,
    **dict.fromkeys(("lt", "lte", "gt", "gte"), _NUMBER),
    **dict.fromkeys(("regex", "starts_with", "ends_with", "matches_glob"), _TEXT),
    "exists": {"type": "boolean"},
    "cidr": {"anyOf": [_TEXT, {**_ANY_LIST, "items": _TEXT}]},
    "length": {
        "anyOf": [
            _COUNT,
            {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "properties": dict.fromkeys(("min", "max"), _COUNT),
            },
        ]
    },
}


def policy_schema() -> Schema:
    """The schema of a policy file."""
    entries = {"type": "object", "minProperties": 1, "maxProperties": MAXIMUM_ENTRIES}
    entry = {"$ref": "#/$defs/entry"}
    top = {
        "version": {"const": words.VERSION},
        "description": _text(MAXIMUM_DESCRIPTION),
        "default": _one_of(words.DEFAULTS),
        "hide": _list({"type": "string", "pattern": TOOL_KEY}, MAXIMUM_HIDDEN, is_unique=True),
        "redact": _list(
            {"type": "string", "pattern": _ARGUMENT, "maxLength": MAXIMUM_PATH}, MAXIMUM_PATHS
        ),
        "tools": {
            **entries,
            "propertyNames": {"pattern": TOOL_KEY},
            "additionalProperties": entry,
            "examples": [{"list_brokers": {"action": "allow"}}],
        },
        "resources": {**entries, "propertyNames": _NAME, "additionalProperties": entry},
        "prompts": {**entries, "propertyNames": _NAME, "additionalProperties": entry},
        "categories": _mapping("categories", dict.fromkeys(words.CATEGORIES, entry), least=1),
        "drift": _drift(),
        "tests": _list({"$ref": "#/$defs/test"}, MAXIMUM_CASES),
    }
    return {
        "$schema": ID,
        "title": "Portcullis policy",
        **_mapping("top", top, required=("version", "default")),
        "$defs": {
            "entry": _entry(),
            "rule": _rule(),
            "condition": _condition(),
            "conditions": {
                "anyOf": [
                    {"$ref": "#/$defs/condition"},
                    _list({"$ref": "#/$defs/condition"}, MAXIMUM_CONDITIONS),
                ]
            },
            "duration": {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": 31 * 86400},
                    {"type": "string", "pattern": "^[1-9][0-9]*[smhd]$"},
                ],
                "examples": [60, "30s", "1m", "1h", "1d"],
            },
            "approval": _approval(),
            "test": _test(),
        },
    }


def _mapping(
    part: str, properties: Mapping[str, Schema], *, required: Sequence[str] = (), least: int = 0
) -> Schema:
    """A mapping of known keys, each with what it means."""
    explained = {
        key: {"description": MEANINGS[part][key], **one} for key, one in properties.items()
    }
    made: Schema = {"type": "object", "additionalProperties": False, "properties": explained}
    if required:
        made["required"] = [*required]
    return {**made, "minProperties": least} if least else made


def _text(maximum: int) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": maximum, "pattern": r"\S"}


def _one_of(known: Iterable[str]) -> Schema:
    return {"enum": [*known]}


def _explained(known: Mapping[str, str]) -> Schema:
    """One of some words, each explained where the editor can show it."""
    return {"oneOf": [{"const": word, "description": text} for word, text in known.items()]}


def _list(items: Schema, maximum: int, *, is_unique: bool = False) -> Schema:
    made: Schema = {"type": "array", "items": items, "minItems": 1, "maxItems": maximum}
    return {**made, "uniqueItems": True} if is_unique else made


def _one_or_list(one: Schema) -> Schema:
    return {"anyOf": [one, _list(one, MAXIMUM_LIMITS)]}


def _rule_keys() -> dict[str, Schema]:
    limit: dict[str, Schema] = {
        "max": {"type": "integer", "minimum": 1, "maximum": MAXIMUM_CALLS},
        "window": {"$ref": "#/$defs/duration"},
        "per": _explained({scope.value: SCOPES[scope.value] for scope in Scope}),
        "algorithm": _one_of(one.value for one in Algorithm),
    }
    path: Schema = {"type": "string", "pattern": _ARGUMENT, "maxLength": MAXIMUM_PATH_LENGTH}
    spend: dict[str, Schema] = {
        "path": path,
        **limit,
        "max": {"type": "number", "exclusiveMinimum": 0},
    }
    return {
        "name": _text(MAXIMUM_NAME),
        "action": _explained({action: ACTIONS[action] for action in words.ACTIONS}),
        "when": {"$ref": "#/$defs/conditions"},
        "rate_limit": _one_or_list(_mapping("limit", limit, required=("max", "window"))),
        "spend_limit": _one_or_list(_mapping("limit", spend, required=("path", "max", "window"))),
        "reason": _text(MAXIMUM_REASON),
        "mode": _one_of(words.MODES),
        "approval": {"$ref": "#/$defs/approval"},
    }


def _fits_together() -> list[Schema]:
    """Which keys of a rule go together."""
    asks = {"properties": {"action": {"const": "require_approval"}}, "required": ["action"]}
    denies = {"properties": {"action": {"const": "deny"}}, "required": ["action"]}
    limits = [{"required": ["rate_limit"]}, {"required": ["spend_limit"]}]
    decides = {"properties": {"action": {"not": {"const": "rate_limit"}}}, "required": ["action"]}
    return [
        {
            "if": asks,
            "then": {"required": ["approval"]},
            "else": {"properties": {"approval": False}},
        },
        {"if": denies, "then": {"properties": {"rate_limit": False, "spend_limit": False}}},
        {"if": {"not": decides}, "then": {"anyOf": limits}},
    ]


def _rule() -> Schema:
    return {**_mapping("rule", _rule_keys(), least=1), "allOf": _fits_together()}


def _entry() -> Schema:
    rules = _list({"$ref": "#/$defs/rule"}, MAXIMUM_RULES)
    made = _mapping("rule", {**_rule_keys(), "rules": rules}, least=1)
    return {
        **made,
        "if": {"required": ["rules"]},
        "then": {"maxProperties": 1},
        "else": {"allOf": _fits_together()},
        "examples": [{"action": "allow"}, {"action": "deny", "reason": "Brokers are not deleted."}],
    }


def _condition() -> Schema:
    parts = _list({"$ref": "#/$defs/condition"}, MAXIMUM_CONDITIONS)
    keys: dict[str, Schema] = {
        "path": {
            **_text(MAXIMUM_PATH_LENGTH),
            "examples": ["args.region", "principal.subject", "time.hour"],
        },
        "op": _explained(
            {name: f"{one.summary}; takes {one.operand}" for name, one in OPERATORS.items()}
        ),
        "value": {},
        "match": _one_of(("any", "all")),
        "any": parts,
        "all": parts,
        "not": {"$ref": "#/$defs/conditions"},
    }
    combined = {"anyOf": [{"required": [key]} for key in words.COMBINATION_KEYS]}
    operands = [
        {"if": _has("op", name), "then": {"properties": {"value": operand}}}
        for name, operand in _OPERANDS.items()
    ]
    compared = {
        "required": ["path", "op"],
        "if": _has("op", PRESENCE_TEST),
        "else": {"required": ["value"]},
        "allOf": [*operands, _match()],
    }
    return {
        **_mapping("condition", keys, least=1),
        "if": combined,
        "then": {"maxProperties": 1},
        "else": compared,
        "examples": [{"path": "args.region", "op": "eq", "value": "eu-west-1"}],
    }


def _match() -> Schema:
    """`match` stands exactly where the path has a `[*]`."""
    each = {"properties": {"path": {"pattern": r"\[\*\]"}}, "required": ["path"]}
    quoted = {"properties": {"path": {"pattern": r"\""}}, "required": ["path"]}
    judged = {"if": each, "then": {"required": ["match"]}, "else": {"properties": {"match": False}}}
    return {"if": {"not": quoted}, "then": judged}  # ["[*]"] is a key


def _has(key: str, word: str) -> Schema:
    return {"properties": {key: {"const": word}}, "required": [key]}


def _approval() -> Schema:
    approver = {
        "type": "string",
        "pattern": r"^(?!group:\s*$)[^\s*]([^*]*[^\s*])?$",
        "maxLength": MAXIMUM_APPROVER,
        "examples": ["group:platform", "alice@example.com"],
    }
    argument = {"type": "string", "pattern": _ARGUMENT, "maxLength": MAXIMUM_PATH}
    keys: dict[str, Schema] = {
        "approvers": _list(approver, MAXIMUM_APPROVERS, is_unique=True),
        "timeout": {"$ref": "#/$defs/duration"},
        "min_approvals": {"type": "integer", "minimum": 1, "maximum": MAXIMUM_APPROVERS},
        "show": _list(argument, MAXIMUM_SHOWN),
    }
    return _mapping("approval", keys, required=("approvers",))


def _drift() -> Schema:
    words_of_it = _one_of(words.DRIFT_ACTIONS)
    keys = {"changed": words_of_it, "added": words_of_it, "approval": {"$ref": "#/$defs/approval"}}
    asks = {"anyOf": [_has("changed", "require_approval"), _has("added", "require_approval")]}
    return {
        **_mapping("drift", keys),
        "if": asks,
        "then": {"required": ["approval"]},
        "else": {"properties": {"approval": False}},
    }


def _test() -> Schema:
    text = _text(MAXIMUM_TEXT)
    principal: dict[str, Schema] = {
        "issuer": text,
        "subject": text,
        "groups": _list(text, MAXIMUM_GROUPS),
        "tags": {"type": "object", "additionalProperties": text},
        "claims": {"type": "object"},
    }
    call: dict[str, Schema] = {
        **dict.fromkeys(("tool", "resource", "prompt"), text),
        "args": {"type": "object"},
        "principal": _mapping("principal", principal),
        "at": {"type": "string", "examples": ["2026-11-23T15:04:00Z"]},
    }
    named = [{"required": [key]} for key in ("tool", "resource", "prompt")]
    keys: dict[str, Schema] = {
        "name": _text(MAXIMUM_CASE_NAME),
        "call": {**_mapping("call", call), "oneOf": named},
        "expect": _one_of(words.EXPECTATIONS),
        "rule": _text(MAXIMUM_CASE_NAME),
        "outcome": _one_of(one.value for one in OUTCOMES),
    }
    return _mapping("test", keys, required=("name", "call", "expect"))
