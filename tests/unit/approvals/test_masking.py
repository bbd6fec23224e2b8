"""Secrets are masked by the name they stand under and by their shape; nothing of them is shown."""

import json
from decimal import Decimal
from typing import Any

import pytest

from portcullis.approvals.masking import (
    SHAPES,
    Mask,
    is_secret_name,
    masked,
    masked_value,
    read_json,
    secret_members,
    split,
)

SECRET_NAMES = [
    "password", "Password", "MasterUserPassword", "db_passwd", "passphrase", "pwd", "user-pwd",
    "secret", "secretKey", "client_secret", "secretString", "SECRET_VALUE", "token", "oauth_token",
    "authToken", "access_tokens", "apikey", "api_key", "API-KEY", "X-Api-Key", "private_key",
    "privateKey", "AccessKeyId", "credential", "credentials", "AWSCredentials", "Authorization",
    "cookie", "Set-Cookie", "connection_string", "ConnectionString", "jwt", "otp", "\uff50assword",
]  # fmt: skip
PLAIN_NAMES = [
    "user_name", "name", "", "policy_document", "key", "keys", "tokenizer_path", "passenger",
    "max_tokens", "token_count", "secret_arn", "secretName", "password_policy",
    "PasswordResetRequired", "credential_type", "rotation_secret", "secretsmanager:SecretId",
    "aws:TokenIssueTime",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_N31_what_stands_under_a_secret_s_name_is_masked(name: str) -> None:
    assert is_secret_name(name)
    assert masked({name: "hunter22hunter22"}) == {name: "[masked: 9 to 16 characters]"}


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_a_name_that_is_no_secret_s_leaves_its_value_alone(name: str) -> None:
    assert not is_secret_name(name)
    assert masked({name: "bob"}) == {name: "bob"}


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
# shape → text, and the part of it that must be gone.
CASES: dict[str, list[tuple[str, str]]] = {
    "AWS access key": [
        ("use AKIAIOSFODNN7EXAMPLE here", "AKIAIOSFODNN7EXAMPLE"),
        ("(ASIAIOSFODNN7EXAMPLE)", "ASIAIOSFODNN7EXAMPLE"),
    ],
    "AWS secret key": [
        ("x wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY y", "wJalrXUtnFEMI/K7MDENG"),
    ],
    "JSON web token": [(f"curl -H 'X: {JWT}'", JWT), (f"t={JWT}.a.b", "c2lnbmF0dXJl")],
    "PEM block": [
        (f"key:\n{PEM}\nafter", "MIIEow"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow and it does not end", "MIIEow"),
    ],
    "password in a URL": [
        ("postgres://app:s3cr3t@db/x", "s3cr3t"),
        ("amqps://u:p@ss:w0rd@host:5671", "w0rd"),
        ("redis://:hidden@cache:6379", "hidden"),
    ],
    "assignment": [
        ("Server=db;Password=hunter2;Encrypt=yes", "hunter2"),
        ("export DB_PASSWORD='two words'", "two words"),
        ('{"api_key" : "abc123", x}', "abc123"),
        ('say \\"client_secret\\": \\"s3cr3t\\",', "s3cr3t"),
        ('password = "with \\" quote"', "quote"),
        ("aws_secret_access_key=abc/def+ghi", "abc/def+ghi"),
        ("PASSWORD => hunter2", "hunter2"),
    ],
    "option of a command": [
        ("mysql --password hunter2 -u x", "hunter2"),
        ("tool --api-key=abc123 run", "abc123"),
        ("tool -token 'a b'", "a b"),
    ],
    "authorization header": [
        ("curl -H 'Authorization: Basic dXNlcjpwYXNz' u", "dXNlcjpwYXNz"),
        ('"authorization": "Digest abcdef"', "abcdef"),
    ],
    "cookie header": [("Cookie: session=abc; other=def\nX: y", "other=def")],
    "bearer token": [("send Bearer abcdef0123456789 to it", "abcdef0123456789")],
    "vendor token": [
        ("ghp_" + "a1" * 18, "a1a1a1"),
        ("x xoxb-123456789012-abcdef", "123456789012"),
        ("pcl_" + "Ab1" * 12, "Ab1Ab1"),
        ("AIza" + "b2" * 16, "b2b2b2"),
    ],
}


@pytest.mark.parametrize(
    "shape, text, secret",
    [
        pytest.param(shape, text, secret, id=f"N31-{shape}-{number}")
        for shape, rows in CASES.items()
        for number, (text, secret) in enumerate(rows)
    ],
)
def test_a_secret_is_told_by_its_shape(shape: str, text: str, secret: str) -> None:
    assert SHAPES[shape].search(text)
    shown = masked({"note": text})["note"]
    assert isinstance(shown, str)
    assert "[masked: " in shown
    assert secret not in shown


def test_every_shape_has_a_case() -> None:
    assert set(CASES) == set(SHAPES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words about a password policy",
        "arn:aws:secretsmanager:eu-west-1:1:secret:prod/db",
        '{"Action": "secretsmanager:GetSecretValue", "Resource": "*"}',
        '{"Action":["iam:CreateAccessKey"],"Effect":"Allow"}',
        "https://example.com:8443/path?x=a@b",
        "d0be2dc421be4fcd0172e5afceea3970e2f3d940",
        "4c068f11bf03081d211a312f315502e58a866874f97b33fcc837f6ef45c219df",
        "basic configuration of the token bucket",
        'an empty password="" is none',
    ],
)
def test_what_only_resembles_a_secret_stays_readable(text: str) -> None:
    assert masked({"note": text}) == {"note": text}


def test_what_stands_around_a_secret_is_kept() -> None:
    assert split("postgres://app:s3cr3t@db/x") == (
        "postgres://app:",
        Mask(length=6),
        "@db/x",
    )
    assert split("AKIAIOSFODNN7EXAMPLE,AKIAIOSFODNN7EXAMPLE") == (
        Mask(length=20),
        ",",
        Mask(length=20),
    )


def test_overlapping_secrets_are_one_mask() -> None:
    assert split(f"Authorization: Bearer {JWT}") == (
        "Authorization: ",
        Mask(length=len(JWT) + len("Bearer ")),
    )


@pytest.mark.parametrize(
    "length, label",
    [
        (0, "[masked: empty]"),
        (1, "[masked: 1 to 8 characters]"),
        (8, "[masked: 1 to 8 characters]"),
        (9, "[masked: 9 to 16 characters]"),
        (17, "[masked: 17 to 32 characters]"),
        (64, "[masked: 33 to 64 characters]"),
        (256, "[masked: 65 to 256 characters]"),
        (257, "[masked: more than 256 characters]"),
    ],
)
def test_a_mask_tells_the_length_only_roughly(length: int, label: str) -> None:
    assert Mask(length=length).label == label


def test_everything_below_a_secret_s_name_is_masked_but_yes_no_and_nothing() -> None:
    tree: Any = {
        "credentials": {
            "user": "bob",
            "pin": 1234,
            "rate": Decimal("1.5"),
            "list": ["a", None, True, [], {}],
            "empty": "",
        }
    }
    assert masked(tree) == {
        "credentials": {
            "user": "[masked: 1 to 8 characters]",
            "pin": "[masked: 1 to 8 characters]",
            "rate": "[masked: 1 to 8 characters]",
            "list": ["[masked: 1 to 8 characters]", None, True, [], {}],
            "empty": "[masked: empty]",
        }
    }


@pytest.mark.parametrize(
    "pair",
    [
        {"name": "DB_PASSWORD", "value": "x"},
        {"Key": "api-key", "Value": "x"},
        {"ParameterKey": "MasterPassword", "ParameterValue": "x"},
    ],
)
def test_a_pair_that_names_a_secret_has_its_value_masked(pair: Any) -> None:
    ((_, name), (holding, _)) = pair.items()
    assert secret_members(pair) == {holding}
    shown = masked({"environment": [pair]})["environment"]
    assert shown == [{**pair, holding: "[masked: 1 to 8 characters]"}]
    assert name in pair.values()


def test_secrets_in_json_in_a_text_are_masked_at_each_depth() -> None:
    inner = json.dumps({"password": "hunter2", "user": "bob"})
    middle = json.dumps({"config": inner})
    shown = masked({"outer": json.dumps([middle])})["outer"]
    assert isinstance(shown, str)
    assert "hunter2" not in shown
    assert "bob" in shown
    read: Any = json.loads(json.loads(json.loads(shown)[0])["config"])
    assert read == {"password": "[masked: 1 to 8 characters]", "user": "bob"}


def test_json_too_deep_in_texts_is_still_masked_by_shape() -> None:
    text = json.dumps({"password": "hunter2"})
    for _ in range(6):
        text = json.dumps({"x": text})
    assert "hunter2" not in json.dumps(masked({"outer": text}))


def test_json_in_a_text_without_secrets_stays_as_it_was_written() -> None:
    text = '{ "user" :  "bob" }'
    assert masked({"document": text}) == {"document": text}


@pytest.mark.parametrize(
    "text, value",
    [
        (' {"a": 1} ', {"a": 1}),
        ("[1]", [1]),
        ("1", None),
        ('"x"', None),
        ("{'a': 1}", None),
        ('{"a": 1, "a": 2}', None),
        ('{"a": "\\ud800"}', None),
        ("{\ud800", None),
        ("", None),
    ],
)
def test_only_strict_json_objects_and_lists_are_read(text: str, value: Any) -> None:
    assert read_json(text) == value


def test_keys_that_are_secrets_are_masked_and_stay_apart() -> None:
    one, two = "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"
    mask = "[masked: 17 to 32 characters]"
    assert masked({one: 1, two: 2, "x": 3}) == {mask: 1, mask + "'": 2, "x": 3}


def test_the_arguments_themselves_are_not_changed() -> None:
    tree: Any = {"password": "hunter2", "list": [{"token": "x"}]}
    before = json.dumps(tree)
    masked(tree)
    assert json.dumps(tree) == before


def test_a_single_value_is_masked_alike() -> None:
    assert masked_value([{"password": "x"}, 1]) == [{"password": "[masked: 1 to 8 characters]"}, 1]


HOSTILE = {
    "jwt": "eyJ" * 43_000,
    "url": "://a:" * 26_000,
    "names": "secret" * 21_000,
    "quotes": 'password="' * 13_000,
    "dashes": "-a" * 65_000,
    "pem": "-----BEGIN A-----" * 7_700,
    "key": "Aa1" * 43_000,
    "header": "authorization:" * 9_300,
    "spaces": " " * 131_000,
    "backslashes": "\\" * 131_000,
    "token": "token" + '"' * 131_000,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_makes_masking_slow(text: str) -> None:
    masked({"note": text})
