"""A second evaluator, written from the policy language's text: slow, plain, shares no code.

It reads a policy's canonical document (every `when`, `rate_limit` and `spend_limit` is a
list) and answers a decision as (kind, outcome, rule, takes, shadowed). It knows what the
strategies draw: paths below `args`, `tool` and `server`, and patterns that `re` reads too.
A truth is True, False, or None for what cannot be told.
"""

import ipaddress
import re
from decimal import Decimal
from fnmatch import translate
from typing import Any

from portcullis.policy.model import Call


class Gone(str):
    """Stands for a value that is not there, and says why."""

    __slots__ = ()


ABSENT, NO_LIST, EMPTY, ODD = map(Gone, ("absent", "no list", "empty", "odd"))


def decide(document: dict[str, Any], call: Call) -> tuple[Any, ...]:
    """Judge the enforced rules together and each shadow rule alone."""
    if call.kind.value == "tool" and any(named(key, call.name) for key in document.get("hide", [])):
        return ("deny", "hidden", None, frozenset(), ())
    entries = document.get(call.kind.value + "s", {})
    rules = [
        rule for key in entries if named(key, call.name) for rule in rules_of(key, entries[key])
    ]
    rules += of_category(document, call)
    for rule in rules:
        rule["truth"] = every([holds(one, call) for one in rule.get("when", [])])
    rules.sort(key=lambda rule: rule["label"])
    enforced = [rule for rule in rules if "mode" not in rule]
    answer = judged(enforced, document["default"], call)
    taken = [take for rule in enforced for take in takes(rule, call)]
    said = []
    for rule in rules:
        if "mode" in rule:
            alone = judged([rule], "allow", call)[1]
            if alone not in ("allowed", "denied_by_default"):
                said.append((alone, rule["label"]))
            if alone in ("allowed", "approval_required"):
                taken += takes(rule, call)
    strictest: dict[Any, Any] = {}
    for name, take in sorted(taken, key=lambda one: (one[1][2], one[1][0])):
        strictest.setdefault(name, take)
    obligations = frozenset() if answer[0] == "deny" else frozenset(strictest.values())
    return (*answer, obligations, tuple(said))


def of_category(document: dict[str, Any], call: Call) -> list[Any]:
    """The rules of the category that a tool is locked as."""
    locked = document.get("lock", {}).get("tools", {}) if call.kind.value == "tool" else {}
    category = locked.get(call.name, {}).get("category")
    entry = document.get("categories", {}).get(category)
    return [] if entry is None else rules_of(f"categories/{category}", entry)


def judged(rules: list[Any], default: str, call: Call) -> tuple[Any, ...]:
    """Deny overrides asking overrides allowing; what cannot be told restricts."""
    true = [rule for rule in rules if rule["truth"]]
    deny = [rule for rule in true if rule.get("action") == "deny"]
    if deny:
        return ("deny", "denied_by_rule", deny[0]["label"])
    unknown = [rule for rule in rules if rule["truth"] is None and not is_bare_allow(rule)]
    if unknown:
        return ("deny", "indeterminate", unknown[0]["label"])
    ask = [rule for rule in true if rule.get("action") == "require_approval"]
    ask.sort(key=lambda rule: -rule["approval"].get("min_approvals", 1))
    allow = [rule for rule in true if rule.get("action") == "allow"]
    if not ask and not allow:
        if default == "deny" or any(rule.get("action") == "allow" for rule in rules):
            return ("deny", "denied_by_default", None)
        allow = [{"label": "default"}]
    for rule in true:
        if any("path" in limit and bad(find(limit["path"], call)[0]) for limit in limits(rule)):
            return ("deny", "invalid_amount", rule["label"])
    if ask:
        return ("require_approval", "approval_required", ask[0]["label"])
    return ("allow", "allowed", allow[0]["label"])


def named(key: str, name: str) -> bool:
    return re.fullmatch(translate(key), name) is not None


def rules_of(key: str, entry: Any) -> list[Any]:
    if "rules" not in entry:
        return [
            {**entry, "entry": key, "label": "/".join([key, *filter(None, [entry.get("name")])])}
        ]
    numbered = enumerate(entry["rules"], start=1)
    return [{**rule, "entry": key, "label": f"{key}/{rule.get('name', n)}"} for n, rule in numbered]


def is_bare_allow(rule: Any) -> bool:
    return rule.get("action") == "allow" and not limits(rule)


def limits(rule: Any) -> list[Any]:
    return [*rule.get("rate_limit", []), *rule.get("spend_limit", [])]


def bad(amount: Any) -> bool:
    if sort_of(amount) != "number" or not 0 < amount < 10**20:
        return True
    return len(format(Decimal(amount), "f").partition(".")[2]) > 18


def takes(rule: Any, call: Call) -> list[Any]:
    """Each as the name of its counter (what is counted, for whom) and what is taken."""
    if rule["truth"] is not True:
        return []
    found, who = [], call.principal.key
    for limit in limits(rule):
        amount = find(limit["path"], call)[0] if "path" in limit else 1
        window, scope = limit["window"], limit["per"]
        counter = {"session": f"{who}#{call.session}", "principal": who, "tool": call.name}
        owner = (rule["entry"], "name" in rule, rule.get("name", repr(rule.get("when"))))
        name = (*owner, "mode" in rule, window, scope, limit["algorithm"], limit.get("path"))
        take = (rule["label"], amount, limit["max"], window, scope, counter.get(scope, ""))
        found.append((name, (*take, "mode" in rule)))
    return found


def every(parts: list[Any]) -> Any:
    return False if False in parts else None if None in parts else True


def some(parts: list[Any]) -> Any:
    return True if True in parts else None if None in parts else False


def holds(condition: Any, call: Call) -> Any:
    if "any" in condition:
        return some([holds(part, call) for part in condition["any"]])
    if "all" in condition:
        return every([holds(part, call) for part in condition["all"]])
    if "not" in condition:
        return opposite(every([holds(part, call) for part in condition["not"]]))
    op, operand, over_all = condition["op"], condition["value"], condition.get("match") == "all"
    parts: list[Any] = []
    for found in find(condition["path"], call):
        if found is EMPTY or (found is NO_LIST and op == "exists"):
            parts.append(None if over_all else False)
        elif op == "exists":
            parts.append(None if found is ODD else operand == (found is not ABSENT))
        else:
            parts.append(None if isinstance(found, Gone) else OPERATIONS[op](found, operand))
    return every(parts) if over_all else some(parts)


def find(path: str, call: Call) -> list[Any]:
    """Every value the path leads to; what is missing keeps its place."""
    if not path.startswith("args"):
        return [call.name if path == "tool" else call.server]
    values: list[Any] = [call.arguments]
    steps = re.findall(r"\.(\w+)|\[(\d+)\]|(\[\*\])", path)
    for number, (key, index, _) in enumerate(steps):
        nothing = NO_LIST if any(each for _, _, each in steps[number + 1 :]) else ABSENT
        shape: Any = dict if key else list
        stepped: list[Any] = []
        for value in values:
            if isinstance(value, Gone):
                stepped.append(value)
            elif value is None:
                stepped.append(nothing if key or index else NO_LIST)
            elif not isinstance(value, shape):
                stepped.append(ODD)
            elif key:
                stepped.append(value.get(key, nothing))
            else:
                wanted = value[int(index) :][:1] or [nothing] if index else value
                stepped += wanted or [EMPTY]
        values = stepped
    return values


def sort_of(value: Any) -> str:
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return "number" if is_number else type(value).__name__


def typed(sort: str, test: Any) -> Any:
    return lambda value, operand: test(value, operand) if sort_of(value) == sort else None


def opposite(part: Any) -> Any:
    return None if part is None else not part


def eq(value: Any, operand: Any) -> Any:
    alike = operand is None or sort_of(value) == sort_of(operand)
    return (value == operand and (value is None) == (operand is None)) if alike else None


def within(value: Any, operand: Any) -> Any:
    alike = [eq(value, one) for one in operand if sort_of(value) == sort_of(one)]
    return some(alike) if alike else None


def contains(value: Any, operand: Any) -> Any:
    if isinstance(value, list):
        return some([eq(one, operand) for one in value])
    return operand in value if sort_of(value) == sort_of(operand) == "str" else None


def in_network(value: str, operand: str) -> Any:
    try:
        network: Any = ipaddress.ip_network(value)
    except ValueError:
        return None
    whole: Any = ipaddress.ip_network(operand)
    return network.subnet_of(whole) if network.version == whole.version else None


OPERATIONS: dict[str, Any] = {
    "eq": eq,
    "neq": lambda value, operand: opposite(eq(value, operand)),
    "in": within,
    "not_in": lambda value, operand: opposite(within(value, operand)),
    "lt": typed("number", lambda value, operand: value < operand),
    "lte": typed("number", lambda value, operand: value <= operand),
    "gt": typed("number", lambda value, operand: value > operand),
    "gte": typed("number", lambda value, operand: value >= operand),
    "regex": typed("str", lambda value, operand: bool(re.fullmatch(operand, value, re.DOTALL))),
    "contains": contains,
    "starts_with": typed("str", lambda value, operand: value[: len(operand)] == operand),
    "ends_with": typed("str", lambda value, operand: value[-len(operand) :] == operand),
    "matches_glob": typed("str", lambda value, operand: named(operand, value)),
    "cidr": typed("str", in_network),
    "length": lambda value, n: len(value) == n if isinstance(value, (str, list, dict)) else None,
}
