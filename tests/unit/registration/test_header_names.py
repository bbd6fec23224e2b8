"""Which header may carry an upstream's credential."""

import pytest

from portcullis.protocol.upstream_request import _ALWAYS
from portcullis.registration.header_names import may_carry_credential


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "api-key", "x-token-2"])
def test_a_header_of_the_server_s_own_may(name: str) -> None:
    assert may_carry_credential(name)


@pytest.mark.parametrize(
    "name",
    [
        "host", "connection", "content-length", "content-type", "transfer-encoding", "te",
        "trailer", "upgrade", "keep-alive", "proxy-authorization", "cookie", "mcp-session-id",
        "mcp-method", "mcp-protocol-version", "x-forwarded-for", "x-amz-security-token",
        "x-amzn-trace-id", "accept", "accept-encoding", "user-agent", "traceparent", "expect",
        "", "x y", "x:y", "x\r\ny", "Authorization", "é", "x_y", "a" * 65,
    ],
)  # fmt: skip
def test_M01_a_header_with_a_meaning_of_its_own_may_not(name: str) -> None:
    assert not may_carry_credential(name)


def test_no_header_that_is_always_sent_can_be_taken_over() -> None:
    assert not [name for name, _ in _ALWAYS if may_carry_credential(name)]
