"""Who is who, and who may say yes. Names compare after NFKC and case folding.

A person acts under several credentials (an agent's grant, a grant of their own, a sign-in).
`person` names the human being behind a credential; where nobody said so, the subject stands
for it. Two credentials that share a name in any of these are one person: an approver who may
be the requester is refused, because not being able to tell is never "somebody else".
"""

import unicodedata
from collections.abc import Iterable

from portcullis.approvals.record import Vote
from portcullis.policy.model import Approval, Principal

GROUP_PREFIX = "group:"


def folded(name: str) -> str:
    """A name as it is compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def person_of(principal: Principal) -> str:
    """The human identity behind a principal."""
    return principal.person or principal.subject


def is_same_person(one: Principal, key: str, person: str, subject: str) -> bool:
    """Whether a principal and the holder of `key` may be one human being."""
    if one.key == key:
        return True
    ours = {folded(one.subject), folded(person_of(one))}
    return not ours.isdisjoint({folded(subject), folded(person)})


def is_approver(terms: Approval, *, subject: str, person: str, groups: Iterable[str]) -> bool:
    """Whether a person is named by a rule: by subject, by identity, or by a group."""
    names = {name for name in terms.approvers if not name.startswith(GROUP_PREFIX)}
    if subject in names or folded(person) in {folded(name) for name in names}:
        return True
    wanted = {
        name.removeprefix(GROUP_PREFIX) for name in terms.approvers if name.startswith(GROUP_PREFIX)
    }
    return not wanted.isdisjoint(groups)


def standing(votes: Iterable[Vote], terms: Approval, requester: Principal) -> int:
    """How many different people stand behind a call by these terms; its requester never does."""
    people: set[str] = set()
    for vote in votes:
        named = is_approver(
            terms, subject=vote.subject, person=vote.person, groups=vote.groups
        ) and not is_same_person(requester, vote.key, vote.person, vote.subject)
        if named:
            people.add(folded(vote.person))
    return len(people)
