"""`portcullis doctor`: what is right, wrong or dangerous in a set-up, and what cannot be told.

The files in `golden` are what a person reads; look at them when they change.
"""

import json
import ssl
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import httpx2
import pytest
from botocore.exceptions import NoCredentialsError
from moto import mock_aws

from portcullis.adapters.dynamodb_grants import create_grant
from portcullis.adapters.kill_switch_object import KEY
from portcullis_cli.doctoring.account_checks import DANGERS
from portcullis_cli.doctoring.door_checks import certificate_finding
from portcullis_cli.doctoring.examining import CHECKS
from portcullis_cli.doctoring.model import Verdict
from portcullis_cli.errors import ExitCode
from support.aws_faults import FAULTS, calls_that_fail, fault
from support.command_line import NOW, Ran, Terminal
from support.deployment import TEMPLATE
from support.engines import create_state_table
from support.verified_gateway import SERVER, URL, VerifiedGateway

GOLDEN = Path(__file__).parent / "golden"
CAREFUL = {
    "AllowLoopbackUpstreams": "false",
    "AuditTrail": "true",
    "OperatorEmail": "ops@example.com",
    "ApproverEmail": "ops@example.com",
    "DeletionProtection": "true",
    "IamReadOnly": "true",
}
TOPIC = "arn:aws:sns:us-east-1:123456789012:operators"


class Account:
    """STS, CloudFormation and SNS as one client; `failure` is raised by all of them."""

    def __init__(self, table: str) -> None:
        self.meta = SimpleNamespace(region_name="us-east-1")
        self.status = "UPDATE_COMPLETE"
        self.parameters = dict(CAREFUL)
        self.outputs = {
            "PolicyBucketName": "policies", "StateTableName": table, "OperatorTopicArn": TOPIC,
        }  # fmt: skip
        self.subscribed = [f"{TOPIC}:1"]
        self.failure: Exception | None = None

    def get_caller_identity(self) -> Any:
        self._begin()
        return {"Account": "123456789012"}

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803
        self._begin()
        assert StackName == "gate"
        found = {
            "StackStatus": self.status,
            "Parameters": _listed(self.parameters, "Parameter"),
            "Outputs": _listed(self.outputs, "Output"),
        }
        return {"Stacks": [found]}

    def list_subscriptions_by_topic(self, *, TopicArn: str) -> Any:  # noqa: N803
        self._begin()
        assert TopicArn == TOPIC
        return {"Subscriptions": [{"SubscriptionArn": one} for one in self.subscribed]}

    def _begin(self) -> None:
        if self.failure is not None:
            raise self.failure


def _listed(values: dict[str, str], kind: str) -> list[dict[str, str]]:
    return [{f"{kind}Key": name, f"{kind}Value": value} for name, value in values.items()]


class SetUp:
    """A whole deployment, and somebody who asks whether it is right."""

    def __init__(self) -> None:
        self.table = create_state_table(boto3.client("dynamodb"))
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="policies")
        self.gateway = VerifiedGateway.on_account(self.table, "policies")
        self.account = Account(self.table)
        self.token = self.grant()
        self.date: str | None = formatdate(NOW, usegmt=True)
        self.terminal = Terminal(
            transport=httpx2.MockTransport(self._dated),
            s3=lambda: self.s3,
            services=dict.fromkeys(("sts", "cloudformation", "sns"), self.account),
        )

    def grant(self, **changes: Any) -> str:
        given = {"name": "agent", "servers": [SERVER], "person": "ann", "lifetime_seconds": 864_000}
        return create_grant(
            boto3.client("dynamodb"), self.table, now_seconds=NOW, **{**given, **changes}
        )

    def put(self, key: str, tree: Any) -> None:
        self.s3.put_object(Bucket="policies", Key=key, Body=json.dumps(tree).encode())

    def run(self, *more: str, url: str = URL) -> Ran:
        self.terminal.environment["PORTCULLIS_STACK"] = "gate"
        return self.terminal.run("doctor", url, *more, token=self.token)

    def _dated(self, request: httpx2.Request) -> httpx2.Response:
        reply = self.gateway.transport.handle_request(request)
        reply.headers.pop("date", None)
        if self.date is not None:
            reply.headers["date"] = self.date
        return reply


@pytest.fixture
def setup() -> Iterator[SetUp]:
    with mock_aws():
        yield SetUp()


def found(ran: Ran) -> dict[str, dict[str, str]]:
    (line,) = ran.stdout.splitlines()
    return {one["id"]: one for one in json.loads(line)["checks"]}


def amiss(ran: Ran) -> dict[str, str]:
    return {name: one["verdict"] for name, one in found(ran).items() if one["verdict"] != "good"}


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.txt").read_text("utf-8")


def as_read(ran: Ran) -> str:
    return "".join(f"{line.rstrip()}\n" for line in ran.stdout.splitlines())


def test_a_set_up_that_is_right_is_told_so_and_what_to_do_next(setup: SetUp) -> None:
    ran = setup.run()
    assert (ran.exit_code, as_read(ran)) == (0, golden("doctor-good"))
    assert setup.token not in ran.stdout + ran.stderr


def test_what_is_wrong_is_told_with_what_to_do_about_it(setup: SetUp) -> None:
    setup.date = formatdate(NOW - 412, usegmt=True)
    setup.token = setup.grant(servers=["aws-iam"], person="")
    setup.account.parameters |= {"AllowLoopbackUpstreams": "true", "AuditTrail": "false"}
    setup.account.subscribed = ["PendingConfirmation"]
    setup.put("status/aws-iam.json", {"state": "rejected", "in_force": None})
    setup.put(KEY, {"servers": ["amazon-mq"], "reason": "a drill"})
    ran = setup.run()
    assert (ran.exit_code, as_read(ran)) == (ExitCode.REFUSED, golden("doctor-wrong"))


def test_without_credentials_only_the_door_is_looked_at(setup: SetUp) -> None:
    setup.account.failure = NoCredentialsError()
    ran = setup.terminal.run("doctor", URL, "--json", token="")
    assert ran.exit_code == 0
    given = {name for name, one in found(ran).items() if one["verdict"] == "good"}
    assert given == {"address", "transport", "clock"}
    assert {one["verdict"] for one in found(ran).values()} == {"good", "not given"}


def _changed(**changes: Any) -> Callable[[SetUp], None]:
    def change(setup: SetUp) -> None:
        for name, value in changes.items():
            setattr(setup.account, name, value)

    return change


def _token(**changes: Any) -> Callable[[SetUp], None]:
    def change(setup: SetUp) -> None:
        setup.token = setup.grant(**changes)

    return change


def _no_policy(setup: SetUp) -> None:
    setup.gateway.world.policies.policy = None


def _no_status(setup: SetUp) -> None:
    setup.s3.delete_object(Bucket="policies", Key=f"status/{SERVER}.json")


def _no_policy_of_this_server(setup: SetUp) -> None:
    _no_status(setup)
    setup.put("status/aws-iam.json", {"state": "active", "in_force": {}})


def _answers(status: int, **more: Any) -> Callable[[SetUp], None]:
    def change(setup: SetUp) -> None:
        setup.gateway.transport = httpx2.MockTransport(lambda _: httpx2.Response(status, **more))

    return change


def _nobody(setup: SetUp) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("", request=request)

    setup.gateway.transport = httpx2.MockTransport(fail)


def _date(text: str | None) -> Callable[[SetUp], None]:
    def change(setup: SetUp) -> None:
        setup.date = text

    return change


def _put(key: str, tree: Any) -> Callable[[SetUp], None]:
    return lambda setup: setup.put(key, tree)


ROWS: list[tuple[Callable[[SetUp], None], dict[str, str]]] = [
    (_changed(status="UPDATE_ROLLBACK_COMPLETE"), {"stack": "look at"}),
    (_changed(status="UPDATE_IN_PROGRESS"), {"stack": "look at"}),
    (
        _changed(outputs={}),
        {
            "stack": "wrong", "operators": "could not tell", "grant": "could not tell",
            "policies": "could not tell", "forwarding": "could not tell",
        },
    ),
    (_changed(parameters={}), {"parameters": "could not tell"}),
    (_changed(subscribed=[]), {"operators": "look at"}),
    (_changed(subscribed=["PendingConfirmation"]), {"operators": "wrong"}),
    (_token(person=""), {"grant": "look at"}),
    (_token(lifetime_seconds=3600), {"grant": "look at"}),
    (_token(lifetime_seconds=0), {"grant": "look at", "token": "wrong", "tools": "could not tell"}),
    (_token(servers=["x"]), {"token": "wrong", "tools": "could not tell"}),
    (_no_policy, {"tools": "wrong"}),
    (_no_status, {"policies": "wrong"}),
    (_no_policy_of_this_server, {"policies": "wrong"}),
    (_put("status/a.json", {"state": "rejected", "in_force": {}}), {"policies": "look at"}),
    (_put("status/a.json", {"state": "rejected", "in_force": None}), {"policies": "wrong"}),
    (_put("status/a.json", []), {"policies": "could not tell"}),
    (_put(KEY, {"stopped": True}), {"forwarding": "look at"}),
    (_put(KEY, []), {"forwarding": "wrong"}),
    (_date(None), {"clock": "could not tell"}),
    (_date("yesterday"), {"clock": "could not tell"}),
    (_date(formatdate(NOW + 100, usegmt=True)), {"clock": "wrong"}),
    (
        _answers(200, html="<html>"),
        {"address": "wrong", "token": "could not tell", "tools": "could not tell"},
    ),
    (_answers(404), {"address": "wrong", "token": "could not tell", "tools": "could not tell"}),
    (_answers(401), {"address": "look at", "token": "wrong", "tools": "could not tell"}),
    (_answers(503), {"address": "wrong", "token": "could not tell", "tools": "could not tell"}),
    (
        _nobody,
        {
            "address": "wrong", "transport": "could not tell", "clock": "could not tell",
            "token": "could not tell", "tools": "could not tell",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), ROWS)
def test_each_thing_amiss_is_found_where_it_is(
    setup: SetUp, change: Callable[[SetUp], None], expected: dict[str, str]
) -> None:
    change(setup)
    ran = setup.run("--json")
    assert amiss(ran) == {name: one for name, one in expected.items() if one != "good"}
    verdicts = set(expected.values())
    code = ExitCode.UNDECIDED if "could not tell" in verdicts else ExitCode.OK
    assert ran.exit_code == (ExitCode.REFUSED if "wrong" in verdicts else code)
    assert all(one["fix"] for one in found(ran).values() if one["verdict"] in {"wrong", "look at"})


@pytest.mark.parametrize("danger", DANGERS, ids=lambda one: one.parameter)
def test_a_dangerous_parameter_is_one_of_the_template_and_is_told(
    setup: SetUp, danger: Any
) -> None:
    known = TEMPLATE["Parameters"][danger.parameter]
    assert danger.value in {*known.get("AllowedValues", ()), known["Default"]}
    setup.account.parameters[danger.parameter] = danger.value
    told = found(setup.run("--json"))["parameters"]
    assert told["verdict"] == ("wrong" if danger.is_wrong else "look at")
    assert (danger.detail in told["detail"], danger.fix in told["fix"]) == (True, True)


def test_what_a_server_writes_is_not_taken_for_the_gate_s_word(setup: SetUp) -> None:
    tools = {"tools": [{"name": "x", "description": "policy_unavailable"}]}
    message = {"jsonrpc": "2.0", "id": 1, "result": tools}
    _answers(200, json=message)(setup)
    assert found(setup.run("--json"))["tools"]["verdict"] == "good"


def test_where_something_is_named_and_nobody_has_credentials_nothing_is_told_as_not_given(
    setup: SetUp,
) -> None:
    setup.account.failure = NoCredentialsError()
    ran = setup.run("--json")
    asked = ("account", "stack", "parameters", "operators", "policies")
    assert {found(ran)[name]["verdict"] for name in asked} == {"could not tell"}
    assert ran.exit_code == ExitCode.UNDECIDED


def test_a_stack_that_there_is_none_of_is_told_by_its_name(setup: SetUp) -> None:
    setup.account.failure = fault("ValidationError")
    told = found(setup.run("--json"))["stack"]
    assert told["detail"] == "there is no stack `gate` in this account and region"


def test_more_policies_than_one_answer_holds_are_not_told_as_in_force(setup: SetUp) -> None:
    page = {"Contents": [{"Key": f"status/{SERVER}.json"}], "IsTruncated": True}
    client: Any = setup.s3
    client.list_objects_v2 = lambda **_asked: page
    assert found(setup.run("--json"))["policies"]["verdict"] == "could not tell"


def test_a_certificate_that_is_not_trusted_is_named_as_the_reason(setup: SetUp) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        distrust = ssl.SSLCertVerificationError()
        distrust.verify_message = "certificate has expired"
        raise httpx2.ConnectError("", request=request) from distrust

    setup.gateway.transport = httpx2.MockTransport(fail)
    told = found(setup.run("--json"))["address"]
    assert told["detail"] == "its certificate is not trusted: certificate has expired"


def test_an_answer_that_has_no_end_is_not_waited_for(setup: SetUp) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    _answers(200, content=endless())(setup)
    assert found(setup.run("--json"))["address"]["verdict"] == "wrong"


def test_things_of_two_deployments_are_told(setup: SetUp) -> None:
    setup.account.outputs["CanaryMcpUrl"] = "https://another.example/prod/mcp/canary"
    told = found(setup.run("--json"))["stack"]
    assert (told["verdict"], "another.example/prod/mcp/" in told["detail"]) == ("look at", True)
    setup.account.outputs["SignedMcpUrl"] = URL.replace("/canary", "/<server>")
    assert found(setup.run("--json"))["stack"]["verdict"] == "good"
    setup.account.outputs["StateTableName"] = "another"
    told = found(setup.run("--json", "--table", setup.table))["stack"]
    assert (told["verdict"], "--table" in told["detail"]) == ("wrong", True)
    url = "https://a1.execute-api.eu-west-1.amazonaws.com/prod/mcp/canary"
    told = found(setup.run("--json", url=url))["account"]
    assert (told["verdict"], "eu-west-1" in told["fix"]) == ("wrong", True)


def test_an_answer_of_another_shape_is_told(setup: SetUp) -> None:
    setup.account.describe_stacks = lambda **_asked: {}  # type: ignore[method-assign]
    assert found(setup.run("--json"))["stack"]["detail"] == "the answer is not as it should be"


@pytest.mark.parametrize("error", FAULTS)
def test_what_aws_does_not_answer_is_not_told_as_good(setup: SetUp, error: Exception) -> None:
    setup.account.failure = error
    with (
        calls_that_fail("dynamodb", "GetItem", error),
        calls_that_fail("s3", "GetObject", error),
        calls_that_fail("s3", "ListObjectsV2", error),
    ):
        setup.gateway.find = None  # the gate itself is well
        ran = setup.run("--json")
    asking = {"account", "stack", "parameters", "operators", "grant", "policies", "forwarding"}
    assert {name for name in asking if found(ran)[name]["verdict"] == "could not tell"} == asking


def test_on_this_machine_http_and_its_clock_are_right(setup: SetUp) -> None:
    setup.gateway.listens_by_http = True
    told = found(setup.run("--json", url="http://127.0.0.1:8080/mcp/canary"))
    assert told["transport"]["verdict"] == told["clock"]["verdict"] == "good"


@pytest.mark.parametrize(
    ("until", "verdict"),
    [
        ("Jan 20 08:00:00 2027 GMT", Verdict.CAUTION),
        ("Mar 20 08:00:00 2027 GMT", Verdict.GOOD),
        (None, Verdict.GOOD),
    ],
)
def test_a_certificate_that_ends_soon_is_told(until: str | None, verdict: Verdict) -> None:
    certificate = {} if until is None else {"notAfter": until}
    assert certificate_finding(certificate, NOW).verdict is verdict


def test_every_check_asks_a_question() -> None:
    assert all(check.question.endswith("?") for check in CHECKS)
    assert len({check.id for check in CHECKS}) == len(CHECKS)
