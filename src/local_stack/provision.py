"""Creates the template's resources in the emulator, in the order of the file.

Every resource type is either created here or listed as one that has no local counterpart,
with the reason; a type that is neither is an error.
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from local_stack.apigateway_event import API_ID
from local_stack.errors import TemplateError
from local_stack.intrinsics import ACCOUNT_ID, REGION, STACK_NAME, Physical
from local_stack.template import API, FUNCTION, STATE_MACHINE, Template

CREDENTIALS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
}

NOT_EMULATED: Mapping[str, str] = {
    "AWS::CloudWatch::Alarm": "nothing counts metrics; they stand in the log lines",
    "AWS::AppConfig::Application": "nothing reads it",
    "AWS::AppConfig::ConfigurationProfile": "nothing reads it",
    "AWS::AppConfig::HostedConfigurationVersion": "nothing reads it",
    "AWS::ApiGateway::Account": "the local front writes no access log",
    "AWS::CloudWatch::Dashboard": "shows metrics, which nothing counts",
    "AWS::CloudWatch::InsightRule": "counts log lines, which are only kept here",
    "AWS::IAM::ManagedPolicy": "permissions are not enforced",
    "AWS::IAM::Policy": "permissions are not enforced",
    "AWS::KinesisFirehose::DeliveryStream": "there is no audit trail of a try",
    "AWS::Logs::QueryDefinition": "nothing runs queries; the lines can be read",
    "AWS::ApiGateway::BasePathMapping": "the local front has one address",
    "AWS::ApiGateway::DomainName": "the local front has one address",
    "AWS::Route53::RecordSet": "the local front has one address",
    "AWS::Logs::LogStream": "of the delivery of an audit trail, which there is none of",
    "AWS::Logs::SubscriptionFilter": "there is no audit trail of a try",
    "AWS::S3::BucketPolicy": "permissions are not enforced",
    "AWS::SNS::TopicPolicy": "permissions are not enforced",
    "AWS::SQS::QueuePolicy": "permissions are not enforced",
    "AWS::Serverless::LayerVersion": "dependencies come from the virtual environment",
    API: "the local front stands in",
}


class Clients:
    """Clients of the emulator, one a service."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self._made: dict[str, Any] = {}

    def __getitem__(self, service: str) -> Any:
        """Answer the client of a service; it never goes through a proxy."""
        if service not in self._made:
            self._made[service] = boto3.client(
                service,  # type: ignore[call-overload]  # the name is data here
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                config=Config(proxies={}, s3={"addressing_style": "path"}),
            )
        return self._made[service]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """One resource to create: its physical name and what the template says of it."""

    name: str
    properties: Mapping[str, Any]


def provision(template: Template, clients: Clients) -> None:
    """Create every resource and the rules; `template.physical` then names them all.

    Raises:
        TemplateError: a type or a reference is not supported.
    """
    types = template.types()
    template.physical.update(_foreseen(types))
    for logical_id, kind in types.items():
        name = template.name_of(logical_id) if kind == FUNCTION else None
        if name is not None:
            template.physical[logical_id] = _FORESEEN[FUNCTION](name)
    for logical_id, kind in types.items():
        if kind in NOT_EMULATED or kind in {FUNCTION, STATE_MACHINE}:
            continue
        if kind not in _CREATE:
            raise TemplateError(f"`{kind}` is not supported")
        order = _Order(name=_name(logical_id), properties=template.properties(logical_id))
        template.physical[logical_id] = _CREATE[kind](clients, order)
    _create_functions(template, clients)
    _create_state_machines(template, clients)
    _create_rules(template, clients)


def _name(logical_id: str) -> str:
    return f"{STACK_NAME}-{logical_id}"


def _foreseen(types: Mapping[str, str]) -> dict[str, Physical]:
    """What can be named before it exists, so that resources may refer to one another."""
    return {
        logical_id: _FORESEEN[kind](_name(logical_id))
        for logical_id, kind in types.items()
        if kind in _FORESEEN
    }


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"


def _same(arn: str) -> Physical:
    """A resource whose `Ref` is its ARN."""
    return Physical(ref=arn, arn=arn)


_FORESEEN: Mapping[str, Callable[[str], Physical]] = {
    FUNCTION: lambda name: Physical(ref=name, arn=_arn("lambda", f"function:{name}")),
    API: lambda _: Physical(ref=API_ID),
    "AWS::AppConfig::HostedConfigurationVersion": lambda _: Physical(ref="1"),
    STATE_MACHINE: lambda name: _same(_arn("states", f"stateMachine:{name}")),
    "AWS::IAM::Role": lambda name: Physical(ref=name, arn=f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"),
    "AWS::Logs::LogGroup": lambda name: Physical(ref=name, arn=_arn("logs", f"log-group:{name}:*")),
    "AWS::SNS::Topic": lambda name: _same(_arn("sns", name)),
    "AWS::Serverless::LayerVersion": lambda name: Physical(ref=_arn("lambda", f"layer:{name}:1")),
}


def _create_bucket(clients: Clients, order: _Order) -> Physical:
    bucket, client = order.name.lower(), clients["s3"]
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration=order.properties["VersioningConfiguration"]
    )
    notifications = order.properties.get("NotificationConfiguration") or {}
    if (notifications.get("EventBridgeConfiguration") or {}).get("EventBridgeEnabled"):
        client.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    return Physical(ref=bucket, arn=f"arn:aws:s3:::{bucket}")


def _create_table(clients: Clients, order: _Order) -> Physical:
    properties, client = order.properties, clients["dynamodb"]
    created = client.create_table(
        TableName=order.name,
        AttributeDefinitions=properties["AttributeDefinitions"],
        KeySchema=properties["KeySchema"],
        BillingMode=properties["BillingMode"],
        **{key: properties[key] for key in ("GlobalSecondaryIndexes",) if key in properties},
    )
    client.update_time_to_live(
        TableName=order.name, TimeToLiveSpecification=properties["TimeToLiveSpecification"]
    )
    return Physical(ref=order.name, arn=created["TableDescription"]["TableArn"])


def _create_key(clients: Clients, order: _Order) -> Physical:
    created = clients["kms"].create_key(Description=order.properties["Description"])
    return Physical(ref=created["KeyMetadata"]["KeyId"], arn=created["KeyMetadata"]["Arn"])


def _create_secret(clients: Clients, order: _Order) -> Physical:
    client = clients["secretsmanager"]
    value = client.get_random_password(**order.properties["GenerateSecretString"])
    created = client.create_secret(Name=order.name, SecretString=value["RandomPassword"])
    return Physical(ref=created["ARN"])


def _create_queue(clients: Clients, order: _Order) -> Physical:
    created = clients["sqs"].create_queue(QueueName=order.name)
    return Physical(ref=created["QueueUrl"], arn=_arn("sqs", order.name))


def _create_topic(clients: Clients, order: _Order) -> Physical:
    return _same(clients["sns"].create_topic(Name=order.name)["TopicArn"])


def _create_subscription(clients: Clients, order: _Order) -> Physical:
    properties = order.properties
    subscribed = clients["sns"].subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
    )
    return Physical(ref=subscribed["SubscriptionArn"])


def _create_role(clients: Clients, order: _Order) -> Physical:
    created = clients["iam"].create_role(
        RoleName=order.name,
        AssumeRolePolicyDocument=json.dumps(order.properties["AssumeRolePolicyDocument"]),
    )
    return Physical(ref=order.name, arn=created["Role"]["Arn"])


def _create_log_group(clients: Clients, order: _Order) -> Physical:
    """Under the name by which resources refer to it, also where the template has one of its own."""
    clients["logs"].create_log_group(logGroupName=order.name)
    return Physical(ref=order.name, arn=_arn("logs", f"log-group:{order.name}:*"))


_CREATE: Mapping[str, Callable[[Clients, _Order], Physical]] = {
    "AWS::DynamoDB::Table": _create_table,
    "AWS::IAM::Role": _create_role,
    "AWS::KMS::Key": _create_key,
    "AWS::Logs::LogGroup": _create_log_group,
    "AWS::S3::Bucket": _create_bucket,
    "AWS::SNS::Subscription": _create_subscription,
    "AWS::SNS::Topic": _create_topic,
    "AWS::SQS::Queue": _create_queue,
    "AWS::SecretsManager::Secret": _create_secret,
}


def _create_functions(template: Template, clients: Clients) -> None:
    """Lambda must know the names; the code runs elsewhere (`local_stack.runtime_api`)."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("runs-elsewhere", "")
    for function in template.functions():
        clients["lambda"].create_function(
            FunctionName=function.name,
            Runtime=function.runtime,
            Handler=function.handler,
            Role=template.properties(function.logical_id)["Role"],
            Code={"ZipFile": archive.getvalue()},
        )
        if function.alias is not None:  # at its first deployment it has one version
            clients["lambda"].create_alias(
                FunctionName=function.name,
                Name=function.alias,
                FunctionVersion=clients["lambda"].publish_version(FunctionName=function.name)[
                    "Version"
                ],
            )


def _create_state_machines(template: Template, clients: Clients) -> None:
    for machine in template.state_machines():
        clients["stepfunctions"].create_state_machine(
            name=_name(machine.logical_id), definition=machine.definition, roleArn=machine.role
        )


def _create_rules(template: Template, clients: Clients) -> None:
    client = clients["events"]
    for rule in template.rules():
        client.put_rule(
            Name=rule.name,
            EventPattern=json.dumps(rule.pattern),
            State="ENABLED" if rule.is_enabled else "DISABLED",
        )
        target = {"Id": rule.function, "Arn": rule.target}
        client.put_targets(Rule=rule.name, Targets=[target])
