"""Threat cases O01 to O13 and O25: a file that is not sound changes nothing.

Uploads reach the real activator's handler as S3's events, calls the real gateway's. The files
of `tests/cases/invalid` are rows here too: what they are refused for is tested there.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.policy_text import parse_policy
from threats.gate import BUCKET, Gate, standing_gate

ROOT = Path(__file__).parents[2]
INVALID = sorted((ROOT / "tests" / "cases" / "invalid").glob("O*.yaml"))
SHIPPED = sorted(path for path in (ROOT / "policies").rglob("*") if path.is_file())
TOOLS = [
    {"name": "get_info", "inputSchema": {"type": "object"}},
    {"name": "delete_broker", "inputSchema": {"type": "object"}},
]
SERVER = "files"
LOCKED = """\
---
version: "1"
default: deny
tools:
  get_info: {action: allow}
  delete_broker: {action: deny}
...
"""
KEY = f"incoming/policies/{SERVER}.yaml"


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with standing_gate(TOOLS, {SERVER: LOCKED}) as gate:
        gate.activator = gate.cold_start("lambda_activator")  # type: ignore[attr-defined]
        yield gate


def event(key: str, version: str) -> dict[str, Any]:
    """S3's notice of an upload."""
    read: dict[str, Any] = json.loads((ROOT / "events" / "policy-uploaded.json").read_text())
    read["detail"]["object"].update({"key": key, "version-id": version})
    return read


def uploaded(gate: Gate, body: bytes, key: str = KEY) -> dict[str, Any]:
    """What the activator says of an upload."""
    s3 = boto3.client("s3", region_name="us-east-1")
    version = s3.put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"]
    status: dict[str, Any] = gate.activator(event(key, version), None)  # type: ignore[attr-defined]
    return status


def assert_is_locked(gate: Gate) -> None:
    """A fresh environment allows what the good policy allows, and no more."""
    gate.handler = gate.cold_start()
    gate.recorder.clear()
    assert gate.call(SERVER, "get_info").is_success
    assert not gate.call(SERVER, "delete_broker").is_success
    assert gate.recorder.executed("delete_broker") == []


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_a_faulty_file_is_rejected_with_its_faults(gate: Gate, path: Path) -> None:
    status = uploaded(gate, path.read_bytes())
    assert status["state"] == "rejected"
    assert status["faults"]
    assert status["in_force"]["revision"] == in_force()


def in_force() -> str:
    s3 = boto3.client("s3", region_name="us-east-1")
    key = f"active/policies/{SERVER}.json"
    found = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert found["document"]["default"] == "deny"
    assert "delete_broker" in found["document"]["tools"]
    return str(found["revision"])


def test_O02_after_all_of_them_the_good_policy_still_governs(gate: Gate) -> None:
    for body in (b"", b"\n", b"# only a comment\n", b"{}\n", b"[]\n", b"null\n", b'"text"\n'):
        assert uploaded(gate, body)["state"] == "rejected"
    assert_is_locked(gate)


def test_O03_no_part_of_the_policy_in_force_takes_its_place(gate: Gate) -> None:
    whole = LOCKED.encode()
    for length in range(len(whole) - 1):
        assert uploaded(gate, whole[:length])["state"] == "rejected", length
    assert_is_locked(gate)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_O03_a_sample_policy_that_lost_its_end_is_refused(path: Path) -> None:
    """Cut at every line, and at each of its last bytes; `make laws` cuts at every byte."""
    whole = path.read_bytes()
    content = len(whole.rstrip()) if path.suffix == ".json" else len(whole)
    ends = {at for at in range(content) if whole[at : at + 1] == b"\n"}
    for length in sorted(ends | set(range(content - 60, content))):
        with pytest.raises(PolicyFaults):
            parse_policy(whole[:length])


HOSTILE = {
    "O08-fifty-megabytes": b"# " + b"x" * (50 << 20),
    "O08-a-million-tools": b'version: "1"\ndefault: allow\ntools:\n'
    + b"".join(b"  t%d: {action: allow}\n" % n for n in range(60_000)),
    "O08-two-thousand-deep": b"[" * 2000 + b"]" * 2000 + b"\n",
    "O09-utf-16": 'version: "1"\ndefault: allow\n'.encode("utf-16"),
    "O09-invalid-utf-8": b'version: "1"\ndefault: allow\ndescription: "\xff"\n',
    "O09-byte-order-mark": b'\xef\xbb\xbfversion: "1"\ndefault: allow\n',
    "O09-nul": b'version: "1"\ndefault: allow\n\x00',
    "O09-line-separator": 'version: "1"\ndefault: deny # \u2028default: allow\n'.encode(),
    "O09-next-line": 'version: "1"\ndefault: deny # \u0085default: allow\n'.encode(),
    "O09-bidi": 'version: "1"\ndefault: allow\ndescription: "\u202e"\n'.encode(),
    "O25-a-script": b"#!/bin/sh\nexit 0\n",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_rejected_in_bounded_work(gate: Gate, body: bytes) -> None:
    status = uploaded(gate, body)
    assert status["state"] == "rejected"
    assert len(json.dumps(status)) < 200_000
    assert in_force() == status["in_force"]["revision"]


def test_O25_an_archive_is_no_policy(gate: Gate) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(f"{SERVER}.yaml", 'version: "1"\ndefault: allow\n')
    assert uploaded(gate, held.getvalue())["state"] == "rejected"


@pytest.mark.parametrize(
    "key",
    [
        "incoming/policies/../../active/policies/files.yaml",
        "incoming/policies/files.yaml/",
        "incoming/policies/sub/files.yaml",
        "incoming/policies/FILES.yaml",
        "incoming/policies/files.json",
        "incoming/policies/.yaml",
        "incoming/policies/files.yaml\n",
        "active/policies/files.json",
        "status/files.json",
    ],
)
def test_O25_an_object_under_another_name_is_no_policy(gate: Gate, key: str) -> None:
    body = b'version: "1"\ndefault: allow\n'
    told = gate.activator(event(key, "v"), None)  # type: ignore[attr-defined]
    assert told == {"state": "ignored"}
    assert body
    assert in_force()


def test_O12_names_that_no_tool_has_are_told(gate: Gate) -> None:
    text = LOCKED.replace("get_info:", "get_infos:")
    status = uploaded(gate, text.encode())
    assert status["state"] == "active"
    assert any("get_infos" in warning["message"] for warning in status["warnings"])
    assert uploaded(gate, LOCKED.encode())["warnings"] == []


def test_O13_a_hidden_tool_that_is_allowed_stays_hidden_and_is_told(gate: Gate) -> None:
    text = LOCKED.replace("tools:", "hide: [get_info]\ntools:")
    status = uploaded(gate, text.encode())
    assert any("hidden" in warning["message"] for warning in status["warnings"])
    gate.handler = gate.cold_start()
    assert gate.call(SERVER, "get_info").is_unknown_tool
    uploaded(gate, LOCKED.encode())
    assert_is_locked(gate)
