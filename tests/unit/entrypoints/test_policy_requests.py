"""Whether policies have to be approved, and settings that contradict each other."""

from typing import Any

import pytest

from portcullis.activation.by_approval import PolicyRequests
from portcullis.entrypoints.policy_requests import build_policy_requests
from portcullis.entrypoints.settings import ActivatorSettings
from portcullis.errors import SettingsError


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def settings(**changes: Any) -> ActivatorSettings:
    defaults = {
        "bucket": "b",
        "bucket_owner": "123456789012",
        "servers": {},
        "allow_loopback_upstreams": False,
        "upstream_function_arns": (),
        "upstream_secret_arns": (),
        "upstream_access_policy": "",
        "upstream_timeout_seconds": 25,
        "table": "t",
        "store_timeout_seconds": 2,
        "state_machine": "arn:aws:states:us-east-1:123456789012:stateMachine:x",
        "approval_key_id": "k",
        "approval_retention_seconds": 86_400,
        "public_url": "https://gate.example",
        "operator_topic": "arn",
        "policy_signing_key": "",
        "policy_signing_algorithm": "ECDSA_SHA_256",
        "policy_approvers": ("group:platform",),
        "policy_approvals_needed": 2,
        "policy_approval_seconds": 60,
    }
    return ActivatorSettings(**{**defaults, **changes})


def test_without_approvers_nothing_is_asked() -> None:
    assert build_policy_requests(settings(policy_approvers=(), public_url="")) is None


@pytest.mark.parametrize("approvers", [("group:platform",), ("ann", "ben")])
def test_with_approvers_policies_wait(approvers: tuple[str, ...]) -> None:
    made = build_policy_requests(settings(policy_approvers=approvers))
    assert isinstance(made, PolicyRequests)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"public_url": ""}, "need PORTCULLIS_PUBLIC_URL"),
        ({"state_machine": "x"}, "is not an ARN"),
        ({"policy_approvers": ("ann", "ann")}, "names one twice"),
        ({"policy_approvers": ("group:",)}, "a group without name"),
        ({"policy_approvers": ("ann",)}, "fewer people than are needed"),
    ],
)
def test_settings_that_cannot_work_stop_the_function(changes: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        build_policy_requests(settings(**changes))
