"""Which decisions are wanted, and of which time: pure, so that no log group needs to be trusted."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from portcullis.errors import PortcullisError
from portcullis.policy.names import compile_glob
from portcullis_cli.decision_log import Decision, Span
from portcullis_cli.decisions.outcomes import MEANINGS, is_refused
from portcullis_cli.errors import usage_error
from portcullis_cli.rendering import plain

_AGO: Final = re.compile(r"([0-9]{1,7})([smhd])")
_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_PATTERN: Final = 1000
Test: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a command line asks for: nothing asked is everything. Several words are "or"."""

    servers: Sequence[str] = ()
    tools: Sequence[str] = ()
    principals: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    rules: Sequence[str] = ()
    decision: str = ""
    approval: str = ""
    denied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The same as tests that a decision passes or not."""

    tests: Sequence[Callable[[Decision], bool]] = field(default_factory=tuple)

    def __call__(self, decision: Decision) -> bool:
        """Whether it is one of those."""
        return all(test(decision) for test in self.tests)


def wanted(asked: Asked) -> Wanted:
    """Read what is asked for.

    Raises:
        CommandError: an outcome that there is none of, or no pattern.
    """
    unknown = [one for one in asked.outcomes if one not in MEANINGS]
    if unknown:
        raise usage_error(f"there is no outcome `{plain(unknown[0])}`")
    tests: list[Callable[[Decision], bool]] = []
    if asked.servers:
        servers = frozenset(asked.servers)
        tests.append(lambda one: one.server in servers)
    if asked.outcomes:
        outcomes = frozenset(asked.outcomes)
        tests.append(lambda one: one.outcome in outcomes)
    if asked.denied:
        tests.append(lambda one: is_refused(one.outcome))
    if asked.decision:
        tests.append(lambda one: one.decision_id == asked.decision)
    if asked.approval:
        tests.append(lambda one: one.approval == asked.approval)
    tests += _patterned(asked)
    return Wanted(tests=tests)


def _patterned(asked: Asked) -> list[Callable[[Decision], bool]]:
    tests: list[Callable[[Decision], bool]] = []
    if asked.tools:
        tools = _any_of(asked.tools)
        tests.append(lambda one: one.name is not None and tools(one.name))
    if asked.rules:
        rules = _any_of(asked.rules)
        tests.append(lambda one: one.rule is not None and rules(one.rule))
    if asked.principals:
        people = _any_of(asked.principals)
        tests.append(lambda one: one.principal is not None and _is_named(one.principal, people))
    return tests


def _is_named(key: str, test: Test) -> bool:
    """By the whole key as logs have it, as this command writes it, or by the subject alone."""
    return any(test(form) for form in (key, readable(key), Principal.read(key).subject))


def _any_of(patterns: Sequence[str]) -> Test:
    tests = [_pattern(one) for one in patterns]
    return lambda text: any(test(text) for test in tests)


def _pattern(text: str) -> Test:
    """A pattern of tools as policies have them: `*` and `?`, the rest is itself."""
    try:
        return compile_glob(text)
    except PortcullisError as error:
        raise usage_error(f"a pattern has 1 to {_LONGEST_PATTERN} characters") from error


@dataclass(frozen=True, slots=True)
class Principal:
    """Who called; `issuer` "" where the text is no key as the gate writes them."""

    issuer: str
    subject: str

    @classmethod
    def read(cls, key: str) -> "Principal":
        """Take a key apart: the issuer's length, a colon, the issuer, `|`, the subject."""
        digits, colon, rest = key.partition(":")
        if colon and digits.isascii() and digits.isdigit() and len(digits) < 5:
            size = int(digits)
            if rest[size : size + 1] == "|":
                return cls(rest[:size], rest[size + 1 :])
        return cls("", key)


def readable(key: str | None) -> str:
    """A principal as people read it: the subject, and who vouches for it where that is no grant."""
    if key is None:
        return ""
    principal = Principal.read(key)
    if principal.issuer in {"", "portcullis:grant"}:
        return principal.subject
    return f"{principal.subject} ({principal.issuer})"


def span_of(since: str, until: str | None, *, now: int) -> Span:
    """The time range that two texts ask for; `until` None is now and what comes.

    Raises:
        CommandError: they are no times, in the wrong order, or nothing can have happened yet.
    """
    start = _instant(since, now=now, option="--since")
    end = None if until is None else _instant(until, now=now, option="--until")
    if start > now * 1000:  # rather a wrong zone than a question that has no answer
        raise usage_error("--since is still to come; a time without a zone is UTC")
    if end is not None and end < start:
        raise usage_error("--until is before --since")
    return Span(since_ms=start, until_ms=end)


def _instant(text: str, *, now: int, option: str) -> int:
    """Epoch milliseconds of `2h` (ago), a date or an instant; without a zone it is UTC."""
    ago = _AGO.fullmatch(text)
    if ago:
        return max(0, now - int(ago[1]) * _SECONDS[ago[2]]) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        example = "`2h`, `2026-11-28` or `2026-11-28T08:00:00Z`"
        raise usage_error(f"{option} is a time such as {example}") from error
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0, (aware - _EPOCH) // timedelta(milliseconds=1))
