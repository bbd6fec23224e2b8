"""The vocabulary of policy documents, and what to say about words that are not in it.

Only the allowed keys and words of each part of a document, and hints for words people
write instead, may live here: constants, no behaviour. A key absent from these tables is
a fault wherever it stands.
"""

from collections.abc import Mapping

from portcullis.policy.model import Kind

VERSION = "1"
DEFAULTS = ("allow", "deny")
ACTIONS = ("allow", "deny", "require_approval", "rate_limit")
MODES = ("enforce", "shadow")

CATEGORIES = ("read", "write", "execute", "destructive", "financial")
DRIFT_ACTIONS = ("deny", "require_approval", "allow")

TOP_KEYS = (
    "version",
    "description",
    "default",
    "hide",
    "tools",
    "resources",
    "prompts",
    "categories",
    "drift",
    "redact",
    "tests",
)
DOCUMENT_KEYS = (*TOP_KEYS, "lock")  # what the activator adds, no author writes
SECTION_KEYS: Mapping[Kind, str] = {
    Kind.TOOL: "tools",
    Kind.RESOURCE: "resources",
    Kind.PROMPT: "prompts",
}
RULE_KEYS = ("name", "action", "when", "rate_limit", "spend_limit", "reason", "mode", "approval")
ENTRY_KEYS = (*RULE_KEYS, "rules")
DRIFT_KEYS = ("changed", "added", "approval")
LOCK_KEYS = ("tools",)
PIN_KEYS = ("category", "definition", "description", "schema", "annotations")
RATE_LIMIT_KEYS = ("max", "window", "per", "algorithm")
SPEND_LIMIT_KEYS = ("path", *RATE_LIMIT_KEYS)
APPROVAL_KEYS = ("approvers", "timeout", "min_approvals", "show")
COMPARISON_KEYS = ("path", "op", "value", "match")
COMBINATION_KEYS = ("any", "all", "not")
CASE_KEYS = ("name", "call", "expect", "rule", "outcome")
CALL_KEYS = ("tool", "resource", "prompt", "args", "principal", "at")
PRINCIPAL_KEYS = ("issuer", "subject", "groups", "tags", "claims")
EXPECTATIONS = ("allow", "deny", "hide", "require_approval")

_A_LIMIT = "write `rate_limit: {max: 10, window: 60}`"
_AN_APPROVAL = "write `approval: {approvers: [group:platform]}`"
_CONVERT = "this is another product's word: convert the policy first"
_WHEN = "did you mean `when`"
_UNDER_A_TOOL = "write it under a tool of `tools`"

MISSING_HINTS: Mapping[str, str] = {
    "version": 'write `version: "1"`, with the quotes',
    "default": "write `default: deny`: what happens to a tool that no entry names",
    "approvers": "write `approvers: [group:platform]`",
    "max": "write how many calls, or how much",
    "window": "write whole seconds, or 30s, 1m, 1h, 1d",
    "path": "write `path: args.name`",
    "op": "write `op: eq`",
    "value": "write the value to compare with",
    "name": "write `name:` and what the test shows",
    "call": "write `call: {tool: list_brokers}`",
    "expect": "write `expect: allow`, or deny, hide, require_approval",
}
TOP_HINTS: Mapping[str, str] = {
    "hidden": "did you mean `hide`",
    "deny": "write `default: deny`, or an entry with `action: deny` under `tools`",
    "allow": "write `default: allow`, or an entry with `action: allow` under `tools`",
    "rules": _UNDER_A_TOOL,
    "rate_limit": _UNDER_A_TOOL + ', or under `"*"` for all of them',
    "rate_limits": _UNDER_A_TOOL + ', or under `"*"` for all of them',
    "policies": "did you mean `tools`",
    "all_tools": 'write an entry `"*"` under `tools`',
    "approvals": "write `approval` in the rule that needs one",
    "category": "did you mean `categories`",
    "redacted": "did you mean `redact`",
    "mask": "did you mean `redact`",
    "secrets": "write `redact: [args.name]`",
    "record": "write `redact: [args.name]`: a parameter of the deployment says what is recorded",
    "locked": "did you mean `drift`",
    "pins": "did you mean `drift`",
    "changed": "write `drift: {changed: deny}`",
    "added": "write `drift: {added: deny}`",
    "cases": "did you mean `tests`",
    "examples": "did you mean `tests`",
}
CATEGORY_HINTS: Mapping[str, str] = {
    "reads": "did you mean `read`",
    "read_only": "did you mean `read`",
    "writes": "did you mean `write`",
    "exec": "did you mean `execute`",
    "run": "did you mean `execute`",
    "delete": "did you mean `destructive`",
    "destroy": "did you mean `destructive`",
    "payment": "did you mean `financial`",
    "money": "did you mean `financial`",
}
DRIFT_HINTS: Mapping[str, str] = {
    "change": "did you mean `changed`",
    "modified": "did you mean `changed`",
    "new": "did you mean `added`",
    "unknown": "did you mean `added`",
    "removed": "remove it: a tool that is gone cannot be called",
    "approvers": _AN_APPROVAL,
}
DRIFT_ACTION_HINTS: Mapping[str, str] = {
    "block": "did you mean `deny`",
    "approval": "did you mean `require_approval`",
    "ask": "did you mean `require_approval`",
    "approve": "did you mean `require_approval`",
    "ignore": "did you mean `allow`",
}
LOCK_HINTS: Mapping[str, str] = {}
CASE_HINTS: Mapping[str, str] = {
    "tool": "write `call: {tool: list_brokers}`",
    "args": "write `call: {tool: list_brokers, args: {}}`",
    "title": "did you mean `name`",
    "description": "did you mean `name`",
    "when": "did you mean `call`",
    "given": "did you mean `call`",
    "input": "did you mean `call`",
    "request": "did you mean `call`",
    "then": "did you mean `expect`",
    "decision": "did you mean `expect`",
    "expected": "did you mean `expect`",
    "reason": "write `rule:` and the rule that decides",
}
CALL_HINTS: Mapping[str, str] = {
    "arguments": "did you mean `args`",
    "params": "did you mean `args`",
    "name": "did you mean `tool`",
    "uri": "did you mean `resource`",
    "user": "write `principal: {subject: alice}`",
    "agent": "write `principal: {subject: alice}`",
    "time": "did you mean `at`",
    "now": "did you mean `at`",
    "date": "did you mean `at`",
    "session": "remove it: a test counts no calls, so all limits stand open",
}
PRINCIPAL_HINTS: Mapping[str, str] = {
    "name": "did you mean `subject`",
    "sub": "did you mean `subject`",
    "user": "did you mean `subject`",
    "iss": "did you mean `issuer`",
    "group": "write `groups: [platform]`",
    "roles": "did you mean `groups`",
    "key": "remove it: it is made of `issuer` and `subject`",
}
EXPECTATION_HINTS: Mapping[str, str] = {
    "allowed": "did you mean `allow`",
    "permit": "did you mean `allow`",
    "denied": "did you mean `deny`",
    "block": "did you mean `deny`",
    "refuse": "did you mean `deny`",
    "hidden": "did you mean `hide`",
    "unknown": "did you mean `hide`",
    "ask": "did you mean `require_approval`",
    "approval": "did you mean `require_approval`",
    "rate_limit": "write `allow`: a test counts no calls, so all limits stand open",
}
RULE_HINTS: Mapping[str, str] = {
    "conditions": _WHEN,
    "condition": _WHEN,
    "if": _WHEN,
    "unless": "write `when: [{not: ...}]`",
    "where": _WHEN,
    "effect": "did you mean `action`",
    "decision": "did you mean `action`",
    "on_deny": "did you mean `reason`",
    "on_denied": "did you mean `reason`",
    "message": "did you mean `reason`",
    "description": "write `reason`, or a comment",
    "limit": _A_LIMIT,
    "limits": _A_LIMIT,
    "quota": _A_LIMIT,
    "throttle": _A_LIMIT,
    "max": _A_LIMIT,
    "window": _A_LIMIT,
    "per": _A_LIMIT,
    "max_calls": _A_LIMIT,
    "per_second": "write `rate_limit: {max: 10, window: 1s}`",
    "per_minute": "write `rate_limit: {max: 10, window: 1m}`",
    "per_hour": "write `rate_limit: {max: 10, window: 1h}`",
    "per_day": "write `rate_limit: {max: 10, window: 1d}`",
    "spend": "write `spend_limit: {path: args.amount, max: 100, window: 1d}`",
    "approver": _AN_APPROVAL,
    "approvers": _AN_APPROVAL,
    "approvals": _AN_APPROVAL,
    "min_approvals": _AN_APPROVAL,
    "approval_timeout": "write `approval: {approvers: [group:platform], timeout: 1h}`",
    "timeout": "write `approval: {approvers: [group:platform], timeout: 1h}`",
    "hide": "list the tool under `hide:` at the top",
    "hidden": "list the tool under `hide:` at the top",
    "shadow": "write `mode: shadow`",
    "dry_run": "write `mode: shadow`",
    "enabled": "remove the entry, or write `mode: shadow`",
    "priority": "order and priority never matter: a deny always wins",
    "require": _CONVERT,
    "deny_if": _CONVERT,
    "state": _CONVERT,
}
LIMIT_HINTS: Mapping[str, str] = {
    "limit": "did you mean `max`",
    "calls": "did you mean `max`",
    "count": "did you mean `max`",
    "amount": "did you mean `max`",
    "maximum": "did you mean `max`",
    "period": "did you mean `window`",
    "seconds": "did you mean `window`",
    "interval": "did you mean `window`",
    "scope": "did you mean `per`",
    "by": "did you mean `per`",
    "counter": "remove it: counters name themselves",
    "increment": "write `spend_limit` with the path of the amount",
    "increment_from": "write `spend_limit` with the path of the amount",
}
APPROVAL_HINTS: Mapping[str, str] = {
    "by": "did you mean `approvers`",
    "groups": "write `approvers: [group:platform]`",
    "users": "did you mean `approvers`",
    "expires": "did you mean `timeout`",
    "expiry": "did you mean `timeout`",
    "count": "did you mean `min_approvals`",
    "quorum": "did you mean `min_approvals`",
    "arguments": "did you mean `show`",
    "notify": "did you mean `show`",
}
CONDITION_HINTS: Mapping[str, str] = {
    "operator": "did you mean `op`",
    "field": "did you mean `path`",
    "key": "did you mean `path`",
    "arg": "write `path: args.name`",
    "values": "did you mean `value`",
    "operand": "did you mean `value`",
    "and": "did you mean `all`",
    "or": "did you mean `any`",
}

ACTION_HINTS: Mapping[str, str] = {
    "block": "did you mean `deny`",
    "refuse": "did you mean `deny`",
    "reject": "did you mean `deny`",
    "forbid": "did you mean `deny`",
    "disallow": "did you mean `deny`",
    "drop": "did you mean `deny`",
    "permit": "did you mean `allow`",
    "accept": "did you mean `allow`",
    "pass": "did you mean `allow`",
    "approve": "did you mean `require_approval`",
    "approval": "did you mean `require_approval`",
    "ask": "did you mean `require_approval`",
    "limit": "did you mean `rate_limit`",
    "throttle": "did you mean `rate_limit`",
    "hide": "list the tool under `hide:` at the top",
    "evaluate": "write `allow`, and a second rule that denies `when: [{not: ...}]`",
    "log": "write `allow`: every decision is logged",
    "shadow": "write `mode: shadow` beside the action",
}
DEFAULT_HINTS: Mapping[str, str] = {
    "block": "did you mean `deny`",
    "hide": "write `deny`, and list the tools under `hide:`",
    "require_approval": 'write `deny`, and an entry `"*"` with this action',
    "rate_limit": 'write `deny` or `allow`, and a `rate_limit` under an entry `"*"`',
}
SCOPE_HINTS: Mapping[str, str] = {
    "agent": "did you mean `principal`",
    "user": "did you mean `principal`",
    "grant": "did you mean `principal`",
    "caller": "did you mean `principal`",
    "minute": "write `window: 1m`; `per` says whose calls count together",
    "hour": "write `window: 1h`; `per` says whose calls count together",
    "day": "write `window: 1d`; `per` says whose calls count together",
    "global": "did you mean `server`",
    "all": "did you mean `server`",
}
ALGORITHM_HINTS: Mapping[str, str] = {
    "sliding": "did you mean `sliding_window`",
    "fixed": "did you mean `fixed_window`",
    "token_bucket": "write `sliding_window`",
}
MODE_HINTS: Mapping[str, str] = {
    "dry_run": "did you mean `shadow`",
    "log": "did you mean `shadow`",
    "monitor": "did you mean `shadow`",
    "on": "did you mean `enforce`",
}
OPERATOR_HINTS: Mapping[str, str] = {
    "==": "did you mean `eq`",
    "=": "did you mean `eq`",
    "equals": "did you mean `eq`",
    "is": "did you mean `eq`",
    "!=": "did you mean `neq`",
    "ne": "did you mean `neq`",
    "not_eq": "did you mean `neq`",
    "not_equals": "did you mean `neq`",
    "<": "did you mean `lt`",
    "<=": "did you mean `lte`",
    "le": "did you mean `lte`",
    ">": "did you mean `gt`",
    ">=": "did you mean `gte`",
    "ge": "did you mean `gte`",
    "nin": "did you mean `not_in`",
    "notin": "did you mean `not_in`",
    "matches": "did you mean `regex`",
    "match": "did you mean `regex`",
    "like": "did you mean `matches_glob`",
    "glob": "did you mean `matches_glob`",
    "startswith": "did you mean `starts_with`",
    "prefix": "did you mean `starts_with`",
    "endswith": "did you mean `ends_with`",
    "suffix": "did you mean `ends_with`",
    "includes": "did you mean `contains`",
    "ip": "did you mean `cidr`",
    "len": "did you mean `length`",
    "size": "did you mean `length`",
    "not": "write `{not: {path: ..., op: ..., value: ...}}`",
    "present": "did you mean `exists`",
    "missing": "write `op: exists, value: false`",
}
MATCH_HINTS: Mapping[str, str] = {
    "some": "did you mean `any`",
    "every": "did you mean `all`",
    "each": "did you mean `all`",
    "none": "write `any` under a `not`",
}
