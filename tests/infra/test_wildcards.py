"""Every wildcard of every policy in the template has its reason written beside it.

Read are all statements there are: of roles, managed policies, keys, buckets, topics and queues.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from support.deployment import RESOURCES, ROOT, listed

TEXT = (ROOT / "template.yaml").read_text("utf-8")
GUARDS = {"HostGuardPolicy", "HostGuardRecordsPolicy"}  # their head says why they deny everything


class Held(NamedTuple):
    """A statement and the resource that holds it."""

    resource: str
    statement: dict[str, Any]

    @property
    def sid(self) -> str:
        return str(self.statement.get("Sid", ""))

    def text(self) -> str:
        """The statement as it stands in the file, with the comments above it."""
        text = TEXT[TEXT.index(f"\n  {self.resource}:\n") + 1 :]
        following = re.search(r"\n  \w+:\n", text)
        text = text[: following.start() + 1] if following else text
        start = text.index(f"Sid: {self.sid}\n")
        rest = text[start:]
        end = re.search(r"\n\s+(?:- Sid:|Sid:|- !If\n)", rest)
        return rest[: end.start() + 1] if end else rest


def statements_in(tree: object) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "Effect" in tree:
            yield tree
        else:
            for one in tree.values():
                yield from statements_in(one)
    elif isinstance(tree, list):
        for one in tree:
            yield from statements_in(one)


ALL = [Held(name, one) for name, tree in RESOURCES.items() for one in statements_in(tree)]


def texts(value: object) -> list[str]:
    """The texts of one or several ARNs; a reference to a resource is none."""
    found = [one.get("Fn::Sub") if isinstance(one, dict) else one for one in listed(value)]
    return [one for one in found if isinstance(one, str)]


def is_wide(resource: str) -> bool:
    """Whether an ARN leaves open whose it is: below one of our own resources it does not."""
    return "*" in resource and not re.match(r"\$\{[A-Z]\w*(?:\.Arn)?\}", resource)


def wildcards() -> list[Any]:
    found = []
    for held in ALL:
        one = held.statement
        wide = [each for each in texts(one.get("Resource", [])) if is_wide(each)]
        wide += [each for each in listed(one.get("Action", [])) if "*" in each]
        if held.resource in GUARDS:
            wide = [each for each in wide if each == "*"]
        found += [
            pytest.param(held, each, id=f"{held.resource}-{held.sid}-{each}") for each in wide
        ]
    return found


def test_statements_are_found_in_every_kind_of_policy() -> None:
    kinds = {RESOURCES[held.resource]["Type"] for held in ALL}
    holding = {
        one["Type"]
        for one in RESOURCES.values()
        if {"KeyPolicy", "Policies", "PolicyDocument", "ResourcePolicy"} & one["Properties"].keys()
    }
    assert kinds >= {
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }
    assert holding <= kinds


def test_nothing_is_said_by_what_it_is_not() -> None:
    for held in ALL:
        assert not {"NotAction", "NotResource", "NotPrincipal"} & held.statement.keys(), held


@pytest.mark.parametrize(("held", "wildcard"), wildcards())
def test_a_wildcard_is_explained_on_its_line(held: Held, wildcard: str) -> None:
    line = re.compile(r"^.*" + re.escape(wildcard) + r'".*$', re.MULTILINE)
    lines = line.findall(held.text())
    assert lines, held.text()
    assert all(re.search(r"  # \w+", one) for one in lines), lines


ALLOWS = [held for held in ALL if held.statement["Effect"] == "Allow"]


@pytest.mark.parametrize("held", ALLOWS, ids=lambda held: f"{held.resource}-{held.sid}")
def test_no_wildcard_allows_an_action_and_none_lets_anybody_in(held: Held) -> None:
    one = held.statement
    assert not [action for action in listed(one["Action"]) if "*" in action]
    principal = one.get("Principal")
    everybody = principal == "*" or (isinstance(principal, dict) and "*" in principal.values())
    # The topic's key serves whoever of this account may publish, through SNS alone.
    assert not everybody or (held.resource, held.sid) == ("OperatorKey", "Publishers")
    if everybody:
        assert one["Condition"]["StringEquals"].keys() == {"kms:CallerAccount", "kms:ViaService"}
