"""A person asked to open a page, as the client's revision says it.

2026-07-28: an `input_required` result that carries a link and the state of the call; the
retry brings the state back (basic/patterns/mrtr, client/elicitation). 2025-11-25: the error
-32042 (client/elicitation, URL Elicitation Required Error). A client that accepts agrees to
show the page. It never approves anything.
"""

from typing import Final

from portcullis.protocol import outbound
from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.protocol.versions import Era
from portcullis.values import JsonMapping, JsonObject

INPUT_KEY: Final = "approval"

_ACTIONS: Final = frozenset(("accept", "decline", "cancel"))


def declares_url(capabilities: JsonMapping) -> bool:
    """Tell whether client capabilities hold elicitation by URL."""
    elicitation = capabilities.get("elicitation")
    return isinstance(elicitation, dict) and isinstance(elicitation.get("url"), dict)


def accepts_url(request: Request) -> bool:
    """Tell whether a modern request may be answered with a link for its user."""
    return request.era is Era.MODERN and declares_url(request.client_capabilities)


def response_of(request: Request) -> str | None:
    """Answer what the user said to our link ("accept", "decline", "cancel"), None if nothing."""
    responses = request.params.get("inputResponses")
    response = responses.get(INPUT_KEY) if isinstance(responses, dict) else None
    action = response.get("action") if isinstance(response, dict) else None
    return action if isinstance(action, str) and action in _ACTIONS else None


def input_required(
    request: Request,
    *,
    state: str,
    url: str | None,
    message: str,
    decision: JsonObject | None = None,
) -> HttpReply:
    """Tell a modern client to come again with the state, after showing a link if there is one.

    Args:
        request: the call.
        state: what the retry brings back.
        url: the page to open; None where the client has opened it already.
        message: why, for the user.
        decision: what machines read, under `_meta["portcullis/decision"]`.
    """
    value: JsonObject = {"requestState": state}
    if url is not None:
        asked: JsonObject = {"mode": "url", "url": url, "message": message}
        value["inputRequests"] = {INPUT_KEY: {"method": "elicitation/create", "params": asked}}
    return outbound.result(request, value, result_type="input_required", decision=decision)


def url_required(request: Request, *, approval_id: str, url: str, message: str) -> HttpReply:
    """Tell a legacy client that its user has to open a page before the call can be made."""
    asked: JsonObject = {
        "mode": "url",
        "elicitationId": approval_id,
        "url": url,
        "message": message,
    }
    data: JsonObject = {"elicitations": [asked]}
    return outbound.error(request, Code.URL_ELICITATION_REQUIRED, message, data=data)
