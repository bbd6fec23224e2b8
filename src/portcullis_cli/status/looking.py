"""What `status` reads of a deployment, with the operator's own rights. Each part by itself."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx2
from botocore.exceptions import ClientError

from portcullis.adapters import approval_items
from portcullis.adapters.aws_calls import Client, error_code
from portcullis.adapters.dynamodb_approvals import INDEX
from portcullis.adapters.kill_switch_object import (
    KEY,
    MAXIMUM_BYTES,
    NOTHING_STOPPED,
    Order,
    read_order,
)
from portcullis_cli.errors import CommandError, unavailable
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.policy.deployment import find_object
from portcullis_cli.servers.bucket import ServersBucket
from portcullis_cli.servers.facts import Server, names_of, server_of
from portcullis_cli.status.checks import DEFAULT_WAIT, NO_STACK, PRESENT
from portcullis_cli.status.readings import Part, Readings, Stack, Waiting
from portcullis_cli.surroundings import Surroundings
from portcullis_cli.untold import Untold

MOST: Final = 1000  # requests that are counted: what one page of the index holds
_MOST_PAGES: Final = 20  # of a stack's resources
_AT_ONCE: Final = 100  # alarms in one question
_NOBODY: Final = "portcullis"  # a name that no server can have
_TIMEOUT: Final = httpx2.Timeout(10.0)
_GONE: Final = frozenset({"ResourceNotFoundException", "NotFoundException"})

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where the parts of a deployment are; "" where nobody said."""

    bucket: str
    table: str
    base: str = ""  # of the gateway's addresses
    stack: str = ""


@dataclass(frozen=True, slots=True)
class _Resources:
    """The resources of the stack: their names in the template to what AWS calls them."""

    by_type: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, kind: str) -> Mapping[str, str]:
        """Those of one type.

        Raises:
            CommandError: there is none, so this is no stack of Portcullis.
        """
        found = self.by_type.get(kind)
        if not found:
            raise unavailable(f"the stack has no {kind}")
        return found


class Looking:
    """Looks at one deployment."""

    def __init__(self, around: Surroundings, deployment: Deployment) -> None:
        self._around = around
        self._deployment = deployment

    def look(self) -> Readings:
        """Read every part; what cannot be read is told in its place."""
        resources = _read(self._resources)

        def of_stack(look: Callable[[_Resources], _T]) -> _T | Untold:
            return resources if isinstance(resources, Untold) else _read(lambda: look(resources))

        return Readings(
            now=self._around.now(),
            gateway=_read(lambda: self._status("POST", f"/mcp/{_NOBODY}")),
            console=_read(lambda: self._status("GET", "/approvals")),
            kill_switch=_read(self._kill_switch),
            servers=_read(self._servers),
            approvals=_read(self._approvals),
            stack=_read(self._stack),
            dead_letters=of_stack(self._dead_letters),
            alarms=of_stack(self._alarms),
            secrets=of_stack(self._secrets),
            keys=of_stack(self._keys),
        )

    def _status(self, method: str, path: str) -> int:
        """The HTTP status of a request that says nobody's name; its answer is not read."""
        if not self._deployment.base:
            raise unavailable("its address is not known")
        url = self._deployment.base + path
        with_proxy = url.startswith("https:")
        try:
            with (
                httpx2.Client(
                    transport=self._around.transport, timeout=_TIMEOUT, trust_env=with_proxy
                ) as client,
                client.stream(method, url) as reply,
            ):
                return reply.status_code
        except httpx2.HTTPError as error:
            raise unavailable(f"no answer: {type(error).__name__}") from error

    def _kill_switch(self) -> Order:
        found = find_object(self._around.s3(), self._deployment.bucket, KEY, maximum=MAXIMUM_BYTES)
        return NOTHING_STOPPED if found is None else read_order(found.text)

    def _servers(self) -> tuple[Server, ...]:
        source = ServersBucket(self._around.s3(), self._deployment.bucket)
        known = source.names()
        return tuple(server_of(source.kept(name, known)) for name in names_of(known))

    def _approvals(self) -> Waiting:
        """Open requests, oldest first (DynamoDB API reference, Query): of the index, keys alone."""
        answer = self._around.dynamodb().query(
            TableName=self._deployment.table,
            IndexName=INDEX,
            KeyConditionExpression="#listing = :listing",
            ExpressionAttributeNames={"#listing": "listing"},
            ExpressionAttributeValues={":listing": {"S": approval_items.listing(is_open=True)}},
            ScanIndexForward=True,
            Limit=MOST,
        )
        items = answer["Items"]
        oldest = self._around.now() - int(items[0]["asked"]["N"]) if items else 0
        is_whole = "LastEvaluatedKey" not in answer
        return Waiting(count=len(items), oldest_seconds=max(0, oldest), is_whole=is_whole)

    def _stack(self) -> Stack:
        """The stack's status (CloudFormation API reference, DescribeStacks)."""
        with self._cloudformation() as client:
            (found,) = client.describe_stacks(StackName=self._deployment.stack)["Stacks"]
        told = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())}
        wait = int(told.get("ApprovalWaitAlarmSeconds", DEFAULT_WAIT))
        return Stack(status=str(found["StackStatus"]), wait_seconds=wait)

    def _resources(self) -> _Resources:
        more: dict[str, str] = {}
        found: dict[str, dict[str, str]] = {}
        for _ in range(_MOST_PAGES):
            with self._cloudformation() as client:
                page = client.list_stack_resources(StackName=self._deployment.stack, **more)
            for one in page["StackResourceSummaries"]:
                names = found.setdefault(one["ResourceType"], {})
                names[one["LogicalResourceId"]] = one["PhysicalResourceId"]
            if not page.get("NextToken"):
                return _Resources(found)
            more = {"NextToken": page["NextToken"]}
        raise unavailable("the stack has more resources than can be looked at")

    @contextmanager
    def _cloudformation(self) -> Iterator[Client]:
        """A client that may be asked about the stack.

        Raises:
            CommandError: no stack is named, or there is none of this name.
        """
        if not self._deployment.stack:
            raise unavailable(NO_STACK)
        try:
            yield self._around.aws("cloudformation")
        except ClientError as error:
            if error_code(error) != "ValidationError":
                raise
            raise unavailable("there is no such stack in this account and region") from error

    def _dead_letters(self, resources: _Resources) -> int:
        """Messages that wait or are being looked at (SQS API reference, GetQueueAttributes)."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        client = self._around.aws("sqs")
        return sum(
            int(told["Attributes"][name])
            for queue in resources.of("AWS::SQS::Queue").values()
            for told in [client.get_queue_attributes(QueueUrl=queue, AttributeNames=list(names))]
            for name in names
        )

    def _alarms(self, resources: _Resources) -> tuple[Part, ...]:
        alarms = resources.of("AWS::CloudWatch::Alarm")
        names = {physical: logical for logical, physical in alarms.items()}
        client, told = self._around.aws("cloudwatch"), dict[str, Any]()
        asked = sorted(names)
        for start in range(0, len(asked), _AT_ONCE):
            names_asked = asked[start : start + _AT_ONCE]
            answer = client.describe_alarms(AlarmNames=names_asked, MaxRecords=_AT_ONCE)
            told |= {one["AlarmName"]: one for one in answer["MetricAlarms"]}
        return tuple(
            Part(
                name=names[one],
                state=str(told[one]["StateValue"]) if one in told else "",
                is_muted=one in told and not told[one]["ActionsEnabled"],
            )
            for one in asked
        )

    def _secrets(self, resources: _Resources) -> tuple[Part, ...]:
        client = self._around.aws("secretsmanager")

        def state(name: str) -> str:
            told = client.describe_secret(SecretId=name)
            return "to be deleted" if "DeletedDate" in told else PRESENT * bool(told["ARN"])

        return tuple(_parts(resources.of("AWS::SecretsManager::Secret"), state))

    def _keys(self, resources: _Resources) -> tuple[Part, ...]:
        client = self._around.aws("kms")

        def state(name: str) -> str:
            return str(client.describe_key(KeyId=name)["KeyMetadata"]["KeyState"])

        return tuple(_parts(resources.of("AWS::KMS::Key"), state))


def _parts(names: Mapping[str, str], state: Callable[[str], str]) -> Iterator[Part]:
    for logical, physical in sorted(names.items()):
        try:
            yield Part(name=logical, state=state(physical))
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
            yield Part(name=logical, state="")


def _read(look: Callable[[], _T]) -> _T | Untold:
    """What a look saw, or why it saw nothing; an answer of another shape is nothing."""
    try:
        with aws_answers():
            return look()
    except CommandError as error:
        return Untold(str(error))
    except (LookupError, TypeError, ValueError, AttributeError):
        return Untold("the answer is not as it should be")
