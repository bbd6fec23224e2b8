"""The rule that is recommended for a tool: a real entry of a policy, from a table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portcullis_cli.catalogue.classify import Classified
from portcullis_cli.catalogue.definition import Definition
from portcullis_cli.catalogue.model import Category, Confidence, Severity
from portcullis_cli.catalogue.risks import widening_defaults

Rule = dict[str, Any]
_AMOUNTS: Final = ("amount", "total", "price")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")  # fits a path and a rule's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who decides where a rule asks a person."""

    approvers: tuple[str, ...] = ("group:platform",)
    timeout: str = "30m"


def recommended(
    tool: Definition, found: Classified, severity: Severity, terms: Terms
) -> Mapping[str, Any]:
    """Answer the entry for a tool.

    What only reads is allowed up to a rate; what writes is, too, as long as one wrong call does
    little; everything else, and what little is known of, is put before a person. A default that
    opens something is denied.
    """
    category = found.category
    main = _RULES[category](severity, terms)
    if found.confidence is Confidence.LOW and main["action"] == "allow":
        main = _ask(terms, "A person looks at what little is known of.")
    if category is Category.FINANCIAL:
        main |= _spend_limit(tool)
    guards = [
        _closed(name)
        for name, default in widening_defaults(tool)
        if default is True and _PLAIN.fullmatch(name)
    ]
    if not guards:
        return main
    return {"rules": [*guards, {"name": "otherwise", **main}]}


def _read(severity: Severity, terms: Terms) -> Rule:
    if severity is Severity.LOW:
        return {"action": "allow", "rate_limit": {"max": 60, "window": "1m"}}
    return _ask(terms, "A person looks before secrets are read.")


def _write(severity: Severity, terms: Terms) -> Rule:
    if severity in (Severity.LOW, Severity.MEDIUM):
        return {"action": "allow", "rate_limit": {"max": 30, "window": "1h"}}
    return _ask(terms, "A person looks at changes of this consequence.")


def _execute(_severity: Severity, terms: Terms) -> Rule:
    rule = _ask(terms, "A person looks at what is run.")
    return {**rule, "rate_limit": {"max": 10, "window": "1h"}}


def _destructive(_severity: Severity, terms: Terms) -> Rule:
    rule = _ask(terms, "A person looks at what cannot be undone.")
    return {**rule, "rate_limit": {"max": 5, "window": "1h"}}


def _financial(_severity: Severity, terms: Terms) -> Rule:
    return _ask(terms, "A person looks at money.")


_RULES: Final = {
    Category.READ: _read,
    Category.WRITE: _write,
    Category.EXECUTE: _execute,
    Category.DESTRUCTIVE: _destructive,
    Category.FINANCIAL: _financial,
}


def _ask(terms: Terms, reason: str) -> Rule:
    return {
        "action": "require_approval",
        "approval": {"approvers": [*terms.approvers], "timeout": terms.timeout},
        "reason": reason,
    }


def _closed(argument: str) -> Rule:
    return {
        "name": f"{argument} said and false",
        "action": "deny",
        "when": [{"path": f"args.{argument}", "op": "neq", "value": False}],
        "reason": f"Set {argument} to false.",
    }


def _spend_limit(tool: Definition) -> Rule:
    for name in _AMOUNTS:
        if name in tool.arguments:
            return {"spend_limit": {"path": f"args.{name}", "max": 100, "window": "1d"}}
    return {"rate_limit": {"max": 5, "window": "1d"}}
