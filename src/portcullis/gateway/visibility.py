"""What a caller may see in a list: the policy's word on names, without arguments."""

from collections.abc import Callable

from portcullis.policy.model import Effect, Kind, Policy
from portcullis.protocol.methods import Method, SubjectKind

KINDS = {
    SubjectKind.TOOL: Kind.TOOL,
    SubjectKind.RESOURCE: Kind.RESOURCE,
    SubjectKind.PROMPT: Kind.PROMPT,
}


def visible(policy: Policy, method: Method) -> Callable[[str], bool]:
    """Answer the test a listed name must pass.

    Tools are listed unless hidden, also those a call of which would be denied: the reason
    is worth telling. Resources and prompts are listed where some entry names them, or the
    default allows; a policy that says nothing of them shows none of them.
    """
    if method.subject is None:
        return lambda _name: False
    if method.subject is SubjectKind.TOOL:
        return lambda name: not policy.hidden(name)
    section = policy.sections.get(KINDS[method.subject])
    if policy.default is Effect.ALLOW:
        return lambda _name: True
    if section is None:
        return lambda _name: False
    return lambda name: (
        name in section.exact or any(matches(name) for _, matches, _ in section.patterns)
    )
