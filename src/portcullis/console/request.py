"""One request as the console sees it: HTTP, its query, and where the console is mounted.

Only reading may live here; nothing of the request is believed because it is in a header.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from portcullis.protocol.http import HttpRequest, media_type

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRequest:
    """A request. `http.path` is the console's own path, `base_url` what stands before it.

    `base_url` comes from the settings or from what routed the request here, never from the
    client.
    """

    http: HttpRequest
    base_url: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def is_https(self) -> bool:
        """Whether the browser came by TLS."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def origin(self) -> str:
        """Our own origin, as browsers write it (RFC 6454 section 6)."""
        parts = urlsplit(self.base_url)
        is_default = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
        host = parts.hostname or ""
        named = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{named}" + ("" if is_default else f":{parts.port}")

    @property
    def base_path(self) -> str:
        """What stands before our paths in links: the stage, or nothing."""
        return urlsplit(self.base_url).path.rstrip("/")

    @property
    def is_api(self) -> bool:
        """Whether whoever asks is a program: it shows a bearer credential, or speaks JSON."""
        accepted = ",".join(self.http.values("accept")).lower()
        asks_json = "application/json" in accepted and "text/html" not in accepted
        return bool(self.http.values("authorization")) or asks_json or self.media == JSON

    @property
    def media(self) -> str:
        """The media type of the body; nothing where it is not told exactly once."""
        return media_type(self.http.single("content-type") or "")

    def cookie(self, name: str) -> str | None:
        """The value of a cookie that was sent exactly once (RFC 6265 section 5.4)."""
        pairs = [
            pair.strip(" \t").partition("=")
            for header in self.http.values("cookie")
            for pair in header.split(";")
        ]
        found = [value for key, _, value in pairs if key == name]
        return found[0] if len(found) == 1 else None

    def parameter(self, name: str) -> str | None:
        """The value of a query parameter that was sent exactly once."""
        found = [value for key, value in self.query if key == name]
        return found[0] if len(found) == 1 else None

    @property
    def comes_from_elsewhere(self) -> bool:
        """Whether a browser says that a page of somebody else's led here (Fetch Metadata)."""
        return self.http.single("sec-fetch-site") in ("cross-site", "same-site")

    @property
    def is_own_form(self) -> bool:
        """Whether a form was sent from a page of ours.

        Our pages send no referrer, for which browsers write `Origin: null` (Fetch, "append a
        request Origin header"); then the fetch metadata must say where the form was.
        """
        origins = self.http.values("origin")
        if len(origins) > 1:
            return False
        if origins and origins[0] != "null":
            return origins[0] == self.origin
        return self.http.single("sec-fetch-site") == "same-origin"


JSON, FORM = "application/json", "application/x-www-form-urlencoded"
