"""Checks with AWS credentials: the account, the stack and its parameters, table, bucket, grants."""

import re
from dataclasses import dataclass
from typing import Any, Final

from portcullis.adapters.dynamodb_grants import DynamoDBGrants
from portcullis.adapters.kill_switch_object import (
    KEY,
    MAXIMUM_BYTES,
    NOTHING_STOPPED,
    is_server_name,
    read_order,
)
from portcullis_cli.doctoring.model import (
    Finding,
    NotGivenError,
    Patient,
    Stack,
    caution,
    good,
    unknown,
    wrong,
)
from portcullis_cli.errors import unavailable
from portcullis_cli.policy.deployment import find_object, read_status
from portcullis_cli.rendering import plain
from portcullis_cli.stack import described, pairs

_API_REGION: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.amazonaws\.com")
_STATUS: Final = re.compile(r"status/([a-z0-9-]+)\.json")
_SOON_SECONDS: Final = 7 * 86_400
_NEEDED_OUTPUTS: Final = ("PolicyBucketName", "StateTableName", "OperatorTopicArn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """A parameter's value that somebody should have wanted."""

    parameter: str
    value: str
    detail: str
    fix: str
    is_wrong: bool = False


DANGERS: Final = (
    Danger(
        parameter="AllowLoopbackUpstreams",
        value="true",
        detail="servers may be registered at addresses inside the function",
        fix="for development only: deploy with `AllowLoopbackUpstreams=false`",
        is_wrong=True,
    ),
    Danger(
        parameter="AuditTrail",
        value="false",
        detail="who may change the log can change what was decided",
        fix="`AuditTrail=true` keeps decisions where nobody can change them",
    ),
    Danger(
        parameter="OperatorEmail",
        value="",
        detail="no address is told of alarms",
        fix="`OperatorEmail=…`, or subscribe to `OperatorTopicArn`",
    ),
    Danger(
        parameter="ApproverEmail",
        value="",
        detail="no address is told of requests for an approval",
        fix="`ApproverEmail=…`, or subscribe to `ApprovalTopicArn`",
    ),
    Danger(
        parameter="DeletionProtection",
        value="false",
        detail="the table with grants and counters can be deleted by one call",
        fix="`DeletionProtection=true`",
    ),
    Danger(
        parameter="IamReadOnly",
        value="false",
        detail="the IAM server's role can write users, roles and policies",
        fix="`IamReadOnly=true`, where no agent has to",
    ),
)


def account(patient: Patient) -> Finding:
    """Whose credentials these are, and whether they are of the gateway's region."""
    client = patient.client("sts")
    told = client.get_caller_identity()
    number, region = str(told["Account"]), str(client.meta.region_name)
    found = _API_REGION.search(patient.url)
    if found is not None and found[1] != region:
        return wrong(
            f"the credentials are of {region}, the gateway is in {found[1]}",
            f"set AWS_REGION to {found[1]}",
        )
    return good(f"account {plain(number)} in {plain(region)}")


def stack(patient: Patient) -> Finding:
    """Whether the stack is there, at rest, and of this release."""
    found = read_stack(patient)
    if not found.status.endswith("_COMPLETE") or "ROLLBACK" in found.status:
        return caution(
            f"the stack is {plain(found.status)}", "look at its events in CloudFormation"
        )
    missing = [name for name in _NEEDED_OUTPUTS if name not in found.outputs]
    if missing:
        return wrong(f"it has no output {missing[0]}", "is it the stack of a gateway of this age?")
    for given, output, option in (
        (patient.table, "StateTableName", "--table"),
        (patient.bucket, "PolicyBucketName", "--bucket"),
    ):
        if given and given != found.outputs[output]:
            return wrong(f"{option} is not this stack's {output}", "name things of one deployment")
    bases = {_base(one) for name, one in found.outputs.items() if name.endswith("McpUrl")}
    if bases and _base(patient.url) not in bases:
        return caution(
            f"the address is none of this stack's: {plain(min(bases))}/mcp/…",
            "name things of one deployment; an address of your own is `PublicUrl=…`",
        )
    return good(f"the stack is {plain(found.status)}")


def _base(url: str) -> str:
    return url.rpartition("/mcp/")[0]


def parameters(patient: Patient) -> Finding:
    """Whether a parameter has a value that somebody should have wanted."""
    given = read_stack(patient).parameters
    found = [one for one in DANGERS if given.get(one.parameter) == one.value]
    if not given:
        return unknown("the stack does not show its parameters")
    if not found:
        return good("no parameter has a dangerous value")
    detail = "\n".join(f"{one.parameter}={one.value or '(empty)'}: {one.detail}" for one in found)
    fix = "\n".join(one.fix for one in found)
    return wrong(detail, fix) if any(one.is_wrong for one in found) else caution(detail, fix)


def operators(patient: Patient) -> Finding:
    """Whether anybody confirmed to be told of alarms."""
    topic = read_stack(patient).outputs.get("OperatorTopicArn", "")
    if not topic:
        return unknown("the stack has no output OperatorTopicArn")
    listed = patient.client("sns").list_subscriptions_by_topic(TopicArn=topic)
    arns = [str(one["SubscriptionArn"]) for one in listed["Subscriptions"]]
    confirmed = sum(arn.startswith("arn:") for arn in arns)
    if confirmed:
        return good(f"alarms reach {confirmed} subscriber{'s' if confirmed > 1 else ''}")
    if arns:
        return wrong("nobody has confirmed to be told of alarms", "open the mail of AWS, confirm")
    return caution("nobody is told of alarms", "subscribe to the output `OperatorTopicArn`")


def read_stack(patient: Patient) -> Stack:
    """The stack.

    Raises:
        NotGivenError: nobody said which.
        CommandError: there is none of this name, or CloudFormation does not answer.
    """
    if not patient.stack:
        raise NotGivenError("--stack")
    found = described(patient.around, patient.stack)
    return Stack(
        status=str(found["StackStatus"]),
        parameters=pairs(found.get("Parameters", ()), "Parameter"),
        outputs=pairs(found.get("Outputs", ()), "Output"),
    )


def grant(patient: Patient) -> Finding:
    """Whose grant the token is, and for how long; that the table answers."""
    table = patient.table or _output(patient, "StateTableName", "--table")
    grants = DynamoDBGrants(patient.client("dynamodb"), table)
    now = patient.around.now()
    held = grants.find(patient.token or "none", now_seconds=now)
    if held is None:
        if patient.token:
            return caution(
                "the table answers; the token is no live grant of it", "is it an issuer's?"
            )
        return good("the table answers")
    if not held.person:
        return caution(
            f"{plain(held.name)} has no person: whoever stands behind it could approve its calls",
            "make its next grant with `--person`",
        )
    left = held.expires_at - now
    if left < _SOON_SECONDS:
        return caution(
            f"the grant of {plain(held.name)} ends in {left // 3600} hours",
            "`portcullis grants create` makes another; limits go on under the same name",
        )
    return good(f"the grant of {plain(held.name)}, for {left // 86_400} days")


def policies(patient: Patient) -> Finding:
    """Whether any server's newest upload is not in force; that the bucket answers."""
    client, bucket = patient.client("s3"), _bucket(patient)
    servers = sorted(_servers(client, bucket))
    if patient.server not in servers and is_server_name(patient.server):
        return wrong(
            f"`{patient.server}` never had a policy: every call to it is denied",
            f"`portcullis policy push {patient.server}.yaml`; of the canary: `verify --install`",
        )
    states = {name: (read_status(client, bucket, name) or {}) for name in servers}
    dead = [name for name, one in states.items() if one.get("in_force") is None]
    if dead:
        return wrong(
            f"no policy is in force for {', '.join(dead)}: every call is denied",
            f"read `status/{dead[0]}.json` in the bucket",
        )
    old = [name for name, one in states.items() if one.get("state") != "active"]
    if old:
        return caution(
            f"the newest upload is not in force for {', '.join(old)}",
            f"read `status/{old[0]}.json` in the bucket",
        )
    return good(f"in force for {', '.join(servers)}")


def forwarding(patient: Patient) -> Finding:
    """Whether a person has stopped the gate, or some server."""
    found = find_object(patient.client("s3"), _bucket(patient), KEY, maximum=MAXIMUM_BYTES)
    order = NOTHING_STOPPED if found is None else read_order(found.text)
    if not order.is_readable:
        return wrong(f"{KEY} cannot be understood: nothing is forwarded", "`kill-switch off`")
    if order.everything or order.servers:
        which = "every server" if order.everything else ", ".join(sorted(order.servers))
        return caution(f"stopped: {which}", "`portcullis kill-switch status` says by whom and why")
    return good("nothing is stopped")


def _bucket(patient: Patient) -> str:
    return patient.bucket or _output(patient, "PolicyBucketName", "--bucket")


def _output(patient: Patient, name: str, option: str) -> str:
    """What was not given, as the stack has it."""
    if not patient.stack:
        raise NotGivenError(option)
    found = read_stack(patient).outputs.get(name, "")
    if not found:
        raise unavailable(f"the stack has no output {name}")
    return found


def _servers(client: Any, bucket: str) -> set[str]:
    """The servers that have a status.

    Raises:
        CommandError: they are more than one answer holds.
    """
    listed = client.list_objects_v2(Bucket=bucket, Prefix="status/", Delimiter="/")
    if listed.get("IsTruncated"):
        raise unavailable("there are more policies than can be looked at")
    keys = (str(one["Key"]) for one in listed.get("Contents", ()))
    return {found[1] for key in keys if (found := _STATUS.fullmatch(key))}
