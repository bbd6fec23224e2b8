"""The text of a policy file to a `Policy`: what the activator and the command line call.

Only putting the reading of text and of the document together may live here. This module
reads YAML, so nothing on the gateway's own path may import it.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from portcullis.policy.document import Loaded, Source, parse_document
from portcullis.policy.faults import Fault, PolicyFaults
from portcullis.policy.yaml_text import MAXIMUM_BYTES, parse_text

__all__ = ["MAXIMUM_BYTES", "parse_policy"]


def parse_policy(text: bytes | str, *, known_tools: Collection[str] | None = None) -> Loaded:
    """Read, check and compile the text of a policy file, YAML or JSON.

    Args:
        text: UTF-8, at most `MAXIMUM_BYTES`.
        known_tools: names of the server's tools, to warn of names that none of them has.

    Raises:
        PolicyFaults: the file cannot be used; it carries every fault.
    """
    read = parse_text(text)
    try:
        loaded = parse_document(read.tree, read.positions, known_tools=known_tools)
    except PolicyFaults as error:
        raise PolicyFaults([*read.faults, *_further(error.faults, read.faults)]) from error
    if read.faults:
        raise PolicyFaults(read.faults)
    return replace(loaded, source=Source(digest=read.digest, lines=read.lines, sealed=read.sealed))


def _further(faults: Iterable[Fault], known: Iterable[Fault]) -> list[Fault]:
    """Faults of the document that do not merely follow from a fault of the text there."""
    unreadable = {fault.path for fault in known if fault.path}
    return [fault for fault in faults if not _is_within(fault.path, unreadable)]


def _is_within(path: str, unreadable: Collection[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in unreadable)
