"""A principal as JSON: in stored requests for approval, and from the authorizer to the gateway."""

from portcullis.adapters.stored_objects import StoredObject
from portcullis.policy.model import Principal
from portcullis.values import JsonObject

NAMES = ("issuer", "subject", "person", "credential", "groups", "tags", "claims")


def principal_tree(principal: Principal) -> JsonObject:
    """The members of a principal; `groups` is null where they are not known."""
    return {
        "issuer": principal.issuer,
        "subject": principal.subject,
        "person": principal.person,
        "credential": principal.credential,
        "groups": None if principal.groups is None else list(principal.groups),
        "tags": dict(principal.tags),
        "claims": dict(principal.claims),
    }


def principal_of(stored: StoredObject) -> Principal:
    """The principal with these members.

    Raises:
        ValueError: something else is stored.
    """
    return Principal(
        issuer=stored.text("issuer"),
        subject=stored.text("subject"),
        person=stored.text("person"),
        credential=stored.text("credential"),
        groups=None if stored.value("groups") is None else stored.texts("groups"),
        tags=stored.text_members("tags"),
        claims=stored.members("claims"),
    )
