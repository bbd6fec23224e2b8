"""What changes when one policy takes the place of another, told so that a person can judge it.

Both are canonical documents. A change is said to widen unless it provably cannot let through a
call that was stopped before: rather once too often than once too rarely.
"""

from collections.abc import Iterator, Sequence

from portcullis.approvals.policy_change import Change
from portcullis.policy.words import PIN_KEYS, SECTION_KEYS
from portcullis.strictjson import canonical, dump
from portcullis.values import JsonMapping, JsonObject, JsonValue

_MAXIMUM_REASON = 120
_EMPTY: JsonMapping = {}


def changes_between(before: JsonMapping | None, after: JsonMapping) -> tuple[Change, ...]:
    """Every difference, those that widen first. `before` None: nothing was in force."""
    known = _EMPTY if before is None else before
    found = [*_default(known, after), *_hidden(known, after)]
    for kind, key in SECTION_KEYS.items():
        closed = after.get("default") == "deny"
        found += _section(kind.value, _members(known, key), _members(after, key), closed=closed)
    closed = after.get("default") == "deny"
    found += _section(
        "category", _members(known, "categories"), _members(after, "categories"), closed=closed
    )
    found += [*_drift(known, after), *_lock(known, after)]
    return tuple(sorted(found, key=lambda one: not one.widens))


def _default(before: JsonMapping, after: JsonMapping) -> Iterator[Change]:
    old, new = before.get("default", "deny"), after.get("default")
    if old != new:
        text = f"what no entry names: was `{old}`, becomes `{new}`"
        yield Change(text=text, widens=new != "deny")


def _hidden(before: JsonMapping, after: JsonMapping) -> Iterator[Change]:
    old, new = _texts(before.get("hide")), _texts(after.get("hide"))
    for name in sorted(old - new):
        yield Change(text=f"`{name}` is no longer hidden", widens=True)
    for name in sorted(new - old):
        yield Change(text=f"`{name}` becomes hidden", widens=False)


def _drift(before: JsonMapping, after: JsonMapping) -> Iterator[Change]:
    """What happens to tools that are not as they were locked."""
    if "lock" not in after:
        return
    old, new = _members(before, "drift"), _members(after, "drift")
    unsaid = "deny" if "lock" in before else "allow"
    for word in ("changed", "added"):
        was, becomes = old.get(word, unsaid), new.get(word, "deny")
        if was != becomes:
            text = f"a tool that is {word}: was `{was}`, becomes `{becomes}`"
            yield Change(text=text, widens=becomes != "deny")
    if old.get("approval") != new.get("approval"):
        text = f"a drifted tool is approved by {dump(new.get('approval')).decode()}"
        yield Change(text=text, widens=True)


def _lock(before: JsonMapping, after: JsonMapping) -> Iterator[Change]:
    """What the lock takes as looked at. Where there was none, every tool was taken as it is."""
    if "lock" not in after:
        if "lock" in before:
            yield Change(text="the lock is gone: tools may change unseen", widens=True)
        return
    new = _members(_members(after, "lock"), "tools")
    if "lock" not in before:
        yield Change(text=f"a lock comes in force, of {len(new)} tools", widens=False)
        return
    old = _members(_members(before, "lock"), "tools")
    added = _members(after, "drift").get("added", "deny")
    for name in sorted({*old, *new}):
        if name not in old:
            yield Change(text=f"the lock accepts the new tool `{name}`", widens=True)
        elif name not in new:
            # Unless it is denied as a new one, it is without the rules of its category now.
            text = f"the lock no longer holds the tool `{name}`"
            yield Change(text=text, widens=added != "deny")
        elif old[name] != new[name]:
            was, now = _members(old, name), _members(new, name)
            parts = [key for key in PIN_KEYS if was.get(key) != now.get(key)]
            text = f"the lock accepts a change of the tool `{name}`: {', '.join(parts)}"
            yield Change(text=text, widens=True)


def _section(
    kind: str, before: JsonMapping, after: JsonMapping, *, closed: bool
) -> Iterator[Change]:
    """The changes of one kind's entries. `closed`: what no entry names is denied."""
    for name in sorted({*before, *after}):
        old, new = _rules(before.get(name)), _rules(after.get(name))
        added, removed = _without(new, old), _without(old, new)
        if name not in before:
            widens = any(map(_may_open, new))
            yield Change(text=f"{kind} `{name}` is added: {_told(new)}", widens=widens)
        elif name not in after:
            # What else names it, or the default, decides from now on.
            widens = not (closed and all(map(_only_opens, old)))
            yield Change(text=f"{kind} `{name}` is removed; it was: {_told(old)}", widens=widens)
        elif added or removed:
            parts = [f"new: {_told(added)}"] if added else []
            parts += [f"gone: {_told(removed)}"] if removed else []
            stays = not removed or (closed and all(map(_only_opens, removed)))
            widens = any(map(_may_open, added)) or not stays
            yield Change(text=f"{kind} `{name}` changes; {'; '.join(parts)}", widens=widens)


def _may_open(rule: JsonObject) -> bool:
    """Whether a rule that is added can let something through."""
    return rule.get("action") in ("allow", "require_approval")


def _only_opens(rule: JsonObject) -> bool:
    """Whether a rule that goes has done nothing but let calls through, so that fewer pass now."""
    return rule.get("action") == "allow" and not {"rate_limit", "spend_limit"} & set(rule)


def _rules(entry: JsonValue) -> list[JsonObject]:
    if not isinstance(entry, dict):
        return []
    rules = entry.get("rules", [entry])
    return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []


def _without(rules: Sequence[JsonObject], others: Sequence[JsonObject]) -> list[JsonObject]:
    known = {canonical(other) for other in others}
    return [rule for rule in rules if canonical(rule) not in known]


def _told(rules: Sequence[JsonObject]) -> str:
    return " | ".join(map(_rule, rules))


def _rule(rule: JsonObject) -> str:
    """One rule in a line: what it says, when, and up to which limits."""
    words = [str(rule.get("action", "limits only"))]
    if "name" in rule:
        words.insert(0, f"({rule['name']})")
    if rule.get("mode") == "shadow":
        words.append("in shadow")
    for key, before in (
        ("when", "when"), ("rate_limit", "at most"), ("spend_limit", "spending at most"),
        ("approval", "by"),
    ):  # fmt: skip
        if key in rule:
            words.append(f"{before} {dump(rule[key]).decode()}")
    if "reason" in rule:
        words.append(f"because: {str(rule['reason'])[:_MAXIMUM_REASON]}")
    return " ".join(words)


def _members(tree: JsonMapping, key: str) -> JsonMapping:
    found = tree.get(key)
    return found if isinstance(found, dict) else _EMPTY


def _texts(value: JsonValue) -> set[str]:
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()
