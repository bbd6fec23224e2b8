"""What the console gives a browser to keep, under a seal: sessions, sign-ins, form tokens.

Nothing here is secret from its holder, and nothing of it can be made or changed by them. Each
kind has a prefix of its own under the seal, so that one is never taken for another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.console.cookies import MAXIMUM_LENGTH
from portcullis.policy.model import Principal
from portcullis.protocol.sealing import number_of, seal, text_of, unseal
from portcullis.values import JsonObject, JsonValue

_SESSION: Final = "pcs1"
_FORM: Final = "pcf1"
_SIGN_IN: Final = "pci1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in. By grant it holds the grant's digest; by an issuer, who signed in there."""

    id: str
    expires_at: int  # epoch seconds
    digest: str = ""
    person: Principal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What a browser keeps while it is at the issuer. `back_to`: the request to show then."""

    state: str
    nonce: str
    verifier: str
    back_to: str
    expires_at: int


class Seals:
    """Seals and opens. `keys` answers the key in use first, then older ones."""

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys

    def session(self, session: Session) -> str:
        """A session as a cookie's value."""
        payload: JsonObject = {"sid": session.id, "exp": session.expires_at}
        if session.person is None:
            payload["grant"] = session.digest
        else:
            payload["iss"] = session.person.issuer
            payload["sub"] = session.person.subject
            payload["person"] = session.person.person
            payload["groups"] = list(session.person.groups or ())
        return self._seal(_SESSION, payload)

    def open_session(self, value: str, *, now_seconds: int) -> Session | None:
        """The session in a cookie's value, None where it is none or over."""
        payload = self._open(_SESSION, value, now_seconds)
        if payload is None:
            return None
        try:
            return Session(
                id=text_of(payload, "sid"),
                expires_at=number_of(payload, "exp"),
                digest="" if "iss" in payload else text_of(payload, "grant"),
                person=_person(payload) if "iss" in payload else None,
            )
        except LookupError:
            return None

    def sign_in(self, sign_in: SignIn) -> str:
        """A sign-in that is under way as a cookie's value."""
        return self._seal(
            _SIGN_IN,
            {
                "state": sign_in.state,
                "nonce": sign_in.nonce,
                "verifier": sign_in.verifier,
                "to": sign_in.back_to,
                "exp": sign_in.expires_at,
            },
        )

    def open_sign_in(self, value: str, *, now_seconds: int) -> SignIn | None:
        """The sign-in in a cookie's value, None where it is none or over."""
        payload = self._open(_SIGN_IN, value, now_seconds)
        if payload is None:
            return None
        try:
            return SignIn(
                state=text_of(payload, "state"),
                nonce=text_of(payload, "nonce"),
                verifier=text_of(payload, "verifier"),
                back_to=text_of(payload, "to"),
                expires_at=number_of(payload, "exp"),
            )
        except LookupError:
            return None

    def form_token(self, use: str, *, holder: str, version: int = 0) -> str:
        """What a form of ours carries: good for one use, one browser, one version of a request."""
        return self._seal(_FORM, {"use": use, "for": holder, "v": version})

    def is_form_token(self, token: str, use: str, *, holder: str, version: int = 0) -> bool:
        """Whether a form carries the token it was given."""
        opened = unseal(_FORM, token, self._keys(), max_length=MAXIMUM_LENGTH)
        return opened == {"use": use, "for": holder, "v": version}

    def _seal(self, prefix: str, payload: JsonObject) -> str:
        return seal(prefix, payload, self._keys()[0])

    def _open(self, prefix: str, value: str, now_seconds: int) -> JsonObject | None:
        payload = unseal(prefix, value, self._keys(), max_length=MAXIMUM_LENGTH)
        expires = payload.get("exp") if payload is not None else None
        return payload if isinstance(expires, int) and now_seconds < expires else None


def _person(payload: JsonObject) -> Principal:
    groups = payload.get("groups")
    return Principal(
        issuer=text_of(payload, "iss"),
        subject=text_of(payload, "sub"),
        person=text_of(payload, "person"),
        groups=tuple(map(_group, groups)) if isinstance(groups, list) else (),
    )


def _group(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    raise LookupError("groups")
