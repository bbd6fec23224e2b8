"""A registration in force as an operator may see it: where calls go, never with which secret."""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from portcullis.gateway.fingerprints import registration_digest
from portcullis.registration.words import DEFAULT_HEADER, REMOVED
from portcullis.strictjson import canonical
from portcullis.values import JsonObject, JsonValue

_BINDING = ("lambda", "url", "credential", "era")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a registration says. `digest` is what stored tool lists are bound to."""

    revision: str
    is_removed: bool = False
    function: str = ""  # ARN
    address: str = ""  # URL without its query, which may hold a key
    credential: str = ""
    era: str = ""
    timeout_seconds: int | None = None
    description: str = ""
    digest: str = ""


def registered_of(envelope: JsonObject) -> Registered | None:
    """Read what the activator stored; None where it is not that."""
    document, revision = envelope.get("document"), envelope.get("revision")
    if not isinstance(document, dict) or not isinstance(revision, str):
        return None
    if revision != "sha256:" + hashlib.sha256(canonical(document)).hexdigest():
        return None
    timeout = document.get("timeout")
    url = document.get("url")
    return Registered(
        revision=revision,
        is_removed=document.get("state") == REMOVED,
        function=_text(document.get("lambda")),
        address=_without_query(url) if isinstance(url, str) else "",
        credential=_credential(document),
        era=_text(document.get("era")),
        timeout_seconds=timeout if isinstance(timeout, int) else None,
        description=_text(document.get("description")),
        digest=registration_digest({name: document[name] for name in _BINDING if name in document}),
    )


def _credential(document: JsonObject) -> str:
    """What the server is told of who calls it, in words; the secret itself is nowhere here."""
    told = document.get("credential")
    if not isinstance(told, dict):
        return "none"
    signed = told.get("sigv4")
    if isinstance(signed, dict):
        return f"SigV4 signature for {_text(signed.get('service'))}"
    scheme = f", {_text(told.get('scheme'))}" if told.get("scheme") else ""
    return f"a secret in {_text(told.get('header')) or DEFAULT_HEADER}{scheme}"


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    hidden = "?…" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{hidden}"


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
