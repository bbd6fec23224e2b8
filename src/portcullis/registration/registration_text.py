"""The text of an uploaded registration to a `Registration`: what the activator calls.

This module reads YAML, so nothing on the gateway's own path may import it.
"""

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.policy_text import further_faults
from portcullis.policy.yaml_text import MAXIMUM_BYTES, parse_text
from portcullis.registration.document import parse_registration
from portcullis.registration.model import Permits, Registration

__all__ = ["MAXIMUM_BYTES", "parse_registration_text"]


def parse_registration_text(text: bytes | str, *, server: str, permits: Permits) -> Registration:
    """Read and check the text of a file, YAML or JSON, at most `MAXIMUM_BYTES` of UTF-8.

    Raises:
        PolicyFaults: the file cannot be used; it carries every fault.
    """
    read = parse_text(text)
    try:
        registration = parse_registration(read.tree, read.positions, server=server, permits=permits)
    except PolicyFaults as error:
        raise PolicyFaults([*read.faults, *further_faults(error.faults, read.faults)]) from error
    if read.faults:
        raise PolicyFaults(read.faults)
    return registration
