"""Part c: the decision alone, `portcullis.policy.evaluate`, on a compiled policy."""

import time
from collections.abc import Iterator

from bench.calls import ALLOWED, ARGUMENTS, POLICY, SERVER
from bench.samples import Row, summarise
from portcullis.policy.decision import Allow
from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Call, Instant, Kind, Policy, Principal
from portcullis.policy.policy_text import parse_policy

PART = "c decision"
_NOW = Instant(micros=1_795_435_200_000_000)

_TEN_ON_ONE = 'version: "1"\ndefault: deny\ntools:\n  create_broker:\n    rules:\n' + "".join(
    f"      - {{name: rule {n}, action: {'allow' if n == 0 else 'deny'}, "
    f"when: {{path: args.tags.team, op: {'eq' if n == 0 else 'neq'}, value: orders}}}}\n"
    for n in range(10)
)


def measure(calls: int) -> Iterator[Row]:
    """Time single decisions about the allowed call, in turn on each policy."""
    policies = {
        "10 rules, 7 tools": _compile(POLICY),
        "10 rules, 1,000 tools": _compile(POLICY + _more_tools(1000)),
        "10 rules with a condition, all on the called tool": _compile(_TEN_ON_ONE),
    }
    call = Call(
        server=SERVER,
        kind=Kind.TOOL,
        name=ALLOWED,
        arguments=ARGUMENTS[ALLOWED],
        principal=Principal(issuer="portcullis:grant", subject="agent"),
        session="slot-0",
    )
    samples: dict[str, list[float]] = {name: [] for name in policies}
    for _ in range(calls):
        for name, policy in policies.items():
            samples[name].append(_decide(policy, call))
    for name, times in samples.items():
        yield summarise(PART, name, times, unit="us")


def _compile(text: str) -> Policy:
    return parse_policy(text).policy


def _more_tools(count: int) -> str:
    return "".join(f"  tool_{n}: {{action: allow}}\n" for n in range(count))


def _decide(policy: Policy, call: Call) -> float:
    began = time.perf_counter_ns()
    decision = evaluate(policy, call, now=_NOW)
    spent = time.perf_counter_ns() - began
    if not isinstance(decision, Allow):
        raise TypeError(f"the call was not allowed: {decision}")
    return spent / 1000
