"""HTTP messages as values. No parsing of bodies, no routing, no sockets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_OWS = " \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request as it arrived; repeated headers stay repeated.

    `headers` are (name, value) pairs in order, names in any case.
    """

    method: str
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    by_name: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the headers by lower-case name once; rules ask for them often."""
        by_name: dict[str, tuple[str, ...]] = {}
        for name, value in self.headers:
            key = name.lower()
            by_name[key] = (*by_name.get(key, ()), value.strip(_OWS))
        object.__setattr__(self, "by_name", by_name)

    def values(self, name: str) -> tuple[str, ...]:
        """Answer every value of a header, trimmed of spaces and tabs only."""
        return self.by_name.get(name.lower(), ())

    def single(self, name: str) -> str | None:
        """Answer the value of a header that occurs exactly once, else None."""
        found = self.by_name.get(name.lower(), ())
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """One reply to send; header names are lower case and, `set-cookie` aside, occur once."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def header_values(headers: Iterable[tuple[str, str]], name: str) -> tuple[str, ...]:
    """Answer every value of a header, its name compared without case (RFC 9110 section 5.1)."""
    wanted = name.lower()
    return tuple(value.strip(_OWS) for key, value in headers if key.lower() == wanted)


def media_type(content_type: str) -> str:
    """Answer the media type of a Content-Type value, lower case, without its parameters."""
    return content_type.partition(";")[0].strip(_OWS).lower()
