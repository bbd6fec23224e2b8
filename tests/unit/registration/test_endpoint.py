"""Which URLs and addresses an upstream may have."""

import ipaddress

import pytest

from portcullis.registration.endpoint import Endpoint, EndpointFault, is_refused, parse_endpoint

REFUSED = [
    "127.0.0.1", "127.8.8.8", "169.254.169.254", "169.254.170.2", "10.1.2.3", "172.16.0.1",
    "192.168.1.1", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "::1", "fe80::1",
    "fc00::1", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "2002:a9fe:a9fe::", "::", "ff02::1", "fec0::1", "::a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED, ids=[f"M05-{a}" for a in REFUSED])
def test_special_addresses_are_refused(address: str) -> None:
    assert is_refused(ipaddress.ip_address(address), allow_loopback=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert not is_refused(ipaddress.ip_address(address), allow_loopback=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_allowed_only_where_the_operator_said_so(address: str) -> None:
    parsed = ipaddress.ip_address(address)
    assert is_refused(parsed, allow_loopback=False)
    assert not is_refused(parsed, allow_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/mcp", "ftp://example.com", "https://user@example.com/mcp",
        "https://u:p@example.com/", "https://@example.com/", "https://example.com/#x",
        "https://example.com/#", "https:///mcp", "mcp", "https://example.com:99999/",
        "http://127.0.0.1/mcp", "https://127.0.0.1/mcp", "https://localhost/mcp", "https://[::1",
        "https://example.com:0/", "https://exa mple.com/", "https://example.com/\\x",
        "https://example.com\n/", "https://b\u00fccher.example/", "https://internal/",
        "https://example.com./", "https://-a.example.com/", "https://a_b.example.com/",
        "https://example.com/a/../b", "https://example.com/a/%2e%2E/b", "https://example.com/./a",
        "https://" + "a" * 2048 + ".example/",
    ],
)  # fmt: skip
def test_M04_a_url_that_is_not_plainly_a_public_one_is_refused(url: str) -> None:
    assert isinstance(parse_endpoint(url, allow_loopback=False), EndpointFault)


HOSTS = [
    "169.254.169.254", "10.0.0.1", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "2852039166",
    "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.169.254.", "[64:ff9b::a9fe:a9fe]",
    "\uff11\uff16\uff19.254.169.254", "0xa9.0xfe.0xa9.0xfe", "127.1", "0",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS, ids=[f"M05-{host!a}" for host in HOSTS])
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_a_special_address_is_refused_however_it_is_written(
    host: str, allow_loopback: bool
) -> None:
    read = parse_endpoint(f"https://{host}/mcp", allow_loopback=allow_loopback)
    assert isinstance(read, EndpointFault)


def read(url: str, *, allow_loopback: bool = False) -> Endpoint:
    endpoint = parse_endpoint(url, allow_loopback=allow_loopback)
    assert isinstance(endpoint, Endpoint)
    return endpoint


def test_a_good_url_is_taken_apart() -> None:
    endpoint = read("https://MCP.example.com/a?b=c")
    assert (endpoint.host, endpoint.port, endpoint.target) == ("mcp.example.com", 443, "/a?b=c")
    assert endpoint.url == "https://mcp.example.com/a?b=c"
    assert read(endpoint.url) == endpoint


@pytest.mark.parametrize("url", ["http://localhost:81", "http://[::1]:81/", "http://127.0.0.1:81/"])
def test_a_loopback_url_is_read_where_the_deployment_allows_it(url: str) -> None:
    local = read(url, allow_loopback=True)
    assert (local.scheme, local.port, local.target) == ("http", 81, "/")
    assert read(local.url, allow_loopback=True) == local


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://example.com/", "example.com"),
        ("https://example.com:8443/", "example.com:8443"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]"),
        ("https://8.8.8.8/", "8.8.8.8"),
    ],
)
def test_the_host_header_names_a_port_only_where_it_is_not_the_usual_one(
    url: str, authority: str
) -> None:
    assert read(url).authority == authority
