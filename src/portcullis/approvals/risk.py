"""What in a call deserves a person's look first, and why: a table of signals.

Only the table may live here. A signal judges one value by the name it stands under and by what
it is; it hides nothing and decides nothing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from portcullis.approvals.key_words import words_of
from portcullis.values import JsonValue

_YES = frozenset({"true", "yes", "on", "1", "enabled"})
_NO = frozenset({"false", "no", "off", "0", "disabled", "none", "suspended"})
_EVERYBODY = frozenset({"0.0.0.0/0", "::/0", "0.0.0.0", "::", "*.*.*.*"})  # noqa: S104 - looked for, not listened on
_PUBLIC_VALUES = frozenset({"public", "public-read", "public-read-write", "internet-facing"})
_PUBLIC = frozenset({"internet", "public", "publicly"})
_GRANTING = frozenset({"permission", "permissions", "policies", "policy"})
_FORCE = frozenset(
    {
        "bypass", "cascade", "delete", "destroy", "drop", "force", "forced", "ignore", "overwrite",
        "override", "purge", "recursive", "recursively", "replace", "skip", "terminate", "wipe",
    }
)  # fmt: skip
_PROTECTION = frozenset(
    {
        "audit", "backup", "backups", "encrypt", "encrypted", "encryption", "logging", "logs",
        "mfa", "monitoring", "protection", "ssl", "tls", "validate", "validation", "verify",
        "versioning",
    }
)  # fmt: skip
_SELF_GIVEN = frozenset(
    {
        "acknowledge", "acknowledged", "agree", "approve", "approved", "authorised", "authorized",
        "confirm", "confirmation", "confirmed", "consent", "preapproved", "understand",
    }
)  # fmt: skip
_CODE = frozenset(
    {"cmd", "code", "command", "commands", "eval", "exec", "query", "script", "shell", "sql"}
)
_ADDRESS = frozenset({"callback", "endpoint", "uri", "url", "webhook"})
_AGENT_TEXT = frozenset(
    {
        "comment", "comments", "description", "explanation", "justification", "message", "note",
        "notes", "purpose", "rationale", "reason", "summary", "why",
    }
)  # fmt: skip
_COMMAND = re.compile(
    r"(?i)#!/|\b(?:bash|cmd|curl|eval|exec|powershell|sh|sudo|wget) {1,4}[-/$\"'(]|\brm {1,4}-"
    r"|https?://[^\s|]{1,500}+ {0,4}\| {0,4}\w{0,8}sh\b"
)
_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.-]*+://|(?:data|file|javascript|vbscript):")
_ARN = re.compile(r"arn:[a-z-]+:")
_POWER = re.compile(r"(?i)AdministratorAccess|PowerUserAccess|IAMFullAccess|:root\b")
_PERMITTING = re.compile(r"(?i)(?:iam|kms|organizations|sso|sts):")
_WILDCARD = re.compile(r"[^\s*]{0,200}\*[^\s]{0,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value of a call, and the words of the name it stands under."""

    words: frozenset[str]
    value: JsonValue

    @property
    def text(self) -> str:
        """The value where it is text, else nothing."""
        return self.value if isinstance(self.value, str) else ""

    def is_named(self, words: frozenset[str]) -> bool:
        """Whether the name holds one of some words."""
        return not self.words.isdisjoint(words)

    def is_yes(self) -> bool:
        """Whether the value says yes, in whatever spelling."""
        return self.value is True or self.value == 1 or self.text.strip().lower() in _YES

    def is_no(self) -> bool:
        """Whether the value says no, in whatever spelling."""
        return self.value is False or self.value == 0 or self.text.strip().lower() in _NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One thing to look for. `reason` completes "this value …"."""

    reason: str
    is_in: Callable[[Fact], bool]


def _is_public(fact: Fact) -> bool:
    if fact.text.strip().lower() in _PUBLIC_VALUES:
        return True
    return fact.is_named(_PUBLIC) and "block" not in fact.words and fact.is_yes()


SIGNALS: Final[Mapping[str, Signal]] = {
    "everybody": Signal(
        reason="is open to every address", is_in=lambda fact: fact.text.strip() in _EVERYBODY
    ),
    "public": Signal(reason="opens something to the public", is_in=_is_public),
    "power": Signal(
        reason="gives an administrator's rights",
        is_in=lambda fact: _POWER.search(fact.text) is not None,
    ),
    "wildcard": Signal(
        reason="covers everything that its wildcard matches",
        is_in=lambda fact: _WILDCARD.fullmatch(fact.text) is not None,
    ),
    "permitting": Signal(
        reason="is about permissions themselves",
        is_in=lambda fact: _PERMITTING.match(fact.text) is not None,
    ),
    "grants": Signal(
        reason="says who may do what",
        is_in=lambda fact: (
            fact.is_named(_GRANTING) and "name" not in fact.words and bool(fact.text)
        ),
    ),
    "force": Signal(
        reason="removes something, or a safeguard against it",
        is_in=lambda fact: fact.is_named(_FORCE) and fact.is_yes(),
    ),
    "unprotected": Signal(
        reason="turns a protection off",
        is_in=lambda fact: fact.is_named(_PROTECTION) and fact.is_no(),
    ),
    "self-given": Signal(
        reason="is a confirmation that the agent gave itself; it means nothing",
        is_in=lambda fact: fact.is_named(_SELF_GIVEN),
    ),
    "code": Signal(
        reason="is code, a command or a query",
        is_in=lambda fact: (
            _COMMAND.search(fact.text) is not None or (fact.is_named(_CODE) and bool(fact.text))
        ),
    ),
    "address": Signal(
        reason="is an address that something may connect to or load from",
        is_in=lambda fact: (
            _SCHEME.match(fact.text.strip()) is not None
            or (fact.is_named(_ADDRESS) and bool(fact.text))
        ),
    ),
    "role": Signal(
        reason="is about a role, and what it may do",
        is_in=lambda fact: "role" in fact.words and bool(fact.text),
    ),
    "resource": Signal(
        reason="names a resource of AWS", is_in=lambda fact: _ARN.match(fact.text) is not None
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Risk:
    """Why a value deserves a look; a smaller `gravity` comes first."""

    gravity: int
    reason: str


def risks_of(name: str, value: JsonValue) -> tuple[Risk, ...]:
    """Why a value deserves a look first, the gravest reason first; nothing where it does not."""
    fact = Fact(words=frozenset(words_of(name)), value=value)
    return tuple(
        Risk(gravity=gravity, reason=signal.reason)
        for gravity, signal in enumerate(SIGNALS.values(), start=1)
        if signal.is_in(fact)
    )


def is_agent_text(name: str, value: JsonValue) -> bool:
    """Whether a value is what the agent says, not what is done: it may say anything."""
    return isinstance(value, str) and not _AGENT_TEXT.isdisjoint(words_of(name))
