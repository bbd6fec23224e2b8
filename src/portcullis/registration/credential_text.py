"""The `credential` block: how a server at a URL knows the gateway.

Only the reading of that block, and its canonical form, may live here. No credential stands
in it: it names a secret, or how calls are signed.
"""

import re
from collections.abc import Mapping
from typing import Final

from portcullis.policy.faults import quoted
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_mapping,
    read_optional,
    read_text,
    read_word,
)
from portcullis.registration import words
from portcullis.registration.endpoint import Endpoint
from portcullis.registration.header_names import may_carry_credential
from portcullis.registration.model import Credential, Permits, SecretCredential, SigV4Credential
from portcullis.values import JsonObject

MAXIMUM_ARN = 2048
MAXIMUM_WORD = 64
_SECRET_ARN: Final = re.compile(
    r"arn:aws(?:-[a-z]+)*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}"
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}")


def read_credential(node: Node, permits: Permits) -> Credential | None:
    """Read a `credential` block."""
    what = "a block like `{secret: <arn>, header: authorization}`"
    if isinstance(node.value, str):  # never quoted: it may be the credential itself
        node.fault(f"a text stands where {what} must be", "keep the credential in Secrets Manager")
        return None
    members = read_mapping(node, what, words.CREDENTIAL_KEYS, words.CREDENTIAL_HINTS)
    if members is None:
        return None
    if "sigv4" in members:
        for key in members.keys() - {"sigv4"}:
            members[key].key_fault("a call that is signed carries no secret", "keep one of the two")
        return _read_sigv4(members["sigv4"], permits)
    if not has_keys(node, members, ("secret",)):
        return None
    secret = _read_secret(members["secret"], permits)
    header = read_optional(members, "header", _read_header, words.DEFAULT_HEADER)
    scheme = read_optional(members, "scheme", _read_scheme)
    if secret is None or header is None:
        return None
    return SecretCredential(secret=secret, header=header, scheme=scheme)


def check_credential(
    members: Mapping[str, Node], endpoint: Endpoint | None, credential: Credential
) -> None:
    """Record what is wrong with a sound credential beside what it is for."""
    node = members["credential"]
    if "lambda" in members:
        node.key_fault("a function is called with the gateway's own role", "remove the block")
    if not isinstance(credential, SigV4Credential) or endpoint is None:
        return
    if endpoint.scheme != "https":
        node.fault("a signature is sent by https only")
        return
    form = words.SERVICES[credential.service]
    if form is not None and not _fits(form, credential.region, endpoint.host):
        told = form.replace("<region>", credential.region)
        message = f"the host is none of the service {quoted(credential.service)}"
        node.fault(message, f"its hosts are `{told}`")


def credential_document(credential: Credential) -> JsonObject:
    """The block in its canonical form, with its defaults."""
    if isinstance(credential, SigV4Credential):
        return {"sigv4": {"service": credential.service, "region": credential.region}}
    document: JsonObject = {"secret": credential.secret, "header": credential.header}
    if credential.scheme is not None:
        document["scheme"] = credential.scheme
    return document


def _read_secret(node: Node, permits: Permits) -> str | None:
    text = read_text(node, MAXIMUM_ARN)
    if text is None:
        return None
    if not _SECRET_ARN.fullmatch(text):
        # Never quoted: it may be the credential itself.
        node.fault("this is not the ARN of a secret", "keep the credential in Secrets Manager")
        return None
    if text not in permits.secrets:
        node.fault(
            "the deployment does not permit this secret",
            "add the very ARN to the parameter UpstreamSecretArns",
        )
        return None
    return text


def _read_header(node: Node) -> str | None:
    text = read_text(node, MAXIMUM_WORD)
    if text is None:
        return None
    if not may_carry_credential(text.lower()):
        node.fault(f"the header {quoted(text)} cannot carry a credential", "write `authorization`")
        return None
    return text.lower()


def _read_scheme(node: Node) -> str | None:
    text = read_text(node, MAXIMUM_WORD)
    if text is not None and not _SCHEME.fullmatch(text):
        node.fault("a scheme is one word", "write `Bearer`")
        return None
    return text


def _read_sigv4(node: Node, permits: Permits) -> SigV4Credential | None:
    what = "a block like `{service: execute-api, region: eu-west-1}`"
    members = read_mapping(node, what, words.SIGV4_KEYS, words.SIGV4_HINTS)
    if members is None or not has_keys(node, members, words.SIGV4_KEYS):
        return None
    if not permits.signs:
        node.fault(
            "the deployment signs no calls",
            "set the parameter UpstreamAccessPolicyArn",
        )
    service = read_optional(members, "service", _read_service)
    region = read_optional(members, "region", _read_region)
    if service is None or region is None:
        return None
    return SigV4Credential(service=service, region=region)


def _read_service(node: Node) -> str | None:
    return read_word(node, words.SERVICES, words.SERVICE_HINTS)


def _read_region(node: Node) -> str | None:
    text = read_text(node, MAXIMUM_WORD)
    if text is not None and not _REGION.fullmatch(text):
        node.fault(f"{quoted(text)} is not a region", "write it like `eu-west-1`")
        return None
    return text


def _fits(form: str, region: str, host: str) -> bool:
    """Whether a host has the form; `<id>.` stands for labels, which may be absent."""
    text = re.escape(form.replace("<region>", region))
    pattern = text.replace(re.escape("<id>."), r"(?:[a-z0-9-]+\.)*")
    return re.fullmatch(pattern, host) is not None
