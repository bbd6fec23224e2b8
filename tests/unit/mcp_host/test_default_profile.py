"""The profile that a hosted server asks for by name, and what botocore makes of it."""

import stat
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ProfileNotFound

from mcp_host.credentials import DefaultProfile

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "100%(done)s=yes;#/+",
    "AWS_SESSION_TOKEN": "token==",
}


@pytest.fixture(autouse=True)
def only_our_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*SECRETS, "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def environment() -> dict[str, str]:
    return dict(SECRETS)


def found_by_name(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    credentials = boto3.Session(profile_name="default").get_credentials()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    return (str(frozen.access_key), str(frozen.secret_key), str(frozen.token))


def test_without_the_profile_the_environment_credentials_are_not_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ProfileNotFound):
        boto3.Session(profile_name="default")

    bare = tmp_path / "config"
    bare.write_text("[default]\n", encoding="ascii")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(bare))
    assert boto3.Session(profile_name="default").get_credentials() is None


def test_the_profile_carries_the_environment_credentials(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    DefaultProfile(environment).install()

    assert found_by_name(environment, monkeypatch) == tuple(SECRETS.values())


def test_nobody_else_can_read_the_files(environment: dict[str, str]) -> None:
    DefaultProfile(environment).install()

    credentials = Path(environment["AWS_SHARED_CREDENTIALS_FILE"])
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    assert stat.S_IMODE(credentials.parent.stat().st_mode) == 0o700


def test_changed_credentials_are_written_and_reported_once(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = DefaultProfile(environment)
    profile.install()
    assert profile.refresh() is False

    environment["AWS_SESSION_TOKEN"] = "newer"
    assert profile.refresh() is True
    assert profile.refresh() is False

    assert found_by_name(environment, monkeypatch)[2] == "newer"
    assert stat.S_IMODE(Path(environment["AWS_SHARED_CREDENTIALS_FILE"]).stat().st_mode) == 0o600
    folder = Path(environment["AWS_CONFIG_FILE"]).parent
    assert {path.name for path in folder.iterdir()} == {"config", "credentials"}


def test_container_credentials_get_a_profile_without_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/creds"}
    DefaultProfile(environment).install()

    assert Path(environment["AWS_SHARED_CREDENTIALS_FILE"]).read_text() == "[default]\n\n"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert boto3.Session(profile_name="default").profile_name == "default"


def test_a_profile_the_operator_named_is_left_alone() -> None:
    environment = {**SECRETS, "AWS_PROFILE": "production"}
    profile = DefaultProfile(environment)
    profile.install()
    environment["AWS_SESSION_TOKEN"] = "newer"

    assert profile.refresh() is False
    assert environment == {**SECRETS, "AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "newer"}


def test_an_empty_profile_name_is_no_name(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment["AWS_PROFILE"] = ""
    DefaultProfile(environment).install()

    assert "AWS_PROFILE" not in environment
    assert found_by_name(environment, monkeypatch) == tuple(SECRETS.values())


def test_a_machine_without_either_keeps_its_own_configuration() -> None:
    environment: dict[str, str] = {}
    profile = DefaultProfile(environment)
    profile.install()

    assert environment == {}
    assert profile.refresh() is False
