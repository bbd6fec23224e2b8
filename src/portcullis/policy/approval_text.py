"""The `approval` block of a rule: who is asked, for how long, and what they are shown first.

Only the reading of that block, and its canonical form, may live here.
"""

from portcullis.policy.compile_error import PathError
from portcullis.policy.model import Approval, Each, Path
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_elements,
    read_mapping,
    read_optional,
    read_seconds,
    read_text,
    read_whole,
)
from portcullis.policy.paths import compile_path
from portcullis.policy.words import APPROVAL_HINTS, APPROVAL_KEYS
from portcullis.values import JsonObject

MAXIMUM_APPROVERS = 100
MAXIMUM_APPROVER = 256
MAXIMUM_SHOWN = 10
MAXIMUM_PATH = 500
DEFAULT_TIMEOUT_SECONDS = 3600


def read_approval(node: Node) -> Approval | None:
    """Read an `approval` block."""
    what = "a block like `{approvers: [group:platform], timeout: 1h}`"
    members = read_mapping(node, what, APPROVAL_KEYS, APPROVAL_HINTS)
    if members is None or not has_keys(node, members, ["approvers"]):
        return None
    approvers = _read_approvers(members["approvers"])
    timeout = read_optional(members, "timeout", read_seconds, DEFAULT_TIMEOUT_SECONDS)
    minimum = read_optional(
        members, "min_approvals", lambda block: read_whole(block, 1, MAXIMUM_APPROVERS), 1
    )
    if approvers is None or timeout is None or minimum is None:
        return None
    has_group = any(approver.startswith("group:") for approver in approvers)
    if minimum > len(approvers) and not has_group:
        members["min_approvals"].fault(f"there are only {len(approvers)} approvers")
    nothing: tuple[Path, ...] = ()
    shown = read_optional(members, "show", _read_shown, nothing)
    if shown is None:
        return None
    return Approval(approvers=approvers, timeout_seconds=timeout, min_approvals=minimum, show=shown)


def _read_approvers(node: Node) -> tuple[str, ...] | None:
    elements = read_elements(node, "the list of approvers", MAXIMUM_APPROVERS)
    if elements is None:
        return None
    read = [_read_approver(element) for element in elements]
    approvers = tuple(approver for approver in read if approver is not None)
    if len(set(approvers)) != len(approvers):
        node.fault("an approver is named twice")
    return approvers if len(approvers) == len(read) else None


def _read_approver(node: Node) -> str | None:
    text = read_text(node, MAXIMUM_APPROVER)
    if text is None:
        return None
    if text != text.strip() or not text.removeprefix("group:").strip():
        node.fault("an approver is a name, or `group:` and a name, without spaces around it")
        return None
    if "*" in text:
        node.fault("approvers are named one by one: there is no wildcard", "name a group")
        return None
    return text


def _read_shown(node: Node) -> tuple[Path, ...] | None:
    elements = read_elements(node, "the list of arguments to show", MAXIMUM_SHOWN)
    if elements is None:
        return None
    paths = [_read_argument(element) for element in elements]
    whole = tuple(path for path in paths if path is not None)
    return whole if len(whole) == len(paths) else None


def _read_argument(node: Node) -> Path | None:
    text = read_text(node, MAXIMUM_PATH)
    if text is None:
        return None
    try:
        path = compile_path(text)
    except PathError as error:
        node.fault(error.message, error.suggestion)
        return None
    if path.root != "args" or not path.steps or Each.EACH in path.steps:
        node.fault("what is shown is one argument", "write `args.name`")
        return None
    return path


def approval_document(approval: Approval) -> JsonObject:
    """The block in its canonical form, with its defaults."""
    document: JsonObject = {
        "approvers": list(approval.approvers),
        "timeout": approval.timeout_seconds,
        "min_approvals": approval.min_approvals,
    }
    if approval.show:
        document["show"] = [path.text for path in approval.show]
    return document
