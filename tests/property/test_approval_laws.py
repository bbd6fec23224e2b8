"""Laws of approvals: who counts, what a word does, how long a request speaks."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from model.records import (
    ASKED,
    EXPIRES,
    make_binding,
    make_record,
    make_requester,
    make_terms,
    make_vote,
)
from portcullis.approvals import life
from portcullis.approvals.asking import ask_key, still_speaks
from portcullis.approvals.identity import folded, is_same_person, person_of, standing
from portcullis.approvals.life import Refusal
from portcullis.approvals.record import ApprovalRecord, Binding, Vote
from portcullis.approvals.states import TERMINAL, TRANSITIONS, State
from portcullis.policy.model import Approval, Principal

pytestmark = pytest.mark.property

LAW = settings(max_examples=400, deadline=None)
Outcome = ApprovalRecord | Refusal

# Few names in several spellings, so that people are often one another, and often are not.
_SPELLINGS = {
    "anna": ("anna", "Anna", "\uff41nna", " anna"),
    "ben": ("ben", "BEN", "be\uff4e"),
    "cleo": ("cleo", "CLEO"),
    "rita": ("rita", "RITA", "\uff32ita "),
    "build-agent": ("build-agent", "Build-Agent"),
}
NAMES = st.sampled_from([one for spellings in _SPELLINGS.values() for one in spellings])
GROUPS = st.sampled_from([(), ("platform",), ("billing",), ("billing", "platform")])
APPROVERS = st.lists(
    st.sampled_from(["anna", "ben", "cleo", "rita", "group:platform", "group:billing"]),
    min_size=1,
    max_size=4,
    unique=True,
)
VOTES: SearchStrategy[Vote] = st.builds(
    make_vote,
    NAMES,
    person=NAMES,
    groups=GROUPS,
    key=st.sampled_from(["1:a|anna", "1:b|anna", "1:a|ben", make_requester().key]),
)
TERMS = st.builds(
    lambda approvers, enough: make_terms(approvers=tuple(approvers), min_approvals=enough),
    APPROVERS,
    st.integers(1, 3),
)
REQUESTERS = st.builds(
    lambda subject, person: make_requester(subject=subject, person=person),
    NAMES,
    st.one_of(NAMES, st.just("")),
)
INSTANTS = st.integers(ASKED, EXPIRES + 100)
STATES = st.sampled_from(State)
VOTES_IN_TWO_ORDERS = st.lists(VOTES, max_size=5).flatmap(
    lambda votes: st.tuples(st.just(votes), st.permutations(votes))
)


# ---------------------------------------------------------------- names


@LAW
@given(st.text())
def test_a_folded_name_is_its_own(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@LAW
@given(st.text(), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_how_a_name_is_composed_makes_no_difference(name: str, form: str) -> None:
    assert folded(unicodedata.normalize(form, name)) == folded(name)  # type: ignore[arg-type]


@LAW
@given(st.text(), st.text(alphabet=" \t\n\u00a0\u3000"))
def test_blanks_around_a_name_make_no_difference(name: str, blanks: str) -> None:
    assert folded(blanks + name + blanks) == folded(name)


def test_the_spellings_are_of_one_name_each() -> None:
    assert all({folded(one) for one in _SPELLINGS[name]} == {name} for name in _SPELLINGS)


# ---------------------------------------------------------------- who counts


@LAW
@given(VOTES_IN_TWO_ORDERS, TERMS, REQUESTERS)
def test_the_order_of_votes_does_not_matter(
    votes: tuple[list[Vote], list[Vote]], terms: Approval, requester: Principal
) -> None:
    one, other = votes
    assert standing(one, terms, requester) == standing(other, terms, requester)


@LAW
@given(st.lists(VOTES, max_size=4), VOTES, TERMS, REQUESTERS)
def test_one_more_vote_counts_for_one_person_at_most(
    votes: list[Vote], vote: Vote, terms: Approval, requester: Principal
) -> None:
    before = standing(votes, terms, requester)
    assert standing([*votes, vote], terms, requester) <= before + 1
    assert standing([*votes, *votes], terms, requester) == before


@LAW
@given(st.lists(VOTES, max_size=4), VOTES, TERMS, REQUESTERS)
def test_N09_no_credential_of_the_requester_ever_counts(
    votes: list[Vote], vote: Vote, terms: Approval, requester: Principal
) -> None:
    mine = {folded(requester.subject), folded(requester.person or requester.subject)}
    assume(vote.key == requester.key or mine & {folded(vote.person), folded(vote.subject)})
    record = make_record(requester=requester, terms=terms)
    assert life.approve(record, vote, now=ASKED) is Refusal.OWN_REQUEST
    assert life.deny(record, vote, now=ASKED) is Refusal.OWN_REQUEST
    assert standing([*votes, vote], terms, requester) == standing(votes, terms, requester)


@LAW
@given(VOTES, TERMS, REQUESTERS)
def test_N10_only_whom_the_rule_names_can_decide(
    vote: Vote, terms: Approval, requester: Principal
) -> None:
    record = make_record(requester=requester, terms=terms)
    decided = life.approve(record, vote, now=ASKED)
    named = {folded(name) for name in terms.approvers}
    groups = {f"group:{group}" for group in vote.groups}
    if isinstance(decided, ApprovalRecord):
        assert {folded(vote.person), folded(vote.subject)} & named or groups & named


@LAW
@given(VOTES, REQUESTERS)
def test_being_one_person_goes_both_ways(vote: Vote, requester: Principal) -> None:
    voter = make_requester(subject=vote.subject, person=vote.person)
    mine = is_same_person(requester, voter.key, voter.person, voter.subject)
    hers = is_same_person(voter, requester.key, person_of(requester), requester.subject)
    assert mine is hers


# ---------------------------------------------------------------- what happens to a request


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing somebody does, some seconds after the one before."""

    word: str
    vote: Vote
    seconds: int


CHANGES: Mapping[str, Callable[[ApprovalRecord, Vote, int], Outcome]] = {
    "approve": lambda record, vote, now: life.approve(record, vote, now=now),
    "deny": lambda record, vote, now: life.deny(record, vote, now=now),
    "cancel": lambda record, _, now: life.cancel(record, note="", now=now),
    "expire": lambda record, _, now: life.expire(record, now=now),
    "claim": lambda record, _, now: life.claim(record, now=now),
    "finish": lambda record, _, now: life.finish(record, parts=1, now=now),
    "refuse": lambda record, _, now: life.refuse(record, note="", now=now),
    "lose": lambda record, _, now: life.lose(record, note="", now=now),
    "deliver": lambda record, _, now: life.deliver(record, now=now),
}


# Mostly people who may approve, so that walks come somewhere.
VOTERS = st.sampled_from(
    [
        make_vote("anna"),
        make_vote("ben"),
        make_vote("cleo", groups=("platform",)),
        make_vote("a-17", person="ANNA"),
        make_vote("rita", groups=("platform",)),
        make_vote("eve"),
    ]
)
SECONDS = st.sampled_from([0, 0, 0, 1, 1, 300, 899])


def steps(*words: str, fewest: int = 0) -> SearchStrategy[list[Step]]:
    step = st.builds(Step, word=st.sampled_from(words), vote=VOTERS, seconds=SECONDS)
    return st.lists(step, min_size=fewest, max_size=10)


EVERYTHING = steps(*CHANGES, "approve", "approve", "approve", "claim", "claim", fewest=3)
RECORDS = st.builds(
    lambda enough: make_record(terms=make_terms(min_approvals=enough)), st.sampled_from([1, 1, 2])
)


def walk(record: ApprovalRecord, taken: Iterable[Step]) -> list[tuple[ApprovalRecord, int]]:
    """The record after each step that changed it, and when that was; the first comes first."""
    now = ASKED
    way = [(record, now)]
    for step in taken:
        now += step.seconds
        outcome = CHANGES[step.word](way[-1][0], replace(step.vote, at=now), now)
        if isinstance(outcome, ApprovalRecord):
            way.append((outcome, now))
    return way


@LAW
@given(RECORDS, EVERYTHING)
def test_every_change_is_an_arrow_of_the_table_under_a_new_version(
    record: ApprovalRecord, taken: list[Step]
) -> None:
    way = walk(record, taken)
    for (before, _), (after, _) in pairwise(way):
        is_handed_over = before.delivered_at is None and after.delivered_at is not None
        assert after.version == before.version + 1
        assert is_handed_over or after.state in TRANSITIONS[before.state].values()
    claims = [after for _, (after, _) in pairwise(way) if after.state is State.EXECUTING]
    assert len(claims) <= 1


@LAW
@given(RECORDS, EVERYTHING)
def test_an_end_stays_the_end(record: ApprovalRecord, taken: list[Step]) -> None:
    ends = [after.state for after, _ in walk(record, taken) if after.state in TERMINAL]
    assert len(set(ends)) <= 1


@LAW
@given(RECORDS, EVERYTHING)
def test_N21_N34_nothing_is_claimed_without_enough_people_in_time(
    record: ApprovalRecord, taken: list[Step]
) -> None:
    for after, now in walk(record, taken):
        if after.state is State.EXECUTING and after.claimed_at == now:
            people = standing(after.approvals, after.terms, after.requester)
            assert people >= after.terms.min_approvals
            assert now < after.expires_at
            assert all(vote.at < after.expires_at for vote in after.approvals)


@LAW
@given(RECORDS, EVERYTHING)
def test_N21_after_the_deadline_nothing_is_decided(
    record: ApprovalRecord, taken: list[Step]
) -> None:
    for (before, _), (after, now) in pairwise(walk(record, taken)):
        if now >= record.expires_at and before.state in (State.PENDING, State.APPROVED):
            assert after.state is State.EXPIRED


@LAW
@given(RECORDS, steps("approve", "claim"), VOTERS, st.integers(0, 10))
def test_N34_a_no_never_helps_a_call_through(
    record: ApprovalRecord, taken: list[Step], vote: Vote, at: int
) -> None:
    no = Step(word="deny", vote=vote, seconds=0)
    without = walk(record, taken)[-1][0]
    with_it = walk(record, [*taken[:at], no, *taken[at:]])[-1][0]
    assert with_it.state in (without.state, State.DENIED)
    if with_it.denial is not None:
        assert with_it.state is State.DENIED
        assert with_it.claimed_at is None


# ---------------------------------------------------------------- what a request answers


BINDINGS = st.builds(
    make_binding, **{one.name: st.sampled_from(["1", "2"]) for one in fields(Binding)}
)
KNOWN = st.builds(
    make_record,
    binding=BINDINGS,
    state=STATES,
    ended_at=st.one_of(st.none(), INSTANTS),
    delivered_at=st.one_of(st.none(), INSTANTS),
)


@LAW
@given(KNOWN, BINDINGS, st.integers(ASKED, EXPIRES + 8_000), st.integers(0, 600))
def test_N01_a_request_that_waits_answers_nothing_but_its_own_call(
    record: ApprovalRecord, binding: Binding, now: int, cooldown: int
) -> None:
    speaks = still_speaks(record, binding, now=now, cooldown_seconds=cooldown)
    if record.state is State.PENDING and speaks:
        assert binding == record.binding
        assert now < record.expires_at


@LAW
@given(KNOWN, BINDINGS, st.integers(ASKED, EXPIRES), st.integers(0, 8_000), st.integers(0, 600))
def test_what_fell_silent_stays_silent(
    record: ApprovalRecord, binding: Binding, now: int, later: int, cooldown: int
) -> None:
    if still_speaks(record, binding, now=now + later, cooldown_seconds=cooldown):
        assert still_speaks(record, binding, now=now, cooldown_seconds=cooldown)


@LAW
@given(KNOWN, INSTANTS, st.integers(0, 600))
def test_N04_while_a_call_may_run_it_is_not_asked_for_again(
    record: ApprovalRecord, now: int, cooldown: int
) -> None:
    if life.seen_state(record, now=now) not in TERMINAL:
        assert still_speaks(record, record.binding, now=now, cooldown_seconds=cooldown)


@LAW
@given(REQUESTERS, BINDINGS, REQUESTERS, BINDINGS)
def test_two_calls_share_a_key_only_where_caller_and_call_are_the_same(
    one: Principal, this: Binding, other: Principal, that: Binding
) -> None:
    def call(who: Principal, what: Binding) -> tuple[str, str, str, str]:
        return who.key, what.server, what.tool, what.arguments

    is_same = call(one, this) == call(other, that)
    assert (ask_key(one, this) == ask_key(other, that)) is is_same
