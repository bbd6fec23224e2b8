"""The vault on KMS (emulated by moto): what is sealed opens under its id and purpose alone.

moto keeps the encryption context and refuses another one, as KMS does; key policies, grants
and the key's log exist only in AWS.
"""

import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from portcullis.adapters.kms_vault import KmsVault
from portcullis.errors import VaultError
from portcullis.gateway.approval_ports import ARGUMENTS, RESULT, Vault
from support.dynamodb_faults import Faults, client_error, errors_of
from support.memory_vault import MemoryVault

ROOT = Path(__file__).parents[2]
ID, OTHER_ID = "0" * 31 + "1", "0" * 31 + "2"
SECRET = b'{"password":"hunter2"}'
KMS_CODES = (
    "AccessDeniedException",
    "DependencyTimeoutException",
    "DisabledException",
    "IncorrectKeyException",
    "InvalidCiphertextException",
    "InvalidGrantTokenException",
    "InvalidKeyUsageException",
    "KMSInternalException",
    "KMSInvalidStateException",
    "KeyUnavailableException",
    "LimitExceededException",
    "NotFoundException",
    "ThrottlingException",
)
KMS_ERRORS = {**errors_of("Decrypt"), **{code: client_error(code, "Decrypt") for code in KMS_CODES}}


@pytest.fixture(scope="module")
def kms() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client(
            "kms", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1})
        )


@pytest.fixture(scope="module")
def key_id(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(params=["memory", "kms"])
def vaults(request: pytest.FixtureRequest) -> Callable[[], Vault]:
    """Makes vaults that share their key: other environments."""
    if request.param == "memory":
        return MemoryVault
    client = request.getfixturevalue("kms")
    key = request.getfixturevalue("key_id")
    return lambda: KmsVault(lambda: client, key)


@pytest.fixture
def faults(kms: Any) -> Iterator[Faults]:
    injected = Faults(kms)
    yield injected
    injected.clear()


# ---------------------------------------------------------------- every vault


@pytest.mark.parametrize("content", [b"", SECRET, b"\x00" * 380_000], ids=["empty", "text", "long"])
def test_what_is_sealed_is_opened_by_every_environment(
    vaults: Callable[[], Vault], content: bytes
) -> None:
    sealed = vaults().seal(ID, ARGUMENTS, content)
    assert vaults().open(ID, ARGUMENTS, sealed) == content


def test_N31_sealed_content_shows_nothing_and_is_never_the_same(
    vaults: Callable[[], Vault],
) -> None:
    sealed = [vaults().seal(ID, ARGUMENTS, SECRET) for _ in range(5)]
    assert len(set(sealed)) == 5
    assert not [one for one in sealed if b"hunter2" in one or b"password" in one]


@pytest.mark.parametrize(
    "approval_id,purpose",
    [
        pytest.param(OTHER_ID, ARGUMENTS, id="another-request"),
        pytest.param(ID, RESULT, id="another-purpose"),
        pytest.param(ID + ARGUMENTS, "", id="the-two-run-together"),
        pytest.param("", ID + ARGUMENTS, id="the-two-run-together-the-other-way"),
    ],
)
def test_N05_what_was_sealed_for_one_request_and_purpose_opens_for_no_other(
    vaults: Callable[[], Vault], approval_id: str, purpose: str
) -> None:
    sealed = vaults().seal(ID, ARGUMENTS, SECRET)
    with pytest.raises(VaultError):
        vaults().open(approval_id, purpose, sealed)


def test_content_with_any_byte_changed_is_not_opened(vaults: Callable[[], Vault]) -> None:
    sealed = vaults().seal(ID, ARGUMENTS, b"x")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(VaultError):
            vaults().open(ID, ARGUMENTS, changed)


def test_content_that_is_cut_or_lengthened_is_not_opened(vaults: Callable[[], Vault]) -> None:
    sealed = vaults().seal(ID, ARGUMENTS, SECRET)
    for changed in [sealed[:end] for end in range(len(sealed))] + [sealed + b"\x00", b"x" * 100]:
        with pytest.raises(VaultError):
            vaults().open(ID, ARGUMENTS, changed)


def test_a_vault_in_memory_can_be_down() -> None:
    vault = MemoryVault()
    sealed = vault.seal(ID, ARGUMENTS, SECRET)
    vault.is_down = True
    with pytest.raises(VaultError):
        vault.seal(ID, ARGUMENTS, SECRET)
    with pytest.raises(VaultError):
        vault.open(ID, ARGUMENTS, sealed)


# ---------------------------------------------------------------- KMS


def test_the_key_is_asked_each_time_and_told_for_what(kms: Any, key_id: str) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        asked.append((model.name, dict(params)))

    kms.meta.events.register("provide-client-params.kms", note)
    try:
        vault = KmsVault(lambda: kms, key_id)
        sealed = [vault.seal(ID, ARGUMENTS, SECRET) for _ in range(2)]
        for one in sealed * 2:
            vault.open(ID, ARGUMENTS, one)
    finally:
        kms.meta.events.unregister("provide-client-params.kms", note)
    assert [name for name, _ in asked] == ["GenerateDataKey"] * 2 + ["Decrypt"] * 4
    context = {"portcullis:approval": ID, "portcullis:purpose": ARGUMENTS}
    assert all(one["EncryptionContext"] == context for _, one in asked)
    assert {one["KeyId"] for _, one in asked} == {key_id}
    assert len({bytes(one["CiphertextBlob"]) for _, one in asked[2:]}) == 2


def test_content_sealed_under_another_key_is_not_opened(kms: Any, key_id: str) -> None:
    sealed = KmsVault(lambda: kms, kms.create_key()["KeyMetadata"]["Arn"]).seal(ID, RESULT, SECRET)
    with pytest.raises(VaultError):
        KmsVault(lambda: kms, key_id).open(ID, RESULT, sealed)


def test_the_data_key_of_one_request_does_not_open_another(kms: Any, key_id: str) -> None:
    """Whoever can move bytes about in the table cannot make one request's content another's."""
    vault = KmsVault(lambda: kms, key_id)
    one, other = vault.seal(ID, ARGUMENTS, SECRET), vault.seal(OTHER_ID, ARGUMENTS, SECRET)
    end = 3 + int.from_bytes(one[1:3], "big")
    with pytest.raises(VaultError):
        vault.open(ID, ARGUMENTS, one[:end] + other[end:])


def test_no_client_is_made_before_the_first_call(kms: Any, key_id: str) -> None:
    made: list[str] = []

    def make() -> Any:
        made.append("kms")
        return kms

    vault = KmsVault(make, key_id)
    assert made == []
    vault.open(ID, ARGUMENTS, vault.seal(ID, ARGUMENTS, SECRET))
    assert made == ["kms"]


def test_a_client_that_cannot_be_made_is_an_error(key_id: str) -> None:
    def make() -> Any:
        raise OSError("no network")

    with pytest.raises(VaultError):
        KmsVault(make, key_id).seal(ID, ARGUMENTS, SECRET)


@pytest.mark.parametrize("fault", sorted(KMS_ERRORS))
@pytest.mark.parametrize("when", ["before", "after"])
def test_P08_a_key_that_cannot_be_used_seals_and_opens_nothing(
    kms: Any, key_id: str, faults: Faults, fault: str, when: str
) -> None:
    vault = KmsVault(lambda: kms, key_id)
    sealed = vault.seal(ID, ARGUMENTS, SECRET)
    for operation in ("GenerateDataKey", "Decrypt"):
        inject = faults.before if when == "before" else faults.after
        inject(operation, KMS_ERRORS[fault])
    acts: list[Callable[[], bytes]] = [
        lambda: vault.seal(ID, ARGUMENTS, SECRET),
        lambda: vault.open(ID, ARGUMENTS, sealed),
    ]
    for act in acts:
        with pytest.raises(VaultError) as caught:
            act()
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="empty"),
        pytest.param({"Plaintext": b"k" * 16, "CiphertextBlob": b"x"}, id="short-key"),
        pytest.param({"Plaintext": "k" * 32, "CiphertextBlob": b"x"}, id="key-a-text"),
        pytest.param({"Plaintext": b"k" * 32, "CiphertextBlob": b""}, id="no-encrypted-key"),
        pytest.param({"Plaintext": b"k" * 32, "CiphertextBlob": "x"}, id="encrypted-key-a-text"),
        pytest.param({"Plaintext": b"k" * 32, "CiphertextBlob": b"x" * 65536}, id="too-long"),
    ],
)
def test_P08_an_answer_without_a_data_key_seals_nothing(
    kms: Any, key_id: str, faults: Faults, answer: dict[str, Any]
) -> None:
    faults.garble("GenerateDataKey", answer)
    with pytest.raises(VaultError):
        KmsVault(lambda: kms, key_id).seal(ID, ARGUMENTS, SECRET)


@pytest.mark.parametrize("key", [None, b"", b"k" * 31, b"k" * 32, "k" * 32], ids=repr)
def test_P08_an_answer_with_another_key_opens_nothing(
    kms: Any, key_id: str, faults: Faults, key: object
) -> None:
    vault = KmsVault(lambda: kms, key_id)
    sealed = vault.seal(ID, ARGUMENTS, SECRET)
    faults.garble("Decrypt", {"Plaintext": key})
    with pytest.raises(VaultError):
        vault.open(ID, ARGUMENTS, sealed)


def test_a_call_without_an_approval_does_not_load_the_cipher() -> None:
    check = "import sys, portcullis.adapters.kms_vault; sys.exit('nacl' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", check], env={"PYTHONPATH": str(ROOT / "src")}, check=False
    )
    assert run.returncode == 0
