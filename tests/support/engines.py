"""DynamoDB engines for tests: two emulators in processes of their own, one in this process.

ministack is written independently of moto and is atomic by itself, so what holds on both
does not hold by one emulator's accident. Neither is DynamoDB: partitions, throttling and
adaptive capacity, replication between regions and TTL deletion exist only in AWS.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from local_stack.emulator import dynamodb

ROOT = Path(__file__).parents[2]
MINISTACK = ROOT / ".tools" / "ms" / "bin" / "ministack"
MOTO_SERVER = Path(__file__).parent / "moto_dynamodb_server.py"
TABLE = "portcullis-state"
_START_SECONDS = 30.0


def make_client(endpoint: str | None = None, *, retries: int = 0) -> Any:
    """A DynamoDB client made as the gateway makes it: no retries, short time-outs."""
    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=endpoint,
        config=Config(
            retries={"total_max_attempts": retries + 1, "mode": "standard"},
            connect_timeout=5,
            read_timeout=20,
        ),
    )


def create_state_table(client: Any, table: str = TABLE) -> str:
    """Make a table with the keys and the index of the state table; answers its name."""
    client.create_table(
        TableName=table,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "listing", "AttributeType": "S"},
            {"AttributeName": "asked", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "approvals",
                "KeySchema": [
                    {"AttributeName": "listing", "KeyType": "HASH"},
                    {"AttributeName": "asked", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return table


@contextmanager
def moto_client(*, retries: int = 0) -> Iterator[Any]:
    """A client on an empty DynamoDB in this process (moto, corrected), with the state table."""
    dynamodb.install()
    with mock_aws():
        client = make_client(retries=retries)
        create_state_table(client)
        yield client


@contextmanager
def serving(command: list[str], environment: dict[str, str], port: int) -> Iterator[str]:
    """Run an emulator until the block ends; answers its endpoint once it accepts."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ministack() -> Iterator[str]:
    """Run ministack; skips by name where it is not installed."""
    if not MINISTACK.exists():
        pytest.skip("ministack is not installed (make setup puts it in .tools/ms)")
    port = free_port()
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
    }
    with serving([str(MINISTACK)], environment, port) as endpoint:
        yield endpoint


@contextmanager
def moto_server(*, corrected: bool) -> Iterator[str]:
    """Run moto's server, with or without the corrections of `local_stack.emulator.dynamodb`."""
    port = free_port()
    command = [sys.executable, str(MOTO_SERVER), str(port), "corrected" if corrected else "stock"]
    with serving(command, {"PYTHONPATH": str(ROOT / "src")}, port) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def ministack_endpoint() -> Iterator[str]:
    """The endpoint of one ministack for the whole run."""
    with ministack() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def corrected_moto_endpoint() -> Iterator[str]:
    """The endpoint of one corrected moto server for the whole run."""
    with moto_server(corrected=True) as endpoint:
        yield endpoint


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the emulator ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the emulator does not accept connections")
