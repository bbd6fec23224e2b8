"""Who is who: names as they compare, approvers as rules name them, people as they count."""

import pytest

from model.records import make_requester, make_terms, make_vote
from portcullis.approvals.identity import (
    folded,
    is_approver,
    is_same_person,
    person_of,
    standing,
)
from portcullis.approvals.record import Vote


@pytest.mark.parametrize(
    "one,other",
    [
        pytest.param("Anna@Example.com", "anna@example.com", id="case"),
        pytest.param("\uff41nna", "anna", id="full width"),
        pytest.param("Stra\u00dfe", "STRASSE", id="sharp s"),
        pytest.param("jose\u0301", "jos\u00e9", id="combining accent"),
        pytest.param(" anna ", "anna", id="blanks around"),
        pytest.param("\u00a0anna", "anna", id="a blank that does not break"),
    ],
)
def test_spellings_of_one_name_are_one_name(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize("other", ["ann", "annaa", "an na", "\u0430nna"])
def test_other_names_stay_other_names(other: str) -> None:
    assert folded(other) != folded("anna")


def test_a_person_is_the_subject_where_nobody_said_who_it_is() -> None:
    assert person_of(make_requester(person="")) == "build-agent"
    assert person_of(make_requester(person="rita")) == "rita"


@pytest.mark.parametrize(
    "vote,expected",
    [
        pytest.param(make_vote("x", key=make_requester().key), True, id="the same credential"),
        pytest.param(make_vote("x", person="Rita"), True, id="the same person"),
        pytest.param(make_vote("RITA", person="x"), True, id="her name as a subject"),
        pytest.param(make_vote("x", person="build-agent"), True, id="the agent's name"),
        pytest.param(make_vote("anna"), False, id="another"),
    ],
)
def test_N09_sharing_any_name_is_being_one_person(vote: Vote, expected: bool) -> None:
    same = is_same_person(make_requester(), vote.key, vote.person, vote.subject)
    assert same is expected


@pytest.mark.parametrize(
    "vote,expected",
    [
        pytest.param(make_vote("anna"), True, id="by subject"),
        pytest.param(make_vote("a-17", person="ANNA"), True, id="by person"),
        pytest.param(make_vote("x", groups=("platform",)), True, id="by group"),
        pytest.param(make_vote("x", groups=("Platform",)), False, id="groups are exact"),
        pytest.param(make_vote("x", groups=("not-platform",)), False, id="F07 part of a group"),
        pytest.param(make_vote("platform"), False, id="a person with a group's name"),
        pytest.param(make_vote("group:platform"), False, id="a person named like an entry"),
        pytest.param(make_vote("x", groups=("anna",)), False, id="a group with a person's name"),
        pytest.param(make_vote("x"), False, id="nobody"),
        pytest.param(
            make_vote("anna", person="x", key="10:https://id|anna"),
            False,
            id="a subject that its issuer gave",
        ),
    ],
)
def test_N10_whom_a_rule_names(vote: Vote, expected: bool) -> None:
    named = is_approver(
        make_terms(), key=vote.key, subject=vote.subject, person=vote.person, groups=vote.groups
    )
    assert named is expected


@pytest.mark.parametrize(
    "votes,expected",
    [
        pytest.param([], 0, id="nobody"),
        pytest.param([make_vote("anna"), make_vote("ben")], 2, id="two people"),
        pytest.param([make_vote("anna"), make_vote("a-17", person="Anna")], 1, id="one, twice"),
        pytest.param(
            [make_vote("anna"), make_vote("anna", person="anna@example.com")],
            1,
            id="one subject, two persons",
        ),
        pytest.param(
            [
                make_vote("anna"),
                make_vote("a-17", person="b-18", groups=("platform",)),
                make_vote("b-18", person="anna"),
            ],
            1,
            id="two that a third shows to be one",
        ),
        pytest.param([make_vote("anna"), make_vote("rita")], 1, id="the requester"),
        pytest.param(
            [make_vote("anna"), make_vote("build-agent", groups=("platform",))],
            1,
            id="the requester's agent, in the group",
        ),
        pytest.param([make_vote("anna"), make_vote("eve")], 1, id="somebody not named"),
    ],
)
def test_N34_how_many_people_stand_behind_a_call(votes: list[Vote], expected: int) -> None:
    terms = make_terms(approvers=("anna", "ben", "rita", "group:platform"))
    assert standing(votes, terms, make_requester()) == expected


def test_N23_a_vote_counts_by_the_terms_it_is_held_against() -> None:
    votes = [make_vote("anna"), make_vote("x", groups=("platform",))]
    assert standing(votes, make_terms(), make_requester()) == 2
    assert standing(votes, make_terms(approvers=("ben", "anna")), make_requester()) == 1
