"""The list `redact`: paths of arguments, at the top, in the canonical form sorted."""

import pytest

from portcullis.policy.document import parse_document, to_document
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.policy_text import parse_policy

HEAD = 'version: "1"\ndefault: deny\n'


def test_the_list_is_read_and_kept_in_the_canonical_form() -> None:
    policy = parse_policy(HEAD + 'redact: [args.b, "args.a[*].c", args.b]\n').policy
    assert to_document(policy)["redact"] == ["args.a[*].c", "args.b"]
    again = parse_document(to_document(policy)).policy
    assert again.revision == policy.revision
    assert {path.text for path in again.redact} == {"args.b", "args.a[*].c"}


def test_a_policy_without_it_is_the_document_that_it_was() -> None:
    assert "redact" not in to_document(parse_policy(HEAD).policy)


@pytest.mark.parametrize(
    "written,message",
    [
        ("[]", "must not be empty"),
        ("args.a", "stands where the list of arguments to redact must be"),
        ("[5]", "stands where a text must be"),
        ("[args..]", "cannot be read"),
        ("[args]", "only arguments are redacted"),
        ('["args[*]"]', "each by its name"),
        ('["args[0].a"]', "each by its name"),
        ("[principal.subject]", "only arguments are redacted"),
        ("[password]", "starts with no known root"),
    ],
)
def test_what_is_no_list_of_arguments_is_a_fault(written: str, message: str) -> None:
    with pytest.raises(PolicyFaults, match=message):
        parse_policy(f"{HEAD}redact: {written}\n")


@pytest.mark.parametrize("wrong", ["redacted", "mask", "secrets", "record"])
def test_a_word_that_people_write_instead_is_answered_with_the_right_one(wrong: str) -> None:
    with pytest.raises(PolicyFaults, match="redact"):
        parse_policy(f"{HEAD}{wrong}: [args.a]\n")
