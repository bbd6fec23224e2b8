"""Recorded calls on KMS (emulated by moto): sealed, they open with their line alone."""

import json
import traceback
from base64 import b64decode, b64encode
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from portcullis.adapters.envelope import DataKey
from portcullis.adapters.kms_recorder import (
    KEY_LINES,
    KEY_SECONDS,
    RETRY_SECONDS,
    KmsRecorder,
    RecordingReader,
)
from portcullis.adapters.recording_json import read_recording, written_recording
from portcullis.errors import RecordingError, TooLargeToRecordError, VaultError
from portcullis.gateway.recording import MAXIMUM_BYTES, RecordedCall
from portcullis.policy.model import Call, Instant, Kind, Principal
from support.dynamodb_faults import Faults, client_error, errors_of

CANARY = "canary-4711"
CODES = ("AccessDeniedException", "DisabledException", "KMSInternalException", "NotFoundException")
ERRORS = {
    **errors_of("GenerateDataKey"),
    **{code: client_error(code, "GenerateDataKey") for code in CODES},
}
RECORDED = RecordedCall(
    call=Call(
        server="mq",
        kind=Kind.TOOL,
        name="create_broker",
        arguments={"size": Decimal("1.50"), "names": ["a", CANARY], "note": "[redacted: string]"},
        principal=Principal(
            issuer="i", subject="s", groups=None, tags={"team": "x"}, claims={"n": 1}
        ),
        session="slot-0",
    ),
    at=Instant(micros=5),
    removed=(("note",), ("names", 0)),
)


@pytest.fixture(scope="module")
def kms() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client(
            "kms", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1})
        )


@pytest.fixture(scope="module")
def key_id(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def faults(kms: Any) -> Iterator[Faults]:
    injected = Faults(kms)
    yield injected
    injected.clear()


class Clock:
    """A clock that stands where a test puts it."""

    def __init__(self) -> None:
        self.seconds = 1_000_000

    def __call__(self) -> Instant:
        return Instant(micros=self.seconds * 1_000_000)


def recorder(kms: Any, key_id: str, clock: Clock | None = None, stack: str = "gate") -> KmsRecorder:
    return KmsRecorder(lambda: kms, key_id, stack=stack, clock=clock or Clock())


def opened(kms: Any, sealed: str, **other: str) -> RecordedCall:
    line = {"stack": "gate", "server": "mq", "decision_id": "d1", **other}
    return RecordingReader(kms).open(sealed, **line)


def test_a_recording_opens_with_its_own_line(kms: Any, key_id: str) -> None:
    sealed = recorder(kms, key_id).seal(RECORDED, decision_id="d1")
    assert opened(kms, sealed) == RECORDED
    assert CANARY.encode() not in b64decode(sealed)


@pytest.mark.parametrize(
    "other", [{"decision_id": "d2"}, {"server": "iam"}, {"stack": "another"}], ids=str
)
def test_R02_a_recording_moved_to_another_line_does_not_open(
    kms: Any, key_id: str, other: dict[str, str]
) -> None:
    sealed = recorder(kms, key_id).seal(RECORDED, decision_id="d1")
    with pytest.raises((VaultError, kms.exceptions.InvalidCiphertextException)):
        opened(kms, sealed, **other)


def test_R02_the_data_key_of_an_approval_does_not_open_a_recording(kms: Any, key_id: str) -> None:
    """Sealed under the same key, for another purpose: KMS does not give the data key away."""
    context = {"portcullis:approval": "x", "portcullis:purpose": "arguments"}
    made = kms.generate_data_key(KeyId=key_id, KeySpec="AES_256", EncryptionContext=context)
    sealed = b64decode(recorder(kms, key_id).seal(RECORDED, decision_id="d1"))
    end = 3 + int.from_bytes(sealed[1:3], "big")
    encrypted = made["CiphertextBlob"]
    forged = b"\x01" + len(encrypted).to_bytes(2, "big") + encrypted + sealed[end:]
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        opened(kms, b64encode(forged).decode())


def test_R03_a_recording_that_was_changed_does_not_open(kms: Any, key_id: str) -> None:
    sealed = b64decode(recorder(kms, key_id).seal(RECORDED, decision_id="d1"))
    end = 3 + int.from_bytes(sealed[1:3], "big")
    for at in (0, end, end + 30, len(sealed) - 1):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(VaultError):
            opened(kms, b64encode(changed).decode())
    for text in ("", "no base64!", "AAAA", b64encode(sealed[:end]).decode()):
        with pytest.raises(VaultError):
            opened(kms, text)


WRITTEN = json.loads(written_recording(RECORDED))


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        json.dumps({**WRITTEN, "more": 1}).encode(),
        json.dumps({**WRITTEN, "at": "5"}).encode(),
        json.dumps({**WRITTEN, "redacted": ["note"]}).encode(),
        json.dumps({**WRITTEN, "redacted": [[True]]}).encode(),
        json.dumps({**WRITTEN, "principal": {}}).encode(),
    ],
)
def test_R03_what_is_no_recorded_call_is_none(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_recording(content, "mq")


def test_R03_something_else_that_was_sealed_is_no_recorded_call(
    kms: Any, key_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portcullis.adapters.kms_recorder.written_recording", lambda _: b"[]")
    sealed = recorder(kms, key_id).seal(RECORDED, decision_id="d1")
    with pytest.raises(VaultError, match="no recorded call"):
        opened(kms, sealed)


def test_one_data_key_serves_many_lines_for_a_time(kms: Any, key_id: str, faults: Faults) -> None:
    clock = Clock()
    seals = recorder(kms, key_id, clock)
    sealed = [seals.seal(RECORDED, decision_id=f"d{number}") for number in range(KEY_LINES)]
    assert len(set(sealed)) == KEY_LINES
    assert faults.called == ["GenerateDataKey"]
    seals.seal(RECORDED, decision_id="d")  # one line too many
    assert faults.called == ["GenerateDataKey"] * 2
    clock.seconds += KEY_SECONDS
    seals.seal(RECORDED, decision_id="d")
    assert faults.called == ["GenerateDataKey"] * 3
    reader = RecordingReader(kms)
    for number in range(3):
        reader.open(sealed[number], stack="gate", server="mq", decision_id=f"d{number}")
    assert faults.called[3:] == ["Decrypt"]


@pytest.mark.parametrize("fault", sorted(ERRORS))
def test_R04_a_key_that_cannot_be_had_records_nothing(
    kms: Any, key_id: str, faults: Faults, fault: str
) -> None:
    """And is not asked for with every call, but after a time again."""
    clock = Clock()
    seals = recorder(kms, key_id, clock)
    faults.before("GenerateDataKey", ERRORS[fault])
    for _ in range(3):
        with pytest.raises(RecordingError) as caught:
            seals.seal(RECORDED, decision_id="d1")
        assert CANARY not in "".join(traceback.format_exception(caught.value))
        clock.seconds += 1
    assert faults.called == ["GenerateDataKey"]
    faults.clear()
    clock.seconds += RETRY_SECONDS
    assert opened(kms, seals.seal(RECORDED, decision_id="d1")) == RECORDED


@pytest.mark.parametrize("answer", [{}, {"Plaintext": b"k" * 16, "CiphertextBlob": b"x"}])
def test_R04_an_answer_without_a_data_key_records_nothing(
    kms: Any, key_id: str, faults: Faults, answer: dict[str, Any]
) -> None:
    faults.garble("GenerateDataKey", answer)
    with pytest.raises(RecordingError):
        recorder(kms, key_id).seal(RECORDED, decision_id="d1")


def test_R04_a_client_that_cannot_be_made_records_nothing(key_id: str) -> None:
    def make() -> Any:
        raise OSError("no network")

    with pytest.raises(RecordingError):
        KmsRecorder(make, key_id, stack="gate", clock=Clock()).seal(RECORDED, decision_id="d")


def test_a_recording_is_not_opened_while_the_key_does_not_answer(
    kms: Any, key_id: str, faults: Faults
) -> None:
    sealed = recorder(kms, key_id).seal(RECORDED, decision_id="d1")
    for error in errors_of("Decrypt").values():
        faults.before("Decrypt", error)
        with pytest.raises(type(error)):
            opened(kms, sealed)


def test_R05_a_call_that_is_too_large_asks_for_no_key(
    kms: Any, key_id: str, faults: Faults
) -> None:
    call = Call(
        server="mq",
        kind=Kind.TOOL,
        name="x",
        arguments={"text": "x" * MAXIMUM_BYTES},
        principal=RECORDED.call.principal,
        session="",
    )
    with pytest.raises(TooLargeToRecordError):
        recorder(kms, key_id).seal(RecordedCall(call=call, at=RECORDED.at), decision_id="d1")
    assert faults.called == []


def test_a_data_key_is_not_shown() -> None:
    assert "kkkk" not in repr(DataKey(plain=b"k" * 32, encrypted=b"e"))
