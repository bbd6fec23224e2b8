"""The decision corpus: `cases/decisions/*.yaml` read strictly into values.

A file holds documents of `title`, `policy` (the text of a policy file), `schemas` (input
schemas by tool, as JSON text) and `requests`. A request says the whole decision: what it
leaves out must be absent from the decision too, but for `reason`. Arguments are JSON text,
so that a case can tell `900` from `900.0`. An obligation reads "rule: amount of max in
seconds s per scope", with "(shadow)" behind it for a rule in shadow mode.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from portcullis.policy.arguments import ArgumentFault, normalise
from portcullis.policy.decision import Allow, Decision, Deny, Outcome, RequireApproval, Take
from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Call, Instant, Kind, Policy, Principal
from portcullis.policy.policy_text import parse_policy
from portcullis.strictjson import parse

FOLDER = Path(__file__).parent / "cases" / "decisions"
NOON = "2026-11-23T12:00:00+00:00"

_DOCUMENT_KEYS = {"title", "policy", "schemas", "requests"}
_REQUEST_KEYS = {
    "id", "description", "call", "now", "decision", "outcome", "rule", "reason", "obligations",
    "shadowed",
}  # fmt: skip
_CALL_KEYS = {"tool", "resource", "prompt", "args", "principal", "server", "session"}
_PRINCIPAL_KEYS = {"issuer", "subject", "groups", "tags", "claims"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCase:
    """One row: what is asked of which policy, and all that the answer says."""

    name: str
    policy: Policy
    schema: Any
    call: Call
    now: Instant
    expected: Mapping[str, Any]

    def decide(self) -> Decision:
        """Normalise where there is a schema, then evaluate, as the gateway does."""
        arguments = dict(self.call.arguments)
        checked = arguments if self.schema is None else normalise(self.schema, arguments)
        if isinstance(checked, ArgumentFault):
            reason = f"{checked.path} {checked.message}"
            return Deny(outcome=Outcome.INVALID_ARGUMENTS, rule=None, reason=reason)
        return evaluate(self.policy, with_arguments(self.call, checked), now=self.now)


def decision_cases() -> list[DecisionCase]:
    """Every row of the corpus."""
    return [case for file in sorted(FOLDER.glob("*.yaml")) for case in _cases(file)]


def with_arguments(call: Call, arguments: Mapping[str, Any]) -> Call:
    """The same call with other arguments."""
    return Call(
        server=call.server,
        kind=call.kind,
        name=call.name,
        arguments=arguments,
        principal=call.principal,
        session=call.session,
    )


def summary(decision: Decision) -> dict[str, Any]:
    """A decision in the words of the corpus."""
    said: dict[str, Any] = {"decision": _KINDS[type(decision)], "outcome": _outcome(decision)}
    said["rule"] = decision.rule
    said["obligations"] = []
    if not isinstance(decision, Deny):
        said["obligations"] = sorted(map(_obligation, decision.obligations))
    said["shadowed"] = [f"{_outcome(one)} {one.rule}" for one in decision.shadowed]
    return said


_KINDS = {Allow: "allow", Deny: "deny", RequireApproval: "require_approval"}


def _outcome(decision: Decision) -> str:
    if isinstance(decision, Deny):
        return decision.outcome.value
    if isinstance(decision, Allow):
        return Outcome.ALLOWED.value
    return Outcome.APPROVAL_REQUIRED.value


def _obligation(take: Take) -> str:
    limit = take.limit
    amount, maximum = (f"{number.normalize():f}" for number in (take.amount, limit.maximum))
    bound = f"{maximum} in {limit.window_seconds} s per {limit.scope.value}"
    return f"{take.rule}: {amount} of {bound}{' (shadow)' if take.shadow else ''}"


def _cases(file: Path) -> Iterator[DecisionCase]:
    for document in yaml.safe_load_all(file.read_text("utf-8")):
        _require_keys(document, _DOCUMENT_KEYS)
        policy = parse_policy(document["policy"]).policy
        schemas = {name: parse(text.encode()) for name, text in document.get("schemas", {}).items()}
        for request in document["requests"]:
            _require_keys(request, _REQUEST_KEYS)
            yield _case(policy, schemas, request)


def _case(policy: Policy, schemas: Mapping[str, Any], request: Mapping[str, Any]) -> DecisionCase:
    call = _call(request["call"])
    defaults: dict[str, Any] = {"rule": None, "obligations": [], "shadowed": []}
    said = {key: request[key] for key in request.keys() - {"id", "description", "call", "now"}}
    said["obligations"] = sorted(said.get("obligations", []))
    return DecisionCase(
        name=f"{request['id']}: {request['description']}",
        policy=policy,
        schema=schemas.get(call.name),
        call=call,
        now=_instant(request.get("now", NOON)),
        expected={**defaults, **said},
    )


def _call(said: Mapping[str, Any]) -> Call:
    _require_keys(said, _CALL_KEYS)
    (kind,) = [kind for kind in Kind if kind.value in said]
    arguments = parse(said.get("args", "{}").encode())
    assert isinstance(arguments, dict)
    return Call(
        server=said.get("server", "test-server"),
        kind=kind,
        name=said[kind.value],
        arguments=arguments,
        principal=_principal(said.get("principal", {})),
        session=said.get("session", "session-1"),
    )


def _principal(said: Mapping[str, Any]) -> Principal:
    _require_keys(said, _PRINCIPAL_KEYS)
    return Principal(
        issuer=said.get("issuer", "issuer.example"),
        subject=said.get("subject", "alice"),
        groups=tuple(said.get("groups", ())),
        tags=said.get("tags", {}),
        claims=said.get("claims", {}),
    )


def _instant(text: str) -> Instant:
    return Instant(micros=round(datetime.fromisoformat(text).timestamp() * 1_000_000))


def _require_keys(mapping: Mapping[str, Any], known: set[str]) -> None:
    unknown = mapping.keys() - known
    assert not unknown, f"unknown keys {unknown} in the corpus"
