"""Digests of what an approval is bound to besides the call itself."""

from hashlib import sha256

from portcullis.strictjson import canonical
from portcullis.values import JsonObject


def definition_digest(definition: JsonObject) -> str:
    """The SHA-256 of a tool's definition as its server lists it: name, words, schemas, all."""
    return sha256(canonical(definition)).hexdigest()


def registration_digest(registration: JsonObject) -> str:
    """The SHA-256 of where a server's calls go and with which credential."""
    return sha256(canonical(registration)).hexdigest()
