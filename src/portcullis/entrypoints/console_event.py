"""API Gateway's event to a request of the console: its query, and where the console is mounted."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from portcullis.console.request import ConsoleRequest
from portcullis.entrypoints.apigw import BadEventError, Event, to_base_url, to_request

_ROOT = "/approvals"


def to_console_request(event: Event, *, public_url: str) -> ConsoleRequest:
    """Read an event. `public_url` empty: what API Gateway says of itself stands for it.

    Raises:
        BadEventError: a part is missing, of another type, or contradicts another part.
    """
    http = to_request(event)
    base_url = public_url or to_base_url(event)
    if not base_url:
        raise BadEventError("the event does not say where the api is")
    path = _own_path(http.path, urlsplit(base_url).path.rstrip("/"))
    return ConsoleRequest(http=replace(http, path=path), base_url=base_url, query=_query(event))


def _own_path(path: str, base_path: str) -> str:
    """A path without what it is mounted under: a custom domain's base path is part of it."""
    own = path.removeprefix(base_path)
    return own if own == _ROOT or own.startswith(f"{_ROOT}/") else path


def _query(event: Event) -> tuple[tuple[str, str], ...]:
    found = event.get("multiValueQueryStringParameters") or {}
    if not isinstance(found, Mapping):
        raise BadEventError("the event's query is malformed")
    pairs = [(name, value) for name, values in found.items() for value in values or ()]
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in pairs):
        raise BadEventError("the event's query is malformed")
    return tuple(pairs)
