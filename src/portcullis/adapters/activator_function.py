"""The activator as the executor asks it: one invocation, which names a claimed request."""

from collections.abc import Callable
from functools import cache
from typing import Final

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.function_calls import invoke_once
from portcullis.errors import UpstreamUncertainError
from portcullis.gateway.policy_work import Activator

ACTIVE: Final = "active"
REJECTED: Final = "rejected"
MAXIMUM_NOTE: Final = 500
NO_REASON: Final = "the activator refused it"


class ActivatorFunction(Activator):
    """Invokes one function. Its answer is the status object (docs/reference/status.md).

    `make_client` is asked once, for the first policy: most requests are calls.
    """

    def __init__(self, make_client: Callable[[], Client], function: str) -> None:
        self._client = cache(make_client)
        self._function = function

    def put_in_force(self, approval_id: str, server: str) -> str | None:
        """See `Activator.put_in_force`."""
        payload = {"approval": approval_id, "server": server}
        told = invoke_once(self._client(), self._function, {**payload}, what="the activator")
        if told.get("state") == ACTIVE:
            return None
        if told.get("state") != REJECTED:
            raise UpstreamUncertainError("the activator answered something else")
        match told.get("faults"):
            case [{"message": str() as message}, *_]:
                return message[:MAXIMUM_NOTE]
            case _:
                return NO_REASON
