"""An emulated AWS account on loopback for tests that start processes of their own."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from local_stack.emulator import mq

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class AwsEmulator:
    """The running account."""

    url: str

    def client(self, service: str) -> Any:
        """A client of the account's administrator."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # a name only known at run time
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def environment(self) -> dict[str, str]:
        """What Lambda gives a function: credentials and a region, and no profile."""
        return {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing/with%odd=characters",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.url,
            "NO_PROXY": "127.0.0.1",
        }

    def make_host_state(self) -> dict[str, str]:
        """Make the table and the key of a host; answer the settings that name them."""
        table = "host-state"
        self.client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        key = self.client("kms").create_key()["KeyMetadata"]["KeyId"]
        return {"MCP_HOST_STATE_TABLE": table, "MCP_HOST_KEY_ID": key}


@contextmanager
def running_emulator() -> Iterator[AwsEmulator]:
    """An empty account that answers until the block ends."""
    mq.install()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        emulator = AwsEmulator(f"http://{host}:{port}")
        _reset(emulator)
        yield emulator
    finally:
        server.stop()


def _reset(emulator: AwsEmulator) -> None:
    request = urllib.request.Request(f"{emulator.url}/moto-api/reset", method="POST")  # noqa: S310
    with urllib.request.urlopen(request):  # noqa: S310 - our own loopback address
        pass
