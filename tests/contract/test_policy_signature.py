"""Policies that must be signed: by this key, for this server and bucket, and never twice.

moto signs and verifies with real keys. It answers `SignatureValid: false` where AWS raises
KMSInvalidSignatureException; both are tried.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner, Result

from portcullis.activation.signature import ALGORITHMS, SERIAL, SIGNATURE, read_serial
from portcullis.adapters.kms_signature import KmsSignature
from portcullis.adapters.s3_activation import PolicyActivation, incoming_key, lock_key
from portcullis.adapters.s3_policies import active_key
from portcullis.errors import PolicyUnavailableError
from portcullis.policy.lock_file import LockedTool, LockFile
from portcullis.strictjson import dump
from portcullis_cli.app import APP
from portcullis_cli.errors import ExitCode
from support.aws_faults import FAULTS

BUCKET = "policies"
GOOD = 'version: "1"\ndefault: deny\n'
WIDER = 'version: "1"\ndefault: allow\n'
REGION = "us-east-1"


class Signed:
    """An account with a bucket and a key, and an activator that wants signatures."""

    def __init__(self, folder: Path, spec: str, algorithm: str) -> None:
        self.s3 = boto3.client("s3", region_name=REGION)
        self.kms = boto3.client("kms", region_name=REGION)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.algorithm = algorithm
        self.key = self.new_key(spec)
        self._file = folder / "mq.yaml"

    def new_key(self, spec: str = "ECC_NIST_P256") -> str:
        made = self.kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")  # type: ignore[arg-type]
        return str(made["KeyMetadata"]["Arn"])

    def sign(self, text: str, serial: int, **changed: str) -> dict[str, str]:
        """What `portcullis policy sign` says goes beside a file."""
        self._file.write_text(text)
        options = {"--key": self.key, "--bucket": BUCKET, "--algorithm": self.algorithm, **changed}
        words = [word for option in options.items() for word in option]
        ran = CliRunner().invoke(
            APP, ["policy", "sign", str(self._file), "--serial", str(serial), "--json", *words]
        )
        assert ran.exit_code == 0, ran.output
        metadata: dict[str, str] = json.loads(ran.stdout)["metadata"]
        return metadata

    def upload(self, text: str, metadata: dict[str, str], client: Any = None) -> dict[str, Any]:
        self.s3.put_object(
            Bucket=BUCKET, Key=incoming_key("mq"), Body=text.encode(), Metadata=metadata
        )
        return self.activate(client)

    def activate(self, client: Any = None) -> dict[str, Any]:
        release = KmsSignature(
            client or self.kms, key=self.key, algorithm=self.algorithm, bucket=BUCKET
        )
        activation = PolicyActivation(self.s3, BUCKET, release=release)
        return dict(activation.activate("mq", now_seconds=0))

    def in_force(self) -> Any:
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=active_key("mq"))["Body"].read())


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Signed]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield Signed(tmp_path, "ECC_NIST_P256", "ECDSA_SHA_256")


def message(status: dict[str, Any]) -> str:
    assert status["state"] == "rejected"
    return str(status["faults"][0]["message"])


def test_a_signed_upload_is_put_in_force_with_its_serial(signed: Signed) -> None:
    status = signed.upload(GOOD, signed.sign(GOOD, 7))
    assert status["state"] == "active"
    assert status["in_force"]["release"] == {"serial": 7, "signed_by": signed.key}
    assert signed.activate() == status  # told again: it is in force, and its serial is its own


def test_what_is_no_sound_policy_is_not_signed(signed: Signed, tmp_path: Path) -> None:
    path = tmp_path / "unsound.yaml"
    for content in (b"", b"\x00\xff", b'version: "1"\ndefault: maybe\n', b"#" * (256 * 1024 + 1)):
        path.write_bytes(content)
        words = ["--key", signed.key, "--bucket", BUCKET, "--serial", "7", "--json"]
        ran = CliRunner().invoke(APP, ["policy", "sign", str(path), *words])
        assert ran.exit_code == ExitCode.REFUSED, ran.output
        error = json.loads(ran.stdout)["error"]
        assert error["code"] == "invalid_policy"
        assert error["message"] == f"{path}: nothing was signed: it is not sound"


def test_an_rsa_key_signs_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        signed = Signed(tmp_path, "RSA_2048", "RSASSA_PSS_SHA_256")
        assert signed.upload(GOOD, signed.sign(GOOD, 1))["state"] == "active"


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {SERIAL: "1"},
        {SIGNATURE: "AAAA"},
        {SERIAL: "01", SIGNATURE: "AAAA"},
        {SERIAL: "1.0", SIGNATURE: "AAAA"},
        {SERIAL: "1", SIGNATURE: "not base64"},
    ],
)
def test_an_upload_that_is_not_signed_is_rejected(signed: Signed, metadata: dict[str, str]) -> None:
    assert "no signature and serial" in message(signed.upload(GOOD, metadata))


def test_a_signature_is_good_for_one_file_server_bucket_serial_and_key(signed: Signed) -> None:
    good = signed.sign(GOOD, 5)
    others = [
        (WIDER, good),
        (GOOD + "# more\n", good),
        (GOOD, {**good, SERIAL: "6"}),
        (GOOD, signed.sign(GOOD, 5, **{"--server": "iam"})),
        (GOOD, signed.sign(GOOD, 5, **{"--bucket": "elsewhere"})),
        (GOOD, signed.sign(GOOD, 5, **{"--key": signed.new_key()})),
        (GOOD, {**good, SIGNATURE: b64encode(b"nonsense").decode()}),
    ]
    for text, metadata in others:
        assert "not one of the key" in message(signed.upload(text, metadata))
    assert signed.upload(GOOD, good)["state"] == "active"


def test_O17_a_signed_file_cannot_be_brought_back(signed: Signed) -> None:
    old = signed.sign(WIDER, 1)
    signed.upload(WIDER, old)
    newer = signed.upload(GOOD, signed.sign(GOOD, 2))
    status = signed.upload(WIDER, old)
    assert message(status) == "the serial 1 is not above 2, that of what is in force"
    assert status["in_force"] == newer["in_force"]
    assert message(signed.upload(WIDER, signed.sign(WIDER, 2)))  # nor under the same one
    back = signed.upload(WIDER, signed.sign(WIDER, 3))
    assert (back["state"], back["in_force"]["earlier"]) == ("active", True)


def test_O17_the_same_words_signed_anew_raise_the_serial(signed: Signed) -> None:
    signed.upload(GOOD, signed.sign(GOOD, 1))
    signed.upload(GOOD, signed.sign(GOOD, 9))
    assert signed.in_force()["release"]["serial"] == 9
    assert "not above 9" in message(signed.upload(WIDER, signed.sign(WIDER, 5)))


@pytest.mark.parametrize("serial", ['"7"', "true", "-1"])
def test_a_serial_in_force_that_cannot_be_read_releases_nothing(
    signed: Signed, serial: str
) -> None:
    signed.upload(GOOD, signed.sign(GOOD, 1))
    changed = {**signed.in_force(), "release": {"serial": json.loads(serial)}}
    signed.s3.put_object(Bucket=BUCKET, Key=active_key("mq"), Body=json.dumps(changed).encode())
    assert "cannot be read" in message(signed.upload(WIDER, signed.sign(WIDER, 9)))
    signed.s3.put_object(Bucket=BUCKET, Key=active_key("mq"), Body=b"{")
    assert "cannot be read" in message(signed.upload(WIDER, signed.sign(WIDER, 10)))


class Answering:
    """A KMS that answers one thing."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def verify(self, **_arguments: Any) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize("error", FAULTS)
def test_a_key_that_does_not_answer_puts_nothing_in_force(signed: Signed, error: Exception) -> None:
    with pytest.raises(PolicyUnavailableError, match="cannot be verified"):
        signed.upload(GOOD, signed.sign(GOOD, 1), Answering(error))
    with pytest.raises(signed.s3.exceptions.NoSuchKey):
        signed.in_force()
    assert signed.activate()["state"] == "active"  # the notice is delivered again


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"SignatureValid": False},
        {"SignatureValid": "true"},
        ClientError({"Error": {"Code": "KMSInvalidSignatureException", "Message": ""}}, "Verify"),
    ],
    ids=["nothing", "no", "text", "as AWS says no"],
)
def test_only_a_plain_yes_is_a_yes(signed: Signed, answer: Any) -> None:
    status = signed.upload(GOOD, signed.sign(GOOD, 1), Answering(answer))
    assert "not one of the key" in message(status)


def test_the_command_uploads_what_it_signed(signed: Signed, tmp_path: Path) -> None:
    file = tmp_path / "mq.yaml"
    file.write_text(GOOD)
    words = ["policy", "sign", str(file), "--key", signed.key, "--bucket", BUCKET]
    ran = CliRunner().invoke(APP, [*words, "--serial", "4", "--upload"])
    assert ran.exit_code == 0, ran.output
    assert signed.activate()["in_force"]["release"]["serial"] == 4


def sign_and_upload(signed: Signed, folder: Path, serial: int, *more: str) -> Result:
    file = folder / "mq.yaml"
    file.write_text(GOOD)
    words = ["policy", "sign", str(file), "--key", signed.key, "--bucket", BUCKET, "--upload"]
    return CliRunner().invoke(APP, [*words, "--serial", str(serial), *more])


def test_a_signed_upload_takes_the_place_of_what_was_named_alone(
    signed: Signed, tmp_path: Path
) -> None:
    assert sign_and_upload(signed, tmp_path, 4).exit_code == 0
    first = signed.s3.head_object(Bucket=BUCKET, Key=incoming_key("mq"))["VersionId"]
    assert sign_and_upload(signed, tmp_path, 5).exit_code == 1
    assert sign_and_upload(signed, tmp_path, 5, "--over", "another").exit_code == 1
    assert sign_and_upload(signed, tmp_path, 5, "--over", first, "--replace").exit_code == 2
    words = ["policy", "sign", str(tmp_path / "mq.yaml"), "--key", signed.key, "--bucket", BUCKET]
    assert CliRunner().invoke(APP, [*words, "--serial", "5", "--replace"]).exit_code == 2
    assert sign_and_upload(signed, tmp_path, 5, "--over", first).exit_code == 0
    assert sign_and_upload(signed, tmp_path, 6, "--over", first).exit_code == 1
    assert sign_and_upload(signed, tmp_path, 6, "--replace").exit_code == 0
    assert signed.activate()["in_force"]["release"]["serial"] == 6


def test_what_is_pushed_and_gone_back_to_is_signed_as_the_activator_wants_it(
    signed: Signed, tmp_path: Path
) -> None:
    def run(*words: str) -> None:
        more = ["--bucket", BUCKET, "--wait", "0", "--lock", str(lock)]
        ran = CliRunner().invoke(APP, ["policy", *words, *more])
        assert ran.exit_code == 0, ran.output

    lock, file = tmp_path / "mq.lock.json", tmp_path / "mq.yaml"
    lock.write_bytes(dump(LockFile(server="mq", tools={}).tree()))
    signed.s3.put_object(Bucket=BUCKET, Key=lock_key("mq"), Body=lock.read_bytes())
    for text in (GOOD, WIDER):
        file.write_text(text)
        run("push", str(file), "--sign", signed.key, "--replace")
        assert signed.activate()["state"] == "active"
    first = signed.activate()["in_force"]
    run("rollback", "mq", "--key", signed.key, "--yes")
    told = signed.activate()
    assert (told["state"], told["in_force"]["earlier"]) == ("active", True)
    assert told["in_force"]["release"]["serial"] > first["release"]["serial"]


def test_a_signed_upload_names_the_lock_that_the_server_has(signed: Signed, tmp_path: Path) -> None:
    lock = tmp_path / "mq.lock.json"
    lock.write_bytes(dump(LockFile(server="mq", tools={}).tree()))
    assert sign_and_upload(signed, tmp_path, 4, "--lock", str(lock)).exit_code == 1
    signed.s3.put_object(Bucket=BUCKET, Key=lock_key("mq"), Body=lock.read_bytes())
    refused = sign_and_upload(signed, tmp_path, 4)
    assert refused.exit_code == 1
    assert "name the file that you read with --lock" in refused.output
    assert sign_and_upload(signed, tmp_path, 4, "--lock", str(lock)).exit_code == 0
    assert signed.activate()["in_force"]["release"]["serial"] == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--serial", "0"], 2),
        (["--serial", "x"], 2),
        (["--serial", "1", "--algorithm", "MD5"], 2),
        (["--serial", "1", "--key", "alias/none"], 5),
        (["--serial", "1", "--bucket", "no-such-bucket", "--upload"], 5),
    ],
)
def test_a_command_that_cannot_be_right_signs_nothing(
    signed: Signed, tmp_path: Path, words: list[str], code: int
) -> None:
    file = tmp_path / "mq.yaml"
    file.write_text(GOOD)
    start = ["policy", "sign", str(file), "--key", signed.key, "--bucket", BUCKET]
    assert CliRunner().invoke(APP, [*start, *words]).exit_code == code


def test_serials_and_algorithms_are_few() -> None:
    assert read_serial("1" * 15) == int("1" * 15)
    assert read_serial("1" * 16) is None
    assert read_serial("١") is None  # noqa: RUF001 - a digit, of another script
    assert "ECDSA_SHA_256" in ALGORITHMS


def test_O16_a_signed_policy_comes_into_force_with_the_lock_that_was_signed_alone(
    signed: Signed, tmp_path: Path
) -> None:
    def locked(description: str) -> bytes:
        tool = LockedTool(category="read", definition={"name": "a", "description": description})
        return dump(LockFile(server="mq", tools={"a": tool}).tree())

    path = tmp_path / "mq.lock.json"
    path.write_bytes(locked("Reads."))
    with_lock, without = signed.sign(GOOD, 7, **{"--lock": str(path)}), signed.sign(GOOD, 7)
    signed.s3.put_object(Bucket=BUCKET, Key=lock_key("mq"), Body=locked("Another's words."))
    for metadata in (with_lock, without):
        assert "not one of the key for this file, lock" in message(signed.upload(GOOD, metadata))
    signed.s3.put_object(Bucket=BUCKET, Key=lock_key("mq"), Body=path.read_bytes())
    assert signed.upload(GOOD, with_lock)["state"] == "active"
    signed.s3.put_object(Bucket=BUCKET, Key=lock_key("mq"), Body=locked("Another's words."))
    status = signed.activate()
    assert status["state"] == "rejected"
    assert "serial" in message(status)
