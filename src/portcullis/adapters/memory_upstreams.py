"""Servers that are registered once and for all: those the deployment brings itself."""

from collections.abc import Iterable

from portcullis.gateway.ports import Registered, Upstreams
from portcullis.policy.model import Instant


class FixedUpstreams(Upstreams):
    """The same servers at any time."""

    def __init__(self, registered: Iterable[Registered]) -> None:
        self._by_name = {one.server: one for one in registered}

    def find(self, server: str, *, now: Instant) -> Registered | None:  # noqa: ARG002 - the port's
        """See `Upstreams.find`."""
        return self._by_name.get(server)
