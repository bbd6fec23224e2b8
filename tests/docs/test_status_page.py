"""The page on status objects names the fields that an activation writes, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.s3_activation import PolicyActivation, incoming_key

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "status.md").read_text()
BUCKET = "policies"
SOUND = 'version: "1"\ndefault: deny\n'
FAULTY = 'version: "1"\ndefualt: deny\n'


def explained(heading: str) -> set[str]:
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def activated(s3: Any, text: str) -> dict[str, Any]:
    s3.put_object(Bucket=BUCKET, Key=incoming_key("mq"), Body=text.encode())
    return dict(PolicyActivation(s3, BUCKET).activate("mq", now_seconds=0))


def test_the_fields_of_an_active_upload_are_explained(s3: Any) -> None:
    status = activated(s3, SOUND)
    assert set(status) == explained("Fields") - {"waiting"}
    assert set(status["read"]) == explained("What was read")
    assert set(status["in_force"]) == explained("What is in force")
    assert set(status["history"][0]) == {"revision", "source_version", "activated_at"}


def test_the_fields_of_a_rejected_upload_are_explained(s3: Any) -> None:
    activated(s3, SOUND)
    status = activated(s3, FAULTY)
    assert set(status) == explained("Fields") - {"read", "waiting"}
    assert status["revision"] is None
    assert status["in_force"] is not None
    assert all(set(fault) == explained("Faults and warnings") for fault in status["faults"])
    assert status["faults"]


def test_an_upload_that_says_the_same_is_named_as_in_force(s3: Any) -> None:
    first = activated(s3, SOUND)
    second = activated(s3, SOUND + "# a comment\n")
    assert second["revision"] == first["revision"]
    assert second["in_force"]["source_version"] == second["source_version"]
    assert second["source_version"] != first["source_version"]
