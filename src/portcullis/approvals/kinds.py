"""The kinds of what can be asked for, told by the server that a request's binding names.

What differs between kinds is said in one table each, by kind: how one is judged and carried out
(`gateway.work`), how it is shown (`approvals.showing`), and its words (`console.kind_words`).
"""

from enum import Enum

from portcullis.approvals.record import Binding

# No server has this name: a server's name has no colon, so no route, no grant and no
# registration can lead to it.
POLICY_SERVER = "portcullis:policy"
ACTIVATE_POLICY = "activate_policy"


class RequestKind(Enum):
    """What a request asks for; the value is what programs read."""

    CALL = "call"  # a tool of a server, called once
    POLICY = "policy"  # an uploaded policy, put in force


def kind_of(binding: Binding) -> RequestKind:
    """The kind of a request."""
    return RequestKind.POLICY if binding.server == POLICY_SERVER else RequestKind.CALL
