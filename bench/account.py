"""The emulated AWS account of a run: a bucket with the policy in force, a table, a secret."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from bench.calls import POLICY, SECRET, SERVER
from bench.children import ROOT, free_port, serving
from portcullis.adapters.s3_activation import PolicyActivation, incoming_key
from portcullis.adapters.server_activation import ServerActivation, incoming_server_key
from portcullis.registration.model import Permits

REGION, BUCKET, TABLE = "us-east-1", "bench-policies", "bench-state"
MINISTACK = ROOT / ".tools" / "ms"

_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@contextmanager
def running_ministack() -> Iterator[str]:
    """Run the emulator in a process of its own; answers its endpoint."""
    port = free_port()
    environment = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0"}
    with serving([str(MINISTACK / "bin" / "ministack")], environment, port=port) as child:
        yield child.url


def client(service: str, endpoint: str) -> Any:
    """A client of the emulated account."""
    return boto3.client(
        service,  # type: ignore[call-overload]  # a name only known at run time
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106 - an emulator's
    )


def furnish(endpoint: str, upstream: str) -> str:
    """Make what the gateway needs, the policy and the server in force; answers the secret's ARN.

    `upstream` is the server's URL.
    """
    client("dynamodb", endpoint).create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    s3 = client("s3", endpoint)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key=incoming_key(SERVER), Body=POLICY.encode())
    status = PolicyActivation(s3, BUCKET).activate(SERVER, now_seconds=0)
    if status["state"] != "active":
        raise RuntimeError(f"the policy was not activated: {status}")
    _register(s3, upstream)
    secrets = client("secretsmanager", endpoint)
    made: str = secrets.create_secret(Name="session-key", SecretString=SECRET)["ARN"]
    return made


def _register(s3: Any, upstream: str) -> None:
    text = json.dumps({"version": "1", "url": upstream})
    s3.put_object(Bucket=BUCKET, Key=incoming_server_key(SERVER), Body=text.encode())
    activation = ServerActivation(s3, BUCKET, permits=Permits(allow_loopback=True))
    status = activation.activate(SERVER, now_seconds=0)
    if status["state"] != "active":
        raise RuntimeError(f"the server was not registered: {status}")


def gateway_environment(*, endpoint: str, secret: str, servers: str) -> dict[str, str]:
    """The gateway function's environment, as the template sets it."""
    return {
        **_CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "PORTCULLIS_STACK": "bench",
        "PORTCULLIS_BUCKET": BUCKET,
        "PORTCULLIS_BUCKET_OWNER": "123456789012",
        "PORTCULLIS_TABLE": TABLE,
        "PORTCULLIS_STORE_TIMEOUT_SECONDS": "2",
        "PORTCULLIS_IDENTITY": "grants",
        "PORTCULLIS_SERVERS": servers,
        "PORTCULLIS_SESSION_KEY_SECRET": secret,
        "PORTCULLIS_STAGE_PROOF_SECRET": secret,
        "PORTCULLIS_POLICY_REFRESH_SECONDS": "30",
        "PORTCULLIS_POLICY_MAX_AGE_SECONDS": "3600",
        "PORTCULLIS_KILL_SWITCH_REFRESH_SECONDS": "5",
        "PORTCULLIS_KILL_SWITCH_MAX_AGE_SECONDS": "60",
        "PORTCULLIS_SESSION_CAP": "5",
        "PORTCULLIS_SESSION_TTL_SECONDS": "28800",
        "PORTCULLIS_ALLOWED_ORIGINS": "",
        "PORTCULLIS_ALLOWED_HOSTS": "",
        "PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS": "true",
        "PORTCULLIS_UPSTREAM_FUNCTION_ARNS": "",
        "PORTCULLIS_UPSTREAM_SECRET_ARNS": "",
        "PORTCULLIS_UPSTREAM_ACCESS_POLICY": "",
        "PORTCULLIS_UPSTREAM_TIMEOUT_SECONDS": "25",
        # No call that is measured asks for an approval: these are only named, never used.
        "PORTCULLIS_STATE_MACHINE": "unused",
        "PORTCULLIS_APPROVAL_KEY_ID": "unused",
        "PORTCULLIS_RECORDING_KEY_ID": "",
        "PORTCULLIS_APPROVAL_RETENTION_SECONDS": "86400",
        "PORTCULLIS_APPROVAL_CAP": "20",
        "PORTCULLIS_APPROVAL_COOLDOWN_SECONDS": "300",
        "PORTCULLIS_APPROVAL_HOLD_SECONDS": "20",
        "PORTCULLIS_PUBLIC_URL": "https://gate.example",
        "PORTCULLIS_LEGACY_URL_ELICITATION": "false",
    }
