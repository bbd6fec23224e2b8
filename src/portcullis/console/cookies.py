"""The cookies the console sets: by TLS with the `__Host-` prefix, so no other site can plant one.

On http there is only the loopback address, and cookies go by their plain names there. Source:
RFC 6265bis, "Cookie Name Prefixes", "SameSite".
"""

from dataclasses import dataclass
from typing import Final

from portcullis.console.request import ConsoleRequest

PREFIX: Final = "__Host-"
MAXIMUM_LENGTH: Final = 4000  # browsers keep 4096 bytes of name, value and attributes together


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One kind of cookie. `same_site` Lax is for what must survive coming back from the issuer."""

    name: str
    same_site: str = "Strict"

    def read(self, request: ConsoleRequest) -> str | None:
        """The value a browser sent."""
        return request.cookie(self._full_name(request))

    def written(self, request: ConsoleRequest, value: str, *, seconds: int) -> str:
        """The `Set-Cookie` that keeps a value for a while."""
        secure = "; Secure" if request.is_https else ""
        return (
            f"{self._full_name(request)}={value}; Path=/; Max-Age={seconds}; HttpOnly{secure}; "
            f"SameSite={self.same_site}"
        )

    def cleared(self, request: ConsoleRequest) -> str:
        """The `Set-Cookie` that ends it."""
        return self.written(request, "", seconds=0)

    def _full_name(self, request: ConsoleRequest) -> str:
        return PREFIX + self.name if request.is_https else self.name


SESSION: Final = Cookie(name="portcullis")
BEFORE_SIGN_IN: Final = Cookie(name="portcullis-start")
AT_ISSUER: Final = Cookie(name="portcullis-signin", same_site="Lax")
