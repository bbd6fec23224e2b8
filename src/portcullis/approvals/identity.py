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
GRANT_ISSUER = "portcullis:grant"
_GRANT_KEY = Principal(issuer=GRANT_ISSUER, subject="").key


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


def names_of(vote: Vote) -> frozenset[str]:
    """The names a person voted under; votes that share one are one person's."""
    return frozenset((folded(vote.person), folded(vote.subject)))


def is_approver(
    terms: Approval, *, key: str, subject: str, person: str, groups: Iterable[str]
) -> bool:
    """Whether a person is named by a rule: by the name of a grant, as a person, or by a group.

    The subject of anybody else names nobody: an issuer may let people choose it.
    """
    names = {name for name in terms.approvers if not name.startswith(GROUP_PREFIX)}
    if (key.startswith(_GRANT_KEY) and subject in names) or folded(person) in {
        folded(name) for name in names
    }:
        return True
    wanted = {
        name.removeprefix(GROUP_PREFIX) for name in terms.approvers if name.startswith(GROUP_PREFIX)
    }
    return not wanted.isdisjoint(groups)


def standing(votes: Iterable[Vote], terms: Approval, requester: Principal) -> int:
    """How many different people stand behind a call by these terms; its requester never does."""
    people: list[frozenset[str]] = []
    for vote in votes:
        named = is_approver(
            terms, key=vote.key, subject=vote.subject, person=vote.person, groups=vote.groups
        ) and not is_same_person(requester, vote.key, vote.person, vote.subject)
        if named:
            names = names_of(vote)
            known = [person for person in people if not person.isdisjoint(names)]
            others = [person for person in people if person.isdisjoint(names)]
            people = [*others, names.union(*known)]
    return len(people)
