"""Where a token may be sent, which request is meant, and where the token comes from."""

from pathlib import Path

import pytest

from portcullis_cli.connection import (
    TOKEN_VARIABLE,
    approval_id,
    checked_url,
    find_token,
    is_loopback,
)
from portcullis_cli.errors import CommandError, ExitCode

URL = "https://gate.example/prod/approvals"
ID = "3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19"


@pytest.mark.parametrize(
    "text",
    [
        URL,
        "https://gate.example:8443/approvals",
        "https://[2001:db8::1]/approvals",
        "http://127.0.0.1:8080/approvals",
        "http://127.8.9.1/approvals",
        "http://[::1]:8080/approvals",
        "http://localhost:8080/approvals",
    ],
)
def test_where_a_token_may_be_sent(text: str) -> None:
    assert checked_url(text) == text
    assert checked_url(f"{text}/") == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("gate.example/approvals", id="no scheme"),
        pytest.param("ftp://gate.example/approvals", id="another scheme"),
        pytest.param("https:///approvals", id="no host"),
        pytest.param("https://[::1/approvals", id="half a bracket"),
        pytest.param("https://gate.example:port/approvals", id="no port"),
        pytest.param("https://gate.example:99999/approvals", id="no such port"),
        pytest.param("http://gate.example/approvals", id="plain http"),
        pytest.param("http://127.0.0.1.evil.example/approvals", id="loopback in front"),
        pytest.param("http://localhost.evil.example/", id="localhost in front"),
        pytest.param("http://10.0.0.1/approvals", id="a private network"),
        pytest.param("http://0.0.0.0/approvals", id="every address"),
        pytest.param("https://me:secret@gate.example/approvals", id="a password"),
        pytest.param("https://gate.example@evil.example/approvals", id="a host as a user"),
        pytest.param("https://gate.example/approvals?x=1", id="a query"),
        pytest.param("https://gate.example/approvals#x", id="a fragment"),
        pytest.param("https://g\u0430te.example/approvals", id="another alphabet"),
        pytest.param("https://gate.example/app rovals", id="a blank"),
        pytest.param("https://gate.example/\x1b[2Kapprovals", id="a control character"),
        pytest.param("https://gate..example/approvals", id="an empty label"),
        pytest.param(f"https://{'a' * 64}.example/approvals", id="a label that is too long"),
        pytest.param("https://999.1.1.1/approvals", id="no IPv4 address"),
    ],
)
def test_where_none_is_sent(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        checked_url(text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert "secret" not in str(caught.value)
    assert "--url" not in str(caught.value)  # the address may have come as an argument


def test_a_name_is_no_loopback_address() -> None:
    assert not is_loopback("loopback.example")


@pytest.mark.parametrize("text", [ID, f"{URL}/{ID}"], ids=["id", "link"])
def test_a_request_is_named_by_its_id_or_its_link(text: str) -> None:
    assert approval_id(text, URL) == ID


@pytest.mark.parametrize(
    "text,said",
    [
        pytest.param(f"https://evil.example/approvals/{ID}", "does not lead to", id="elsewhere"),
        pytest.param(f"{URL}.evil.example/{ID}", "does not lead to", id="the address in front"),
        pytest.param(f"{URL}/x/{ID}", "does not lead to", id="deeper"),
        pytest.param("../login", "does not lead to", id="upwards"),
        pytest.param("login", "32 hexadecimal digits", id="another page"),
        pytest.param(f"{ID}?x", "32 hexadecimal digits", id="a query"),
        pytest.param(ID.upper(), "32 hexadecimal digits", id="capitals"),
        pytest.param("", "32 hexadecimal digits", id="empty"),
    ],
)
def test_N37_a_link_never_says_where_the_token_goes(text: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        approval_id(text, URL)


def test_the_token_comes_from_the_environment() -> None:
    assert find_token(None, {TOKEN_VARIABLE: "pcl_a-b_c"}) == "pcl_a-b_c"


def test_a_file_comes_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("pcl_file\n")
    assert find_token(file, {TOKEN_VARIABLE: "pcl_environment"}) == "pcl_file"


@pytest.mark.parametrize("environment", [{}, {TOKEN_VARIABLE: ""}, {TOKEN_VARIABLE: " \n"}])
def test_without_a_token_it_is_said_how_to_give_one(environment: dict[str, str]) -> None:
    with pytest.raises(CommandError, match=r"--token-file.*PORTCULLIS_TOKEN"):
        find_token(None, environment)


@pytest.mark.parametrize(
    "token", ["two tokens", "a\nb", "a\r\nX-Header: b", "t\u00f6ken", "a\x00", "a" * 5000]
)
def test_what_cannot_be_a_token_is_not_sent_and_not_repeated(token: str) -> None:
    with pytest.raises(CommandError, match="is no token") as caught:
        find_token(None, {TOKEN_VARIABLE: token})
    assert caught.value.exit_code is ExitCode.USAGE
    assert token not in str(caught.value)


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the token file: no such file or directory"):
        find_token(tmp_path / "none", {})


def test_a_file_that_is_not_text_holds_no_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="is no token"):
        find_token(file, {})
