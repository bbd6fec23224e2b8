"""The fingerprint of a call: what stands for its content in logs and binds approvals.

Only the digest may live here. Who calls, when and in which session are not part of it.
"""

from hashlib import sha256

from portcullis.policy.model import Call
from portcullis.strictjson import canonical


def digest(call: Call) -> str:
    """The SHA-256 (64 hex digits) of server, kind, name and arguments in canonical form.

    Equal calls have equal digests whatever the order of keys and the spelling of numbers
    (`900`, `900.0` and `9e2` are one number); all others differ.

    Raises:
        StrictJsonError: an argument has no JSON form; no parsed message holds such a one.
    """
    content = canonical(
        {
            "server": call.server,
            "kind": call.kind.value,
            "name": call.name,
            "arguments": dict(call.arguments),
        }
    )
    return sha256(content).hexdigest()
