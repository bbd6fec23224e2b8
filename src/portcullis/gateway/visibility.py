"""What a caller may see in a list: the policy's word on names, without arguments."""

from collections.abc import Callable

from portcullis.policy.drift import drifted
from portcullis.policy.model import Effect, Kind, Lock, Policy
from portcullis.protocol.methods import Method, SubjectKind
from portcullis.values import JsonObject

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


def without_drifted(policy: Policy, method: Method, page: JsonObject) -> JsonObject:
    """A page of a list without the tools that drift denies.

    A denied tool is listed otherwise. One that changed or came unseen is not: its words, which
    nobody has read yet, are the attack, and they work on a model that reads a list. A call of
    it is still answered with the reason.
    """
    key, lock = method.list_key, policy.lock
    entries = None if key is None else page.get(key)
    if key is None or lock is None or method.subject is not SubjectKind.TOOL:
        return page
    if not isinstance(entries, list):
        return page
    kept = [entry for entry in entries if isinstance(entry, dict) and not _is_denied(lock, entry)]
    return {**page, key: list(kept)}


def _is_denied(lock: Lock, entry: JsonObject) -> bool:
    found = drifted(lock, str(entry.get("name")), entry)
    return found is not None and found.rule.effect is Effect.DENY
