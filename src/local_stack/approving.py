"""Approves the policies that the stack starts with, as its people would: by the console's API.

Only the policies of the start. What is uploaded later waits for whoever tries the stack out.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable

COMMENT = "one of the policies that the local stack was started with"
_SECONDS = 30


class People:
    """The people of a try-out by their tokens; each says yes once to what is asked."""

    def __init__(self, console_url: str, tokens: Iterable[str]) -> None:
        self._url = console_url
        self._tokens = tuple(tokens)

    def approve(self, approval_id: str) -> bool:
        """Say yes, one after the other, until it is decided; answers whether it is approved."""
        return any(self._say_yes(approval_id, token) for token in self._tokens)

    def _say_yes(self, approval_id: str, token: str) -> bool:
        """One person's yes; answers whether that was enough. A person who may not is no yes."""
        request = urllib.request.Request(  # noqa: S310 - our own http endpoint
            f"{self._url}/{urllib.parse.quote(approval_id, safe='')}",
            data=json.dumps({"decision": "approve", "comment": COMMENT}).encode(),
            method="POST",
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=_SECONDS) as answer:
                return bool(json.load(answer)["state"] != "PENDING")
        except urllib.error.HTTPError:
            return False
