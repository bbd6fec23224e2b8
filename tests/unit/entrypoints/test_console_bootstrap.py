"""The console is built on settings that agree with each other, or not at all."""

from typing import Any

import pytest

from portcullis.adapters.dynamodb_grants import Grant, Role
from portcullis.entrypoints.console_bootstrap import ApproversGrants, build_console
from portcullis.entrypoints.settings import ConsoleSettings, read_settings
from portcullis.errors import SettingsError

GOOD = {
    "PORTCULLIS_STACK": "s",
    "PORTCULLIS_TABLE": "t",
    "PORTCULLIS_STORE_TIMEOUT_SECONDS": "2",
    "PORTCULLIS_APPROVAL_KEY_ID": "k",
    "PORTCULLIS_APPROVAL_RETENTION_SECONDS": "86400",
    "PORTCULLIS_CONSOLE_KEY_SECRET": "arn",
    "PORTCULLIS_CONSOLE_SESSION_SECONDS": "3600",
    "PORTCULLIS_PUBLIC_URL": "",
    "PORTCULLIS_ALLOWED_HOSTS": "",
    "PORTCULLIS_OIDC_ISSUER": "",
    "PORTCULLIS_OIDC_CLIENT_ID": "",
    "PORTCULLIS_OIDC_CLIENT_SECRET": "",
    "PORTCULLIS_OIDC_GROUPS_CLAIM": "",
}
WITH_ISSUER = {
    "PORTCULLIS_PUBLIC_URL": "https://g.example/prod",
    "PORTCULLIS_OIDC_ISSUER": "https://id.example/",
    "PORTCULLIS_OIDC_CLIENT_ID": "c",
    "PORTCULLIS_OIDC_CLIENT_SECRET": "arn",
    "PORTCULLIS_OIDC_GROUPS_CLAIM": "groups",
}


def settings(**changes: str) -> ConsoleSettings:
    return read_settings(ConsoleSettings, {**GOOD, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        WITH_ISSUER,
        {**WITH_ISSUER, "PORTCULLIS_OIDC_CLIENT_SECRET": ""},
        {"PORTCULLIS_PUBLIC_URL": "http://192.0.2.7:8080"},  # an operator who tries it out
    ],
)
def test_settings_that_agree_make_a_console(changes: dict[str, str]) -> None:
    build_console(settings(**changes))


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"PORTCULLIS_OIDC_CLIENT_ID": ""}, "go together"),
        ({"PORTCULLIS_OIDC_ISSUER": ""}, "go together"),
        ({"PORTCULLIS_PUBLIC_URL": ""}, "needs PORTCULLIS_PUBLIC_URL"),
        ({"PORTCULLIS_PUBLIC_URL": "http://g.example"}, "PORTCULLIS_PUBLIC_URL must use https"),
        ({"PORTCULLIS_OIDC_ISSUER": "http://id.example"}, "PORTCULLIS_OIDC_ISSUER must use https"),
    ],
)
def test_settings_that_contradict_each_other_stop_the_function(
    changes: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        build_console(settings(**{**WITH_ISSUER, **changes}))


def test_an_issuer_s_name_is_kept_to_the_letter() -> None:
    assert settings(**WITH_ISSUER).oidc_issuer == "https://id.example/"


class OneGrant:
    """Finds one grant, whatever is asked for."""

    def __init__(self, grant: Grant | None) -> None:
        self.grant = grant

    def find(self, token: str, *, now_seconds: int) -> Grant | None:
        return self.grant

    def find_by_digest(self, digest: str, *, now_seconds: int) -> Grant | None:
        return self.grant


@pytest.mark.parametrize(
    "role, is_approver, is_admin",
    [(Role.AGENT, False, False), (Role.APPROVER, True, False), (Role.ADMIN, True, True)],
)
def test_a_grant_s_role_says_what_it_is_for(role: Role, is_approver: bool, is_admin: bool) -> None:
    grant = Grant(
        name="n", servers=(), expires_at=9, role=role, person="p", groups=("g",), digest="d"
    )
    source: Any = OneGrant(grant)
    for holder in (
        ApproversGrants(source).find("t", now_seconds=1),
        ApproversGrants(source).find_by_digest("d", now_seconds=1),
    ):
        assert holder is not None
        assert holder.digest == "d"
        assert (holder.viewer is not None) is is_approver
        if holder.viewer is not None:
            assert holder.viewer.is_admin is is_admin
            assert holder.viewer.principal == grant.principal


def test_every_role_is_decided() -> None:
    assert set(Role) == {Role.AGENT, Role.APPROVER, Role.ADMIN}


def test_no_grant_has_no_holder() -> None:
    source: Any = OneGrant(None)
    assert ApproversGrants(source).find("t", now_seconds=1) is None
