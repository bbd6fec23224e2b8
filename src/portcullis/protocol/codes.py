"""JSON-RPC error codes and the HTTP status each one travels in. A table, no behaviour.

Sources: 2026-07-28 basic Error Codes and basic/transports/streamable-http; 2025-11-25
basic/transports Sending Messages to the Server.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from portcullis.protocol.versions import Era


class Code(IntEnum):
    """The JSON-RPC error codes the gateway originates."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    RESOURCE_NOT_FOUND = -32002  # legacy only (2025-11-25 server/resources, Error Handling)
    URL_ELICITATION_REQUIRED = -32042  # legacy only (2025-11-25 client/elicitation)
    HEADER_MISMATCH = -32020
    MISSING_CLIENT_CAPABILITY = -32021
    UNSUPPORTED_VERSION = -32022
    FORBIDDEN = 40301


_MODERN_STATUS: Final[Mapping[int, int]] = MappingProxyType(
    {
        Code.PARSE_ERROR: 400,
        Code.INVALID_REQUEST: 400,
        Code.METHOD_NOT_FOUND: 404,
        Code.INVALID_PARAMS: 400,
        Code.INTERNAL_ERROR: 200,
        Code.RESOURCE_NOT_FOUND: 200,
        Code.URL_ELICITATION_REQUIRED: 200,
        Code.HEADER_MISMATCH: 400,
        Code.MISSING_CLIENT_CAPABILITY: 400,
        Code.UNSUPPORTED_VERSION: 400,
        Code.FORBIDDEN: 200,
    }
)


def status_for(code: int, era: Era) -> int:
    """Answer the HTTP status of a JSON-RPC error reply to a well-formed request.

    Legacy clients do not read the bodies of non-2xx replies, so there every error of a
    method travels in 200; frames that are no request at all are refused with 400.
    """
    if era is Era.LEGACY:
        return 200
    return _MODERN_STATUS.get(code, 200)
