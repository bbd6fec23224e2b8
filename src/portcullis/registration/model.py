"""A registration as a value, and what a deployment permits of one. No behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from portcullis.protocol.versions import Era
from portcullis.registration.endpoint import Endpoint
from portcullis.values import JsonObject

ERAS: Final[Mapping[str, frozenset[Era]]] = {
    "auto": frozenset(Era),
    "legacy": frozenset((Era.LEGACY,)),
    "modern": frozenset((Era.MODERN,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretCredential:
    """The string of a secret, sent in one header, after `scheme` where there is one."""

    secret: str  # ARN
    header: str  # lower case
    scheme: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigV4Credential:
    """A signature of the calling function's own role."""

    service: str
    region: str


Credential: TypeAlias = SecretCredential | SigV4Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One server. Neither `function` nor `endpoint`: it was removed.

    `timeout_seconds` None: the deployment's own. `document` is the canonical form, `revision`
    "sha256:" and its digest.
    """

    revision: str
    document: JsonObject
    function: str | None = None  # ARN
    endpoint: Endpoint | None = None
    credential: Credential | None = None
    timeout_seconds: int | None = None
    eras: frozenset[Era] = frozenset(Era)

    @property
    def is_removed(self) -> bool:
        """Whether there is no such server any more."""
        return self.function is None and self.endpoint is None

    @property
    def binding(self) -> JsonObject:
        """Where calls go, how, and with which credential: what an approval is bound to."""
        names = ("lambda", "url", "credential", "era")
        return {name: self.document[name] for name in names if name in self.document}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """What a deployment permits of the registrations that are uploaded to it.

    ARNs are permitted one by one. `signs`: calls may be signed with the functions' role.
    """

    functions: frozenset[str] = field(default_factory=frozenset)
    secrets: frozenset[str] = field(default_factory=frozenset)
    signs: bool = False
    allow_loopback: bool = False
    longest_seconds: int = 27
    reserved: frozenset[str] = field(default_factory=frozenset)
