"""What the console reads out of a request, and what it does not believe."""

import pytest

from portcullis.console.request import ConsoleRequest
from portcullis.protocol.http import HttpRequest


def request(
    *headers: tuple[str, str], base_url: str = "https://gate.example/prod"
) -> ConsoleRequest:
    return ConsoleRequest(http=HttpRequest(method="POST", headers=headers), base_url=base_url)


@pytest.mark.parametrize(
    "base_url, origin, path, is_https",
    [
        ("https://gate.example/prod", "https://gate.example", "/prod", True),
        ("https://gate.example", "https://gate.example", "", True),
        ("https://Gate.Example:443/a/b/", "https://gate.example", "/a/b", True),
        ("https://gate.example:8443", "https://gate.example:8443", "", True),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "", False),
        ("http://localhost:80", "http://localhost", "", False),
        ("http://[::1]:9000", "http://[::1]:9000", "", False),
    ],
)
def test_where_the_console_is_comes_from_its_url(
    base_url: str, origin: str, path: str, is_https: bool
) -> None:
    found = request(("host", "evil.example"), base_url=base_url)
    assert (found.origin, found.base_path, found.is_https) == (origin, path, is_https)


@pytest.mark.parametrize(
    "headers, value",
    [
        ([("cookie", "a=1; b=2")], "1"),
        ([("Cookie", "b=2"), ("cookie", "a=1")], "1"),
        ([("cookie", "a=1=2")], "1=2"),
        ([("cookie", "a=1; a=2")], None),
        ([("cookie", "a=1"), ("cookie", "a=1")], None),
        ([("cookie", "A=1; aa=2; a")], ""),
        ([("cookie", "")], None),
        ([], None),
    ],
)
def test_a_cookie_counts_when_it_is_sent_once(
    headers: list[tuple[str, str]], value: str | None
) -> None:
    assert request(*headers).cookie("a") == value


def test_a_parameter_counts_when_it_is_sent_once() -> None:
    query = (("a", "1"), ("b", "2"), ("b", "3"))
    found = ConsoleRequest(http=HttpRequest(method="GET"), base_url="https://g", query=query)
    assert [found.parameter(name) for name in "abc"] == ["1", None, None]


OWN = "https://gate.example"


@pytest.mark.parametrize(
    "headers, is_own",
    [
        ({"origin": OWN}, True),
        ({"origin": OWN, "sec-fetch-site": "same-origin"}, True),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({}, False),
        ({"origin": "null"}, False),
        ({"origin": "null", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "null", "sec-fetch-site": "same-site"}, False),
        ({"origin": "null", "sec-fetch-site": "none"}, False),
        ({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, False),
        ({"origin": f"{OWN}:8443"}, False),
        ({"origin": "http://gate.example"}, False),
        ({"origin": ""}, False),
        ({"referer": f"{OWN}/approvals"}, False),
    ],
)
def test_a_form_is_ours_only_where_the_browser_says_so(
    headers: dict[str, str], is_own: bool
) -> None:
    assert request(*headers.items()).is_own_form is is_own


def test_two_origins_are_nobody_s() -> None:
    assert not request(("origin", OWN), ("origin", OWN)).is_own_form


@pytest.mark.parametrize(
    "headers, is_api",
    [
        ({}, False),
        ({"accept": "text/html,application/json"}, False),
        ({"accept": "*/*"}, False),
        ({"accept": "application/json"}, True),
        ({"content-type": "application/json; charset=utf-8"}, True),
        ({"authorization": "anything"}, True),
    ],
)
def test_a_program_is_told_from_a_browser(headers: dict[str, str], is_api: bool) -> None:
    assert request(*headers.items()).is_api is is_api


@pytest.mark.parametrize(
    "site, is_elsewhere",
    [("cross-site", True), ("same-site", True), ("same-origin", False), ("none", False)],
)
def test_who_comes_from_another_site_is_known(site: str, is_elsewhere: bool) -> None:
    assert request(("sec-fetch-site", site)).comes_from_elsewhere is is_elsewhere
    assert not request().comes_from_elsewhere
