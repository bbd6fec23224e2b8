"""A registration's document, checked; and its canonical form.

It reads values, not text: the gateway hands it the strictly parsed JSON that the activator
stored, `registration_text` the tree of an uploaded file. Nothing it needs reads YAML.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from portcullis.policy.faults import Findings, Positions, quoted
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_mapping,
    read_optional,
    read_seconds,
    read_text,
    read_word,
)
from portcullis.registration import words
from portcullis.registration.credential_text import (
    check_credential,
    credential_document,
    read_credential,
)
from portcullis.registration.endpoint import MAXIMUM_URL, Endpoint, EndpointFault, parse_endpoint
from portcullis.registration.model import ERAS, Credential, Permits, Registration
from portcullis.strictjson import canonical
from portcullis.values import JsonObject, JsonValue

MAXIMUM_DESCRIPTION = 4000
MAXIMUM_ARN = 2048
FUNCTION_ARN: Final = re.compile(
    r"arn:aws(?:-[a-z]+)*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}"
    r"(?::[A-Za-z0-9$_-]{1,128})?"
)


def parse_registration(
    tree: JsonValue, positions: Positions | None = None, *, server: str, permits: Permits
) -> Registration:
    """Check a document, and that the deployment permits what it names.

    Args:
        tree: the document as values.
        positions: where its parts stand in a text, for the faults.
        server: the name it is registered under.
        permits: what the deployment permits.

    Raises:
        PolicyFaults: the document cannot be used; it carries every fault.
    """
    findings = Findings(positions)
    node = Node(tree, (), findings)
    if server in permits.reserved or server in words.RESERVED:
        node.fault(f"the name {quoted(server)} is taken", "choose another name for the file")
    members = read_mapping(node, "a registration", words.TOP_KEYS, words.TOP_HINTS) or {}
    _read_version(node, members)
    description = read_optional(members, "description", _read_description)
    state = read_optional(members, "state", _read_state, words.STATES[0])
    if state == words.REMOVED:
        registration = _removed(members, description)
    else:
        registration = _active(node, members, description, permits)
    findings.raise_faults()
    return registration


def _read_version(node: Node, members: Mapping[str, Node]) -> None:
    if has_keys(node, members, ("version",)) and members["version"].value != words.VERSION:
        message = f"the version is not the text {quoted(words.VERSION)}"
        members["version"].fault(message, f'write `version: "{words.VERSION}"`, with the quotes')


def _read_description(node: Node) -> str | None:
    return read_text(node, MAXIMUM_DESCRIPTION)


def _read_state(node: Node) -> str | None:
    return read_word(node, words.STATES, words.STATE_HINTS)


def _removed(members: Mapping[str, Node], description: str | None) -> Registration:
    for key in members.keys() - {"version", "description", "state"}:
        members[key].key_fault("a server that is removed has nothing else", "remove the line")
    return _registration(description, {"state": words.REMOVED})


def _active(
    node: Node, members: Mapping[str, Node], description: str | None, permits: Permits
) -> Registration:
    if isinstance(node.value, dict) and ("lambda" in members) == ("url" in members):
        node.fault("a server has either `lambda` or `url`", "write one of the two")
    function = read_optional(members, "lambda", lambda at: _read_function(at, permits))
    endpoint = read_optional(members, "url", lambda at: _read_endpoint(at, permits))
    credential: Credential | None = None
    if "credential" in members:
        credential = read_credential(members["credential"], permits)
    if credential is not None:
        check_credential(members, endpoint, credential)
    timeout = read_optional(members, "timeout", lambda at: _read_timeout(at, permits))
    era = read_optional(members, "era", _read_era, "auto") or "auto"
    document: JsonObject = {"state": words.STATES[0], "era": era}
    if function is not None:
        document["lambda"] = function
    if endpoint is not None:
        document["url"] = endpoint.url
    if credential is not None:
        document["credential"] = credential_document(credential)
    if timeout is not None:
        document["timeout"] = timeout
    made = _registration(description, document)
    return replace(
        made,
        function=function,
        endpoint=endpoint,
        credential=credential,
        timeout_seconds=timeout,
        eras=ERAS[era],
    )


def _read_function(node: Node, permits: Permits) -> str | None:
    text = read_text(node, MAXIMUM_ARN)
    if text is None:
        return None
    if not FUNCTION_ARN.fullmatch(text):
        node.fault(f"{quoted(text)} is not the ARN of a function", "copy it from the function")
        return None
    if text not in permits.functions:
        node.fault(
            "the deployment does not permit this function",
            "add the very ARN to the parameter UpstreamFunctionArns",
        )
        return None
    return text


def _read_endpoint(node: Node, permits: Permits) -> Endpoint | None:
    text = read_text(node, MAXIMUM_URL)
    if text is None:
        return None
    read = parse_endpoint(text, allow_loopback=permits.allow_loopback)
    if isinstance(read, EndpointFault):
        node.fault(f"the url {read.message}", read.suggestion)
        return None
    return read


def _read_timeout(node: Node, permits: Permits) -> int | None:
    seconds = read_seconds(node)
    if seconds is not None and seconds > permits.longest_seconds:
        node.fault(
            f"the deployment waits for {permits.longest_seconds} seconds at most",
            "write less, or raise the parameter UpstreamTimeoutSeconds",
        )
        return None
    return seconds


def _read_era(node: Node) -> str | None:
    return read_word(node, words.ERAS, words.ERA_HINTS)


def _registration(description: str | None, content: JsonObject) -> Registration:
    document: JsonObject = {"version": words.VERSION, **content}
    if description is not None:
        document["description"] = description
    revision = "sha256:" + hashlib.sha256(canonical(document)).hexdigest()
    return Registration(revision=revision, document=document)
