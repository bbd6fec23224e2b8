"""`portcullis policy explain`: one call, the decision, and what each rule came to."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from portcullis.errors import StrictJsonError
from portcullis.policy.arguments import ArgumentFault, normalise
from portcullis.policy.conditions import Traced
from portcullis.policy.decision import Allow, Decision, Deny, RequireApproval, Take
from portcullis.policy.explain import ExplainedRule, Explanation, explain
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Call, Instant, Kind
from portcullis.strictjson import parse
from portcullis.values import JsonMapping, JsonObject
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.policy.callers import Groups, Issuer, Subject, Tags, caller_of
from portcullis_cli.policy.inputs import (
    AsJson,
    LockPath,
    PolicyFile,
    Server,
    ServerCommand,
    TokenFile,
    ToolsFile,
    ToolsFrom,
    Url,
    known_tools,
    load,
    read_text,
    server_of,
)
from portcullis_cli.rendering import plain, span
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import Surroundings, surroundings_of

_MAXIMUM_ARGUMENTS = 1 << 20
_MICROS = 1_000_000


def explain_call(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    file: PolicyFile,
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The tool that is called.")],
    arguments: Annotated[
        str, typer.Option("--args", help="Its arguments as JSON, or `@file`.")
    ] = "{}",
    subject: Subject = "somebody",
    issuer: Issuer = "portcullis",
    group: Groups = None,
    tag: Tags = None,
    at: Annotated[
        str, typer.Option("--at", help="When, like `2026-11-28T09:00:00Z`. Without it: now.")
    ] = "",
    server: Server = "",
    tools: ToolsFile = None,
    url: Url = "",
    command: ServerCommand = "",
    token_file: TokenFile = None,
    lock: LockPath = None,
    as_json: AsJson = False,
) -> None:
    """Decide one call, and say what every rule came to and why.

    Counts nothing: where a limit would be taken it is shown. Ends with 0 whatever is decided.

    Example: portcullis policy explain policies/aws-iam.yaml delete_user --args '{"user_name": "a"}'
    """
    with reported(as_json=as_json):
        around = surroundings_of(context)
        told = ToolsFrom(file=tools, url=url, command=command, token_file=token_file)
        known = known_tools(around, told)
        try:
            policy = load(file, known, lock).policy
        except PolicyFaults as faulty:
            message = f"{file}: {faulty}"
            raise CommandError(ExitCode.REFUSED, message, code="invalid_policy") from faulty
        call = Call(
            server=server_of(file, server),
            kind=Kind.TOOL,
            name=tool,
            arguments=_arguments(arguments),
            principal=caller_of(issuer, subject, group, tag),
            session="session",
        )
        checked = _normalised(call, known)
        if isinstance(checked, str):
            _refused(checked, as_json=as_json)
            return
        explained = explain(policy, checked, now=_instant(at, around))
        if as_json:
            tell({"revision": policy.revision, **_told(explained)})
        else:
            typer.echo("\n".join(_lines(explained)))


def _arguments(text: str) -> JsonObject:
    data = read_text(Path(text[1:])) if text.startswith("@") else text.encode("utf-8", "replace")
    try:
        tree = parse(data, max_bytes=_MAXIMUM_ARGUMENTS)
    except StrictJsonError as error:
        raise usage_error(f"--args is no JSON: {error}") from error
    if not isinstance(tree, dict):
        raise usage_error("--args is not a JSON object")
    return tree


def _instant(text: str, around: Surroundings) -> Instant:
    if not text:
        return Instant(micros=around.now() * _MICROS)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise usage_error("--at is no moment: write 2026-11-28T09:00:00Z") from error
    if moment.tzinfo is None:
        raise usage_error("--at needs a zone: end it with Z")
    return Instant(micros=round(moment.astimezone(UTC).timestamp() * _MICROS))


def _normalised(call: Call, tools: Any) -> Call | str:
    """The call as the gateway judges it, or why it refuses it before any rule."""
    if tools is None:
        return call
    definition: JsonMapping | None = tools.get(call.name)
    if definition is None:
        return "the server has no such tool, so there is nothing to call"
    arguments = normalise(definition.get("inputSchema"), dict(call.arguments))
    if isinstance(arguments, ArgumentFault):
        return f"argument `{arguments.path}` {arguments.message}"
    return replace(call, arguments=arguments)


def _refused(reason: str, *, as_json: bool) -> None:
    if as_json:
        tell({"decision": "deny", "outcome": "invalid_arguments", "reason": reason, "rules": []})
    else:
        typer.echo(f"DENY before any rule: {plain(reason)}")


def word_of(decision: Decision) -> str:
    """The decision as a policy writes it."""
    if isinstance(decision, Allow):
        return "allow"
    return "require_approval" if isinstance(decision, RequireApproval) else "deny"


def _lines(explained: Explanation) -> Iterator[str]:
    decision = explained.decision
    by = "no rule" if decision.rule is None else plain(decision.rule)
    yield f"{word_of(decision).upper()} by {by}"
    if isinstance(decision, Deny):
        yield f"  outcome: {decision.outcome.value}"
    if not isinstance(decision, Allow) and decision.reason:
        yield f"  reason: {plain(decision.reason)}"
    if isinstance(decision, RequireApproval):
        terms = decision.approval
        who = ", ".join(plain(one) for one in terms.approvers)
        yield f"  approvers: {terms.min_approvals} of {who}, within {span(terms.timeout_seconds)}"
    for take in () if isinstance(decision, Deny) else decision.obligations:
        yield f"  takes: {_limit(take)}"
    for rule in explained.rules:
        yield from _rule_lines(rule)
    for shadowed in decision.shadowed:
        yield f"  shadow: {word_of(shadowed)} by {plain(str(shadowed.rule))}"


def _limit(take: Take) -> str:
    limit = take.limit
    shadow = ", shadow" if take.shadow else ""
    return (
        f"{take.amount} of {limit.maximum} in {span(limit.window_seconds)}, "
        f"per {limit.scope.value}, {limit.algorithm.value}, by {plain(take.rule)}{shadow}"
    )


def _rule_lines(rule: ExplainedRule) -> Iterator[str]:
    effect = "limits only" if rule.effect is None else rule.effect.value
    shadow = ", shadow" if rule.shadow else ""
    yield f"rule {plain(rule.label)} ({effect}{shadow}): {_applies(rule)}"
    if rule.condition is not None:
        yield from _condition_lines(rule.condition, "  ")


def _applies(rule: ExplainedRule) -> str:
    return {"true": "applies", "false": "does not apply", "indeterminate": "cannot be told"}[
        rule.truth.value
    ]


def _condition_lines(traced: Traced, indent: str) -> Iterator[str]:
    why = f", {plain(traced.why)}" if traced.why else ""
    yield f"{indent}{plain(traced.text)}: {traced.truth.value}{why}"
    for part in traced.parts:
        yield from _condition_lines(part, indent + "  ")


def _told(explained: Explanation) -> JsonObject:
    decision = explained.decision
    return {
        "decision": word_of(decision),
        "outcome": decision.outcome.value if isinstance(decision, Deny) else None,
        "rule": decision.rule,
        "reason": None if isinstance(decision, Allow) else decision.reason,
        "limits": []
        if isinstance(decision, Deny)
        else [_limit(take) for take in decision.obligations],
        "rules": [
            {
                "rule": rule.label,
                "effect": None if rule.effect is None else rule.effect.value,
                "shadow": rule.shadow,
                "truth": rule.truth.value,
                "condition": None if rule.condition is None else _traced(rule.condition),
            }
            for rule in explained.rules
        ],
    }


def _traced(traced: Traced) -> JsonObject:
    return {
        "text": traced.text,
        "truth": traced.truth.value,
        "why": traced.why,
        "parts": [_traced(part) for part in traced.parts],
    }
