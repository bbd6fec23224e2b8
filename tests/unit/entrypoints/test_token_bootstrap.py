"""Tokens are accepted only where it is said whose they are, and for whom."""

import pytest

from portcullis.entrypoints.settings import AuthorizerSettings
from portcullis.entrypoints.token_bootstrap import build_tokens
from portcullis.errors import SettingsError


def settings(
    *, issuer: str = "https://id.example", url: str = "https://gate.example"
) -> AuthorizerSettings:
    return AuthorizerSettings(
        table="t",
        session_key_secret="arn",
        store_timeout_seconds=2,
        identity=frozenset({"jwt"}),
        public_url=url,
        jwt_issuer=issuer,
        jwt_audience=(),
        jwt_scope_prefix="",
        jwt_groups_claim="groups",
        jwt_person_claim="email",
        jwt_tags_claim="",
        jwt_claims=(),
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"issuer": ""}, "JWT_ISSUER"),
        ({"issuer": "http://id.example"}, "JWT_ISSUER"),
        ({"url": ""}, "PUBLIC_URL"),
        ({"url": "http://gate.example"}, "PUBLIC_URL"),
    ],
)
def test_tokens_need_an_issuer_and_a_url_of_https(changes: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        build_tokens(settings(**changes))


def test_a_refusal_is_reported_without_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = build_tokens(settings(issuer="http://127.0.0.1:1"))
    assert tokens.admit("canary", "mq", now_seconds=0) is None
    said = capsys.readouterr().err
    assert said == "a token was refused: the token cannot be read\n"
