"""Both readings over the same calls: nothing that theirs refuses may pass here.

Only making up calls from what a source compares with, and comparing the decisions, may
live here. The calls look at every boundary a condition has; limits stand open.
"""

import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from portcullis.policy.decision import Allow, Decision, RequireApproval
from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Call, Instant, Kind, Policy, Principal
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.conversion.source import EVERY_TOOL, SourcePolicy, SourceTest, SourceTool, exact
from portcullis_cli.conversion.theirs import Verdict, decide, rendered

MOST_CALLS: Final = 10_000
_ENDS: Final = 10  # of a list of operands, so many at either end
_MISSING: Final = object()
_NOON: Final = Instant(micros=1_767_614_400_000_000)  # on a Monday, as tests of policies have it
_SOMEBODY: Final = Principal(issuer="test", subject="test")
_STRANGER: Final = "a_tool_that_no_entry_names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A call that the two readings decide differently."""

    tool: str
    args: JsonObject
    theirs: Verdict
    ours: Verdict


@dataclass(slots=True, kw_only=True)
class Trial:
    """What came of a trial. `cut`: there were more calls than were tried."""

    calls: int = 0
    cut: bool = False
    wider: list[Difference] = field(default_factory=list)
    stricter: list[Difference] = field(default_factory=list)


def tried(source: SourcePolicy, policy: Policy, *, server: str) -> Trial:
    """Decide calls by both readings, and tell where they differ."""
    trial = Trial()
    calls = _calls(source)
    for tool, args in itertools.islice(calls, MOST_CALLS):
        trial.calls += 1
        theirs = decide(source, tool, args)
        ours = verdict(policy, tool, args, server=server)
        if theirs is not ours:
            found = Difference(tool=tool, args=args, theirs=theirs, ours=ours)
            (trial.wider if ours < theirs else trial.stricter).append(found)
    trial.cut = next(calls, None) is not None
    return trial


def verdict(policy: Policy, tool: str, args: JsonObject, *, server: str) -> Verdict:
    """What the policy says of a call, with its limits open."""
    call = Call(
        server=server,
        kind=Kind.TOOL,
        name=tool,
        arguments=args,
        principal=_SOMEBODY,
        session="",
    )
    return _in_their_words(evaluate(policy, call, now=_NOON))


def _in_their_words(decision: Decision) -> Verdict:
    if isinstance(decision, Allow):
        return Verdict.ALLOW
    return Verdict.APPROVAL if isinstance(decision, RequireApproval) else Verdict.DENY


def _calls(source: SourcePolicy) -> Iterator[tuple[str, JsonObject]]:
    """Calls of the tools in turn, so that each has some where there are too many for all."""
    entries = {tool.name: tool for tool in source.tools}
    every = [entries[EVERY_TOOL]] if EVERY_TOOL in entries else []
    named = [name for name in entries if name != EVERY_TOOL]
    hidden = [name for name in source.hidden if name != EVERY_TOOL and name not in entries]
    names = (*named, *hidden, _STRANGER)
    streams = [_arguments([*_of(entries, name), *every]) for name in names]
    for row in itertools.zip_longest(*streams):
        yield from ((name, args) for name, args in zip(names, row, strict=True) if args is not None)


def _of(entries: Mapping[str, SourceTool], name: str) -> Sequence[SourceTool]:
    return [entries[name]] if name in entries else []


def _arguments(tools: Iterable[SourceTool]) -> Iterator[JsonObject]:
    """Arguments that vary in up to two places around one that differs in none."""
    values = _values(tools)
    base = {keys: found[0] for keys, found in values.items()}
    yield _placed(base)
    for keys, found in values.items():
        yield from (_placed({**base, keys: value}) for value in found)
    for first, second in itertools.combinations(values, 2):
        for one, other in itertools.product(values[first], values[second]):
            yield _placed({**base, first: one, second: other})


def _values(tools: Iterable[SourceTool]) -> Mapping[tuple[str, ...], list[Any]]:
    """What each argument may be: first what the source compares it with, then anything."""
    values: dict[tuple[str, ...], list[Any]] = {}
    for tool in tools:
        for test in (test for rule in tool.rules for test in rule.tests):
            values.setdefault(test.keys, []).extend(_around(test))
        for amount in (limit.amount for limit in tool.limits if limit.amount is not None):
            values.setdefault(amount, []).append(1)
    anything = [_MISSING, None, True, False, "", 0, 1, [], {}]
    return {keys: _different([*found, *anything]) for keys, found in values.items()}


def _placed(values: Mapping[tuple[str, ...], Any]) -> JsonObject:
    args: JsonObject = {}
    for keys, value in values.items():
        if value is _MISSING:
            continue
        place: Any = args
        for key in keys[:-1]:
            place = place.setdefault(key, {}) if isinstance(place, dict) else {}
        if isinstance(place, dict):
            place[keys[-1]] = copy.deepcopy(value)  # an argument may reach into another one
    return args


def _around(test: SourceTest) -> Iterator[JsonValue]:
    """An operand and what lies around it, the value itself first."""
    operands = test.value if isinstance(test.value, list) else [test.value]
    ends = operands[:_ENDS] + operands[_ENDS:][-_ENDS:]  # a long list would take all calls
    for operand in ends:
        yield operand
        yield [operand]
        yield rendered(operand)
        number = exact(operand)
        if number is not None:
            yield from (number - 1, number + 1, number + Decimal("0.5"))
        elif isinstance(operand, str):
            yield from (f"{operand}x", f"x{operand}", operand.swapcase())
    yield test.value


def _different(values: Iterable[Any]) -> list[Any]:
    return [*{repr(value): value for value in values}.values()]
