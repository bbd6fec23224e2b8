"""The tests in a policy file: a call, and what the policy must say to it.

Only what a test is and how it is run may live here; `case_text` reads them. A test is
decided by `evaluate`, like a call: a hidden tool first, then the arguments normalised against
the tool's schema, where the tool is known, then the rules. It counts nothing, so every limit
stands open, and it says nothing of a server that is down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from portcullis.policy.arguments import ArgumentFault, normalise
from portcullis.policy.decision import Allow, Decision, Deny, Outcome
from portcullis.policy.evaluate import evaluate, refused_by_name
from portcullis.policy.faults import Fault, quoted
from portcullis.policy.model import Call, Instant, Kind, Policy
from portcullis.values import JsonMapping, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test.

    `call` names no server: `run_cases` does. `expect` is a word of `words.EXPECTATIONS`; `rule`
    and `outcome` are None where any will do. `place` is where the test stands, as a fault that
    says nothing yet.
    """

    name: str
    call: Call
    now: Instant
    expect: str
    place: Fault
    rule: str | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What a test came to.

    `decided` is a word of `words.EXPECTATIONS`; `detail` what is wrong with its arguments, by
    name and type; `is_checked` whether the arguments were read by a schema.
    """

    case: Case
    decided: str
    outcome: Outcome
    rule: str | None
    is_checked: bool
    detail: str | None = None

    @property
    def passed(self) -> bool:
        """Whether everything that the test says is so."""
        case = self.case
        return (
            case.expect == self.decided
            and case.rule in (None, self.rule)
            and case.outcome in (None, self.outcome)
        )

    @property
    def fault(self) -> Fault:
        """The failure, at the test's place. Holds names and words, never argument values."""
        case = self.case
        wanted = f"`{case.expect}`"
        if case.outcome is not None:
            wanted += f" ({case.outcome.value})"
        if case.rule is not None:
            wanted += f" by {quoted(case.rule)}"
        by = "no rule" if self.rule is None else quoted(self.rule)
        message = (
            f"the test {quoted(case.name)} expects {wanted}, and the policy decides "
            f"`{self.decided}` ({self.outcome.value}) by {by}"
        )
        return replace(case.place, message=message, suggestion=self.detail)


def run_cases(
    policy: Policy,
    cases: Iterable[Case],
    tools: Mapping[str, JsonMapping] | None,
    *,
    server: str,
) -> tuple[CaseResult, ...]:
    """Decide every test.

    Args:
        policy: compiled.
        cases: of its file.
        tools: the server's tools, name to definition as it lists them; None where they are not
            known. The arguments of a tool that is not among them are taken as written.
        server: what the path `server` says.

    Returns:
        One result a test, in their order. Never raises.
    """
    return tuple(_run(policy, case, tools or {}, server) for case in cases)


def failures(results: Iterable[CaseResult]) -> list[Fault]:
    """The faults of the tests that did not pass."""
    return [result.fault for result in results if not result.passed]


def _run(policy: Policy, case: Case, tools: Mapping[str, JsonMapping], server: str) -> CaseResult:
    call = replace(case.call, server=server)
    definition = tools.get(call.name) if call.kind is Kind.TOOL else None
    refused = refused_by_name(policy, call)
    if refused is not None:
        return _result(case, refused, is_checked=False)
    if definition is None:
        return _result(case, evaluate(policy, call, now=case.now), is_checked=False)
    arguments = normalise(_schema(definition), dict(call.arguments))
    if isinstance(arguments, ArgumentFault):
        denial = Deny(outcome=Outcome.INVALID_ARGUMENTS, rule=None, reason="")
        detail = f"`{arguments.path}` {arguments.message}"
        return replace(_result(case, denial, is_checked=True), detail=detail)
    decision = evaluate(policy, replace(call, arguments=arguments), now=case.now)
    return _result(case, decision, is_checked=True)


def _schema(definition: JsonMapping) -> JsonValue:
    schema = definition.get("inputSchema")
    return schema if isinstance(schema, dict) else {}


def _result(case: Case, decision: Decision, *, is_checked: bool) -> CaseResult:
    decided, outcome = _words(case.call.kind, decision)
    return CaseResult(
        case=case, decided=decided, outcome=outcome, rule=decision.rule, is_checked=is_checked
    )


def _words(kind: Kind, decision: Decision) -> tuple[str, Outcome]:
    """A decision in the words of a test; only the call of a tool can wait for a person."""
    if isinstance(decision, Allow):
        return "allow", Outcome.ALLOWED
    if isinstance(decision, Deny):
        return "hide" if decision.outcome is Outcome.HIDDEN else "deny", decision.outcome
    if kind is Kind.TOOL:
        return "require_approval", Outcome.APPROVAL_REQUIRED
    return "deny", Outcome.APPROVAL_UNSUPPORTED
