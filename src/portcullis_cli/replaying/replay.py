"""A log of recorded calls, decided again: what changes, and what cannot be told."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from portcullis.errors import VaultError
from portcullis.gateway.recording import RecordedCall
from portcullis.policy.decision import Outcome
from portcullis.policy.model import Policy
from portcullis_cli.reasoning.solve import ALLOW, ASK, DENY
from portcullis_cli.replaying.judging import Judge, Verdict
from portcullis_cli.replaying.lines import LIMIT, Line

REDACTED: Final = "what was redacted decides"
NOT_OPENED: Final = "its recording does not open: it is another line's, or was changed"
NOT_RECORDED: Final = "it was not recorded"
TOO_LARGE: Final = "it was too large to be recorded"
KEY_DOWN: Final = "it was not recorded: the key did not answer"
REFUSED_EARLY: Final = "it was refused before its arguments were judged"
HIDDEN_THEN: Final = "its tool was hidden then, so its arguments were not recorded"
DRIFTED: Final = "its tool was not as it was locked, which is not replayed"
USED_BEFORE: Final = "a limit refused it then, by calls that are not in the log"
NOT_BY_RULES: Final = "something else than the policy's rules decided then"

_RANK: Final = {DENY: 0, LIMIT: 1, ASK: 2, ALLOW: 3}
_WHY: Final = {"too_large": TOO_LARGE, "unavailable": KEY_DOWN}
_EARLY: Final = {
    "rejected",
    "unknown_session",
    Outcome.INVALID_ARGUMENTS.value,
    Outcome.UNKNOWN_TOOL.value,
}

Opener: TypeAlias = Callable[[Line], RecordedCall]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Calls of one tool that are decided differently in one way, and the first of them."""

    tool: str
    before: str
    after: str
    count: int
    example: Line
    at: int  # epoch microseconds, of the example
    rules: tuple[str | None, str | None]

    @property
    def is_wider(self) -> bool:
        """Whether it is permitted now what was not."""
        return _RANK[self.after] > _RANK[self.before]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of it. `calls` were decided again; `untold` counts the rest by reason."""

    calls: int
    differences: tuple[Difference, ...]
    untold: tuple[tuple[str, int], ...]
    first: int | None = None  # epoch microseconds
    last: int | None = None
    longest_window: int = 0  # seconds

    @property
    def different(self) -> int:
        """How many calls are decided differently."""
        return sum(one.count for one in self.differences)

    @property
    def is_wider(self) -> bool:
        """Whether some call is permitted that was not."""
        return any(one.is_wider for one in self.differences)

    @property
    def is_whole(self) -> bool:
        """Whether every call that the rules decided then was decided again."""
        return self.calls > 0 and {name for name, _ in self.untold} <= {REFUSED_EARLY, NOT_BY_RULES}


@dataclass(slots=True)
class _Seen:
    untold: Counter[str] = field(default_factory=Counter)
    groups: dict[tuple[str, str, str], list[Difference]] = field(default_factory=dict)


def replay(
    lines: Iterable[Line], opener: Opener, candidate: Policy, *, old: Policy | None = None
) -> Replay:
    """Decide every recorded call again, oldest first.

    Args:
        lines: of one server.
        opener: opens a line's recording; `VaultError` where it does not open.
        candidate: the policy to ask.
        old: what to compare with; None: what was decided then.
    """
    seen = _Seen()
    policies = [candidate] if old is None else [old, candidate]
    opened = sorted(_opened(lines, opener, policies, seen.untold), key=lambda one: _order(*one))
    new = Judge(candidate)
    former = None if old is None else Judge(old)
    judged = longest = 0
    first = opened[0][1].at.micros if opened else 0
    for line, recorded in opened:
        before = _judged(former, line, recorded) if former else _then(line)
        after = _judged(new, line, recorded)
        if before is None or after is None:
            seen.untold[_why_none(line) if before is None and not former else REDACTED] += 1
            continue
        if former is None and _was_used_before(before, after, recorded.at.micros - first):
            seen.untold[USED_BEFORE] += 1
            continue
        judged += 1
        longest = max(longest, before.window_seconds, after.window_seconds)
        if before.decided != after.decided:
            group = (recorded.call.name, before.decided, after.decided)
            one = _difference(line, recorded, before, after)
            seen.groups.setdefault(group, []).append(one)
    return Replay(
        calls=judged,
        differences=_sorted(seen),
        untold=tuple(sorted(seen.untold.items())),
        first=first if opened else None,
        last=opened[-1][1].at.micros if opened else None,
        longest_window=longest,
    )


def _opened(
    lines: Iterable[Line], opener: Opener, policies: Sequence[Policy], untold: Counter[str]
) -> Iterable[tuple[Line, RecordedCall]]:
    for line in lines:
        if line.recorded is None:
            untold[_why_not(line, policies)] += 1
            continue
        try:
            yield line, opener(line)
        except VaultError:
            untold[NOT_OPENED] += 1


def _why_not(line: Line, policies: Sequence[Policy]) -> str:
    if line.recording is not None:
        return _WHY.get(line.recording, NOT_RECORDED)
    if line.outcome == Outcome.HIDDEN.value:
        is_hidden = all(policy.hidden(line.tool) for policy in policies)
        return REFUSED_EARLY if is_hidden else HIDDEN_THEN
    if line.outcome in _EARLY:
        return REFUSED_EARLY
    return _why_none(line) if line.decided is None else NOT_RECORDED


def _why_none(line: Line) -> str:
    """Why a line tells no decision of the policy's rules."""
    return DRIFTED if line.is_drifted else NOT_BY_RULES


def _order(line: Line, recorded: RecordedCall) -> tuple[int, str]:
    return recorded.at.micros, line.decision_id


def _then(line: Line) -> Verdict | None:
    return None if line.decided is None else Verdict(decided=line.decided, rule=line.rule)


def _judged(judge: Judge, line: Line, recorded: RecordedCall) -> Verdict | None:
    return judge.judge(recorded, decision_id=line.decision_id, was_not_sent=line.was_not_sent)


def _was_used_before(before: Verdict, after: Verdict, micros: int) -> bool:
    """Whether a limit of the candidate might refuse as well, had it counted what came before."""
    refused = before.decided == LIMIT and after.decided in (ALLOW, ASK)
    return refused and micros < after.window_seconds * 1_000_000


def _difference(line: Line, recorded: RecordedCall, before: Verdict, after: Verdict) -> Difference:
    return Difference(
        tool=recorded.call.name,
        before=before.decided,
        after=after.decided,
        count=1,
        example=line,
        at=recorded.at.micros,
        rules=(before.rule, after.rule),
    )


def _sorted(seen: _Seen) -> tuple[Difference, ...]:
    """One of each group, what is wider first, then what concerns most calls."""
    found = [dataclasses.replace(group[0], count=len(group)) for group in seen.groups.values()]
    found.sort(key=lambda one: (not one.is_wider, -one.count, one.tool, one.before, one.after))
    return tuple(found)
