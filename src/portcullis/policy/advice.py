"""Warnings about a policy that loads but may not mean what its author thinks.

Only advice may live here: it reads a compiled policy and changes nothing.
"""

from collections.abc import Collection, Sequence

from portcullis.policy.faults import Findings, NodePath, closest, quoted
from portcullis.policy.lock_text import PREFIX
from portcullis.policy.model import Effect, Kind, Policy, Rule, Section
from portcullis.policy.names import compile_glob, is_pattern
from portcullis.policy.words import SECTION_KEYS

_PERMITTING = (Effect.ALLOW, Effect.REQUIRE_APPROVAL)


def advise(
    policy: Policy,
    hidden: Sequence[str],
    findings: Findings,
    known_tools: Collection[str] | None,
) -> None:
    """Record a warning for everything in a policy that looks like a mistake."""
    for kind, section in policy.sections.items():
        _advise_section(policy, kind, section, findings)
    tools = policy.sections[Kind.TOOL]
    _warn_of_hidden(policy, tools, findings)
    if policy.default is Effect.ALLOW and not (tools.exact or tools.patterns):
        findings.warn(("default",), "every tool is allowed", "name the tools that must not be")
    if "*" in hidden:
        findings.warn(("hide",), "every tool is hidden, so none can be called")
    if known_tools is not None:
        _warn_of_unknown(tools, hidden, findings, known_tools)


def _advise_section(policy: Policy, kind: Kind, section: Section, findings: Findings) -> None:
    what = SECTION_KEYS[kind]
    for key, rules in section.exact.items():
        path: NodePath = (what, key)
        _warn_of_pointless_rules(path, rules, findings)
        if policy.default is Effect.DENY and not _can_be_permitted(section, key, rules):
            hint = "write `action: allow`, or `action: deny` to say so"
            findings.warn(path, "no rule ever permits it, and the default is deny", hint)
        for pattern in _patterns_that_deny(section, key):
            if any(_permits(rule) for rule in rules):
                message = f"it is always denied by the entry {quoted(pattern)}: deny wins"
                findings.warn(path, message, "narrow the pattern, or remove the entry")
    for key, _, rules in section.patterns:
        _warn_of_pointless_rules(_path(what, key), rules, findings)
    if kind is not Kind.TOOL:
        _warn_of_approvals(what, section, findings)


def _warn_of_approvals(what: str, section: Section, findings: Findings) -> None:
    named = [*section.exact.items(), *((key, rules) for key, _, rules in section.patterns)]
    for key, rules in named:
        if any(rule.effect is Effect.REQUIRE_APPROVAL and not rule.shadow for rule in rules):
            message = "only a call of a tool can wait for an approval: this is denied"
            findings.warn((what, key), message, "write `action: deny`, or `action: allow`")


def _warn_of_pointless_rules(path: NodePath, rules: Sequence[Rule], findings: Findings) -> None:
    denying = next((rule for rule in rules if _always_denies(rule)), None)
    if denying is None:
        return
    for number, rule in enumerate(rules):
        if rule is not denying and not rule.shadow:
            message = f"the rule never matters: {quoted(denying.label)} always denies"
            findings.warn((*path, "rules", number), message, "give that rule a `when`")


def _warn_of_hidden(policy: Policy, tools: Section, findings: Findings) -> None:
    for key, rules in tools.exact.items():
        if policy.hidden(key) and any(_permits(rule) for rule in rules):
            message = "the tool is hidden, so it cannot be called although a rule permits it"
            findings.warn((SECTION_KEYS[Kind.TOOL], key), message, "remove one of the two")


def _warn_of_unknown(
    tools: Section, hidden: Sequence[str], findings: Findings, known: Collection[str]
) -> None:
    named: list[tuple[NodePath, str]] = [
        ((SECTION_KEYS[Kind.TOOL], key), key) for key in tools.exact
    ]
    named += [
        ((SECTION_KEYS[Kind.TOOL], key), key)
        for key, _, _ in tools.patterns
        if not key.startswith(PREFIX)
    ]
    named += [(("hide",), name) for name in hidden]
    for path, name in named:
        if is_pattern(name):
            if not any(map(compile_glob(name), known)):
                findings.warn(path, f"no tool of the server matches {quoted(name)}")
        elif name not in known:
            nearest = closest(name, known)
            hint = f"did you mean `{nearest}`" if nearest else None
            findings.warn(path, f"the server has no tool {quoted(name)}", hint)


def _path(what: str, key: str) -> NodePath:
    """Where an entry stands; the rules of a category stand apart."""
    if key.startswith(PREFIX) and what == SECTION_KEYS[Kind.TOOL]:
        return ("categories", key.removeprefix(PREFIX))
    return (what, key)


def _can_be_permitted(section: Section, key: str, rules: Sequence[Rule]) -> bool:
    """Whether some rule permits the name, or it is denied on purpose."""
    if any(_permits(rule) or _always_denies(rule) for rule in rules):
        return True
    return any(
        test(key) and any(_permits(rule) for rule in others) for _, test, others in section.patterns
    )


def _patterns_that_deny(section: Section, key: str) -> list[str]:
    return [
        pattern
        for pattern, test, rules in section.patterns
        if test(key) and any(_always_denies(rule) for rule in rules)
    ]


def _permits(rule: Rule) -> bool:
    return rule.effect in _PERMITTING and not rule.shadow


def _always_denies(rule: Rule) -> bool:
    return rule.effect is Effect.DENY and rule.when is None and not rule.shadow
