"""The gateway's own reading of a server's tools, for the snapshot that calls are checked by.

A server is asked in the 2026-07-28 revision first; one that does not speak it is asked in an
earlier one. Which of the two it may be asked in at all, its registration says.
"""

from portcullis.errors import UpstreamError, UpstreamUncertainError
from portcullis.gateway.own_calls import Conversation
from portcullis.gateway.ports import Registered
from portcullis.protocol import lists
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject

MAXIMUM_PAGES = 100
MAXIMUM_BYTES = 8 << 20  # of all pages together
SCOPE = "0" * 64  # no caller's scope: nothing that a host keeps for a caller is reached


def fetch_tools(target: Registered, *, longest_seconds: float) -> dict[str, JsonObject]:
    """Read all pages of `tools/list`; answer name to definition, unsound entries left out.

    A page may take the server's own time-out, and no more than `longest_seconds`.

    Raises:
        UpstreamError: the server did not answer with a list.
    """
    conversation = Conversation(
        target.upstream,
        scope=SCOPE,
        timeout_seconds=min(target.timeout_seconds, longest_seconds),
        maximum_bytes=MAXIMUM_BYTES,
    )
    tools = lists.tools_of(_read(conversation, target.eras))
    if tools is None:
        raise UpstreamUncertainError("the server's tool list cannot be read")
    return tools


def _read(conversation: Conversation, eras: frozenset[Era]) -> list[JsonObject]:
    if Era.MODERN in eras:
        try:
            return _pages(conversation)
        except UpstreamError:
            if Era.LEGACY not in eras:
                raise
    conversation.shake_hands()
    return _pages(conversation)


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
