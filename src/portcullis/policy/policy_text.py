"""The text of a policy file to a `Policy`: what the activator and the command line call.

Only putting the reading of text and of the document together may live here. This module
reads YAML, so nothing on the gateway's own path may import it.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from portcullis.policy.case_text import read_cases
from portcullis.policy.document import Loaded, Source, parse_document
from portcullis.policy.faults import Fault, Findings, PolicyFaults
from portcullis.policy.nodes import Node
from portcullis.policy.yaml_text import MAXIMUM_BYTES, parse_text
from portcullis.values import JsonObject, JsonValue

OWN_FILE = "upload it to `incoming/locks/<server>.json`"
_NO_TESTS = ""  # no list, and not `null`, which is a fault

__all__ = ["MAXIMUM_BYTES", "parse_policy"]


def parse_policy(
    text: bytes | str,
    *,
    known_tools: Collection[str] | None = None,
    lock: JsonObject | None = None,
) -> Loaded:
    """Read, check and compile the text of a policy file, YAML or JSON, and read its tests.

    The tests are not run: `cases.run_cases` does that.

    Args:
        text: UTF-8, at most `MAXIMUM_BYTES`.
        known_tools: names of the server's tools, to warn of names that none of them has.
        lock: the pins of the server's lock (`LockFile.document`), which become part of what
            the policy says; None where there is no lock.

    Raises:
        PolicyFaults: the file cannot be used; it carries every fault.
    """
    read = parse_text(text)
    findings = Findings(read.positions)
    tests = read.tree.get("tests", _NO_TESTS) if isinstance(read.tree, dict) else _NO_TESTS
    cases = () if tests is _NO_TESTS else read_cases(Node(tests, ("tests",), findings))
    tree = _locked(read.tree, lock, findings)
    try:
        loaded = parse_document(tree, read.positions, known_tools=known_tools)
    except PolicyFaults as error:
        faults = further_faults([*error.faults, *findings.faults], read.faults)
        raise PolicyFaults([*read.faults, *faults]) from error
    if read.faults or findings.faults:
        raise PolicyFaults([*read.faults, *further_faults(findings.faults, read.faults)])
    source = Source(digest=read.digest, lines=read.lines, sealed=read.sealed)
    return replace(loaded, source=source, cases=cases)


def _locked(tree: JsonValue, lock: JsonObject | None, findings: Findings) -> JsonValue:
    """The document with its lock, which no author writes."""
    if not isinstance(tree, dict):
        return tree
    if "lock" in tree:
        findings.key_fault(("lock",), "the lock is a file of its own", OWN_FILE)
    return tree if lock is None else {**tree, "lock": lock}


def further_faults(faults: Iterable[Fault], known: Iterable[Fault]) -> list[Fault]:
    """Faults of the document that do not merely follow from a fault of the text there."""
    unreadable = {fault.path for fault in known if fault.path}
    return [fault for fault in faults if not _is_within(fault.path, unreadable)]


def _is_within(path: str, unreadable: Collection[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in unreadable)
