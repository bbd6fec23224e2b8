"""The monitor's handler, as the schedule invokes it."""

import importlib
import json

import boto3
import pytest
from moto import mock_aws

from support.engines import create_state_table


def test_the_handler_writes_what_it_saw_as_one_line_of_metrics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
        queue = boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="dead")
        table = create_state_table(boto3.client("dynamodb", region_name="us-east-1"))
        for name, value in {
            "STACK": "gate",
            "BUCKET": "bucket",
            "BUCKET_OWNER": "123456789012",
            "TABLE": table,
            "DEAD_LETTERS": queue["QueueUrl"],
            "STORE_TIMEOUT_SECONDS": "2",
        }.items():
            monkeypatch.setenv(f"PORTCULLIS_{name}", value)
        module = importlib.import_module("portcullis.entrypoints.lambda_monitor")
        assert module.handler({}, None) is None
    (line,) = capsys.readouterr().out.splitlines()
    seen = json.loads(line)
    assert (seen["message"], seen["service"], seen["MonitorFailures"]) == ("monitor", "gate", 0)
