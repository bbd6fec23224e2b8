"""The gateway's own reading of a server's tools, for the snapshot that calls are checked by.

A server is asked in the 2026-07-28 revision first; one that does not speak it is asked in an
earlier one.
"""

from portcullis.errors import UpstreamError, UpstreamUncertainError
from portcullis.gateway.own_calls import Conversation
from portcullis.gateway.ports import Upstream
from portcullis.protocol import lists
from portcullis.values import JsonObject

MAXIMUM_PAGES = 100
MAXIMUM_BYTES = 8 << 20  # of all pages together
SCOPE = "0" * 64  # no caller's scope: nothing that a host keeps for a caller is reached


def fetch_tools(upstream: Upstream, *, timeout_seconds: float) -> dict[str, JsonObject]:
    """Read all pages of `tools/list`; answer name to definition, unsound entries left out.

    Raises:
        UpstreamError: the server did not answer with a list.
    """
    conversation = Conversation(
        upstream, scope=SCOPE, timeout_seconds=timeout_seconds, maximum_bytes=MAXIMUM_BYTES
    )
    try:
        pages = _pages(conversation)
    except UpstreamError:
        conversation.shake_hands()
        pages = _pages(conversation)
    tools = lists.tools_of(pages)
    if tools is None:
        raise UpstreamUncertainError("the server's tool list cannot be read")
    return tools


def _pages(conversation: Conversation) -> list[JsonObject]:
    pages: list[JsonObject] = []
    params: JsonObject = {}
    for _ in range(MAXIMUM_PAGES):
        page = conversation.ask("tools/list", params).get("result")
        if not isinstance(page, dict):
            raise UpstreamUncertainError("the server answered with an error")
        pages.append(page)
        cursor = lists.next_cursor(page)
        if cursor is None:
            return pages
        params = {"cursor": cursor}
    raise UpstreamUncertainError("the server's tool list does not end")
