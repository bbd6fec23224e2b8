"""`portcullis status`: what is well, what somebody should act on, and what could not be told.

The files in `golden` are what a person reads; look at them when one changes.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from moto import mock_aws

from portcullis.adapters.kill_switch_object import NOTHING_STOPPED, UNREADABLE, Order
from portcullis_cli.errors import ExitCode
from portcullis_cli.servers.facts import Drift, Kind, Server, Upload
from portcullis_cli.status.checks import CHECKS, ENABLED, PRESENT, State, findings
from portcullis_cli.status.command import exit_code
from portcullis_cli.status.readings import Part, Readings, Stack, Waiting
from portcullis_cli.untold import Untold
from support.aws_faults import FAULTS, Failing, fault
from support.command_line import NOW, Ran
from support.deployed_servers import Deployed
from support.engines import create_state_table

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[3]
SOUND = Server(name="aws-iam", kind=Kind.OWN, upload=Upload(state="active"))
WELL = Readings(
    now=NOW,
    gateway=401,
    console=401,
    kill_switch=NOTHING_STOPPED,
    servers=(),
    approvals=Waiting(count=0),
    stack=Stack(status="UPDATE_COMPLETE", wait_seconds=600),
    dead_letters=0,
    alarms=(Part(name="MonitorAlarm", state="OK"),),
    secrets=(Part(name="SessionKeySecret", state=PRESENT),),
    keys=(Part(name="ApprovalKey", state=ENABLED),),
)


def servers(**change: Any) -> tuple[Server, ...]:
    return (replace(SOUND, **change),)


# check: the reading that it is of, and readings that somebody should act on
AMISS: dict[str, tuple[str, list[Any]]] = {
    "gateway": ("gateway", [200, 302, 403, 404, 500, 503]),
    "console": ("console", [404, 500]),
    "kill switch": (
        "kill_switch",
        [UNREADABLE, Order(everything=True), Order(servers=frozenset({"a"}), reason="r", by="b")],
    ),
    "registrations": (
        "servers",
        [
            servers(registration=Upload(state="rejected", fault="no", faults=1)),
            servers(registration=Upload(state="unseen")),
            servers(kind=Kind.NONE),
        ],
    ),
    "policies": ("servers", [servers(policy=None)]),
    "uploads": (
        "servers",
        [
            servers(upload=Upload(state="rejected", fault="no", faults=2)),
            servers(upload=Upload(state="unseen")),
            servers(upload=Upload(state="resting")),
        ],
    ),
    "tools": (
        "servers",
        [
            servers(drift=Drift(locked=1, changed=("a",), added=(), missing=())),
            servers(drift=Drift(locked=1, changed=(), added=("a",), missing=("b",))),
        ],
    ),
    "approvals": ("approvals", [Waiting(count=1000, oldest_seconds=601, is_whole=False)]),
    "stack": ("stack", [Stack(status="UPDATE_ROLLBACK_COMPLETE", wait_seconds=1)]),
    "dead letters": ("dead_letters", [1]),
    "alarms": (
        "alarms",
        [
            (Part(name="DeadLettersAlarm", state="ALARM"),),
            (Part(name="DeadLettersAlarm", state=""),),
            (Part(name="DeadLettersAlarm", state="OK", is_muted=True),),
        ],
    ),
    "secrets": ("secrets", [(Part(name="S", state=""),), (Part(name="S", state="to be deleted"),)]),
    "keys": ("keys", [(Part(name="K", state="PendingDeletion"),)]),
}


def of(check: str, readings: Readings) -> Any:
    (found,) = [one for one in findings(readings) if one.check == check]
    return found


def test_every_check_has_its_cases_and_every_reading_its_check() -> None:
    assert list(AMISS) == [check.name for check in CHECKS]
    read = {name for name, _ in AMISS.values()} | {"now"}
    assert read == {one.name for one in fields(Readings)}
    for check in CHECKS:
        assert all((check.reads, check.attention, check.do, check.needs))


def test_where_all_is_well_nothing_is_to_be_done() -> None:
    found = findings(WELL)
    assert {one.state for one in found} == {State.OK}
    assert [one.do for one in found] == [""] * len(CHECKS)
    assert exit_code(found) is ExitCode.OK


@pytest.mark.parametrize("check", AMISS)
def test_what_is_amiss_says_what_to_do(check: str) -> None:
    name, amiss = AMISS[check]
    for value in amiss:
        changed: dict[str, Any] = {name: value}
        found = findings(replace(WELL, **changed))
        one = of(check, replace(WELL, **changed))
        assert (one.state, bool(one.do), one.untold) == (State.ATTENTION, True, ()), value
        assert exit_code(found) is ExitCode.REFUSED


@pytest.mark.parametrize("check", AMISS)
def test_what_could_not_be_read_is_never_nothing(check: str) -> None:
    changed: dict[str, Any] = {AMISS[check][0]: Untold("AccessDenied")}
    one = of(check, replace(WELL, **changed))
    assert (one.state, one.untold) == (State.UNTOLD, ("AccessDenied",))
    assert one.do.startswith("it needs ")
    assert exit_code(findings(replace(WELL, **changed))) is ExitCode.UNAVAILABLE


@pytest.mark.parametrize("part", ["policy", "upload", "registration", "drift"])
def test_one_server_that_could_not_be_read_is_told_beside_the_others(part: str) -> None:
    check = {
        "policy": "policies", "upload": "uploads", "registration": "registrations",
        "drift": "tools",
    }[part]  # fmt: skip
    changed: dict[str, Any] = {part: Untold("x.json: SlowDown")}
    one = of(check, replace(WELL, servers=servers(**changed)))
    assert (one.state, one.says) == (State.UNTOLD, "x.json: SlowDown")
    amiss: dict[str, Any] = {
        "policy": None,
        "upload": Upload(state="unseen"),
        "registration": Upload(state="unseen"),
        "drift": Drift(locked=0, changed=("a",), added=(), missing=()),
    }
    worse = replace(SOUND, **{part: amiss[part]})
    both = replace(WELL, servers=(*servers(**changed), worse))
    one = of(check, both)
    assert (one.state, one.untold) == (State.ATTENTION, ("x.json: SlowDown",))
    assert exit_code(findings(both)) is ExitCode.UNAVAILABLE


def test_an_alarm_leads_to_what_to_do_about_it() -> None:
    """Every alarm of the template has its section."""
    page = (ROOT / "docs" / "operate.md").read_text()
    one = of("alarms", replace(WELL, alarms=(Part(name="DeadLettersAlarm", state="ALARM"),)))
    assert one.do == "docs/operate.md#deadlettersalarm"
    for check in CHECKS:
        path, _, section = check.do.partition("#")
        if path.startswith("docs/"):
            assert (ROOT / path).exists()
            assert (
                not section
                or section in page.lower().replace("### ", "").split("\n")
                or (f"## {section}" in page.lower())
            )


def test_a_request_that_waits_not_too_long_is_no_alarm() -> None:
    waiting = Waiting(count=2, oldest_seconds=599)
    assert of("approvals", replace(WELL, approvals=waiting)).says == "2 wait, the oldest for 9 min"
    no_stack = replace(WELL, approvals=replace(waiting, oldest_seconds=3601), stack=Untold("x"))
    assert of("approvals", no_stack).state is State.ATTENTION


class World:
    """A deployment in an emulated account, with its stack."""

    def __init__(self) -> None:
        self.deployed = Deployed()
        self.dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        self.table = create_state_table(self.dynamodb)
        self.services: dict[str, Any] = {
            name: boto3.client(name, region_name="us-east-1")
            for name in ("cloudformation", "sqs", "cloudwatch", "secretsmanager", "kms")
        }
        self.terminal = self.deployed.terminal
        self.terminal.services = self.services
        self.terminal.transport = httpx2.MockTransport(lambda _request: httpx2.Response(401))
        self.terminal.environment |= {
            "PORTCULLIS_TABLE": self.table, "PORTCULLIS_STACK": "gate",
        }  # fmt: skip
        queue = self.services["sqs"].create_queue(QueueName="letters")["QueueUrl"]
        self.services["cloudwatch"].put_metric_alarm(
            AlarmName="gate-letters", MetricName="m", Namespace="n", Period=60,
            EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
            Statistic="Sum",
        )  # fmt: skip
        secret = self.services["secretsmanager"].create_secret(Name="s", SecretString="x")["ARN"]
        key = self.services["kms"].create_key()["KeyMetadata"]["KeyId"]
        self.resources = [
            ("ActivatorDeadLetters", queue, "AWS::SQS::Queue"),
            ("DeadLettersAlarm", "gate-letters", "AWS::CloudWatch::Alarm"),
            ("SessionKeySecret", secret, "AWS::SecretsManager::Secret"),
            ("ApprovalKey", key, "AWS::KMS::Key"),
        ]
        self.services["cloudformation"] = self

    def with_policies(self) -> None:
        """Put a policy in force for each of the deployment's own servers."""
        for server in ("amazon-mq", "aws-iam"):
            self.deployed.policy(server)

    def describe_stacks(self, **_asked: Any) -> Any:
        """The stack, as CloudFormation tells of it."""
        told = [{"ParameterKey": "ApprovalWaitAlarmSeconds", "ParameterValue": "900"}]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Parameters": told}]}

    def list_stack_resources(self, **asked: Any) -> Any:
        """A resource a page."""
        page = int(asked.get("NextToken", 0))
        name, physical, kind = self.resources[page]
        more = {"NextToken": str(page + 1)} if page + 1 < len(self.resources) else {}
        one = {"LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceType": kind}
        return {"StackResourceSummaries": [one], **more}

    def run(self, *more: str) -> Ran:
        """Run the command."""
        return self.terminal.run("status", *more)

    def said(self, check: str) -> Any:
        """What the command says of a check, to a program."""
        (found,) = [one for one in self.run("--json").tree["checks"] if one["check"] == check]
        return found


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


def text(ran: Ran) -> str:
    return "".join(f"{line.rstrip()}\n" for line in ran.stdout.splitlines())


def test_a_sound_deployment_is_shown_as_well(world: World) -> None:
    world.with_policies()
    ran = world.run()
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert text(ran) == (GOLDEN / "status-well.txt").read_text()


def test_a_deployment_in_trouble_is_shown_with_what_to_do(world: World) -> None:
    world.with_policies()
    world.terminal.transport = httpx2.MockTransport(
        lambda request: httpx2.Response(503 if request.method == "POST" else 401)
    )
    order = '{"servers": ["aws-iam"], "reason": "a drill", "by": "anna"}'
    world.deployed.put("control/kill-switch.json", order)
    world.deployed.put("incoming/policies/aws-iam.yaml", 'version: "1"\ndefault: dny\n')
    world.deployed.activate("aws-iam", days_ago=1)
    queue = world.resources[0][1]
    world.services["sqs"].send_message(QueueUrl=queue, MessageBody="x")
    world.services["cloudwatch"].set_alarm_state(
        AlarmName="gate-letters", StateValue="ALARM", StateReason="x"
    )
    key = world.resources[3][1]
    world.services["kms"].disable_key(KeyId=key)
    world.services["secretsmanager"] = Failing(
        world.services["secretsmanager"], "describe_secret", fault("AccessDeniedException")
    )
    for number, asked in enumerate((NOW - 7300, NOW - 60)):
        world.dynamodb.put_item(
            TableName=world.table,
            Item={
                "pk": {"S": f"APPROVAL#{number}"}, "sk": {"S": "X"}, "listing": {"S": "open"},
                "asked": {"N": str(asked)},
            },
        )  # fmt: skip
    ran = world.run()
    assert (ran.exit_code, ran.stderr) == (ExitCode.UNAVAILABLE, "")
    assert text(ran) == (GOLDEN / "status-trouble.txt").read_text()


LOOKS: list[tuple[str, str, str]] = [
    ("kill switch", "s3", "get_object"),
    ("registrations", "s3", "list_objects_v2"),
    ("approvals", "dynamodb", "query"),
    ("stack", "cloudformation", "describe_stacks"),
    ("alarms", "cloudformation", "list_stack_resources"),
    ("alarms", "cloudwatch", "describe_alarms"),
    ("dead letters", "sqs", "get_queue_attributes"),
    ("secrets", "secretsmanager", "describe_secret"),
    ("keys", "kms", "describe_key"),
]


@pytest.mark.parametrize("check,service,operation", LOOKS)
def test_a_part_that_does_not_answer_is_told_and_the_others_are_looked_at(
    world: World, check: str, service: str, operation: str
) -> None:
    services = dict(world.services)
    world.deployed.put("control/kill-switch.json", '{"stopped": false}')
    for error in FAULTS:
        failing(world, service, operation, error.values[0])
        ran = world.run("--json")
        said = {one["check"]: one["state"] for one in ran.tree["checks"]}
        assert (said[check], said["gateway"]) == ("could not tell", "ok"), error.id
        assert ran.exit_code == ExitCode.UNAVAILABLE
        world.services.update(services)


def failing(world: World, service: str, operation: str, error: Any) -> None:
    if service == "s3":
        client = Failing(world.deployed.s3, operation, error)
        world.terminal.s3 = lambda: client
    elif service == "dynamodb":
        world.terminal.dynamodb = lambda: Failing(world.dynamodb, operation, error)
    else:
        world.services[service] = Failing(world.services[service], operation, error)


@pytest.mark.parametrize("check,service", [one[:2] for one in LOOKS[2:]])
def test_an_answer_of_another_shape_is_told(world: World, check: str, service: str) -> None:
    class Odd:
        def __getattr__(self, _name: str) -> Callable[..., Any]:
            return lambda **_asked: {}

    if service == "dynamodb":
        world.terminal.dynamodb = Odd
    else:
        world.services[service] = Odd()
    assert world.said(check)["says"] == "the answer is not as it should be"


def test_what_is_gone_is_told_from_what_cannot_be_seen(world: World) -> None:
    world.services["secretsmanager"].delete_secret(SecretId=world.resources[2][1])
    assert world.said("secrets")["says"] == "SessionKeySecret is to be deleted"
    world.services["secretsmanager"].delete_secret(
        SecretId=world.resources[2][1], ForceDeleteWithoutRecovery=True
    )
    assert world.said("secrets")["says"] == "SessionKeySecret is gone"
    world.services["cloudwatch"].delete_alarms(AlarmNames=["gate-letters"])
    assert world.said("alarms")["says"] == "DeadLettersAlarm deleted"


def test_a_stack_without_such_parts_is_not_taken_for_one_without_trouble(world: World) -> None:
    world.resources = [("Other", "other", "AWS::Other")]
    for check in ("dead letters", "alarms", "secrets", "keys"):
        assert world.said(check)["state"] == "could not tell"


def test_a_stack_with_too_many_resources_is_told(world: World) -> None:
    world.resources = [("Other", "other", "AWS::Other")] * 21
    assert "more resources than can be looked at" in world.said("alarms")["says"]


def test_without_a_stack_or_an_address_it_is_said_what_is_missing(world: World) -> None:
    del world.terminal.environment["PORTCULLIS_STACK"]
    world.terminal.environment["PORTCULLIS_CONSOLE_URL"] = ""
    assert world.said("alarms")["do"] == "say --stack"
    assert world.said("gateway")["says"] == "its address is not known"


def test_a_stack_that_there_is_none_of_is_told(world: World) -> None:
    failing(world, "cloudformation", "describe_stacks", fault("ValidationError"))
    assert world.said("stack")["says"] == "there is no such stack in this account and region"


def test_a_gateway_that_does_not_answer_could_not_be_told(world: World) -> None:
    def refused(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no way")

    world.terminal.transport = httpx2.MockTransport(refused)
    assert world.said("gateway")["says"] == "no answer: ConnectError"


def test_nobodys_credential_is_sent(world: World) -> None:
    seen: list[httpx2.Request] = []

    def noted(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(401)

    world.terminal.transport = httpx2.MockTransport(noted)
    world.run()
    assert [(one.method, str(one.url)) for one in seen] == [
        ("POST", "https://gate.example/mcp/portcullis"),
        ("GET", "https://gate.example/approvals"),
    ]
    assert not any("authorization" in one.headers for one in seen)
