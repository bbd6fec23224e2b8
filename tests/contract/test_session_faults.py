"""Sessions when DynamoDB fails or holds something else: an error, never a fresh session (P04)."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.errors import SessionStoreError
from support.dynamodb_faults import Faults, client_error, errors_of
from support.engines import create_state_table, make_client
from support.takes import at

TABLES = itertools.count()
ALICE = "14:https://issuer|alice"
SERVER = "amazon-mq"
CAP = 3
WHO: dict[str, Any] = {"principal_key": ALICE, "server": SERVER, "session_id": "s0", "now": at(1)}


class Sessions:
    """A store under faults in which the session `s0` is open."""

    def __init__(self, admin: Any) -> None:
        self.client = make_client()
        self.table = create_state_table(admin, f"session-faults-{next(TABLES)}")
        self.faults = Faults(self.client)
        self.store = self.another()
        self.open("s0")
        self.faults.called.clear()

    def another(self, **options: Any) -> DynamoDBSessionStore:
        return DynamoDBSessionStore(
            self.client,
            self.table,
            cap=CAP,
            lifetime_seconds=3600,
            pause=lambda _: None,
            **options,
        )

    def open(self, session_id: str) -> int:
        return self.store.open(**{**WHO, "session_id": session_id}).slot

    def bind(self) -> None:
        self.store.bind_upstream(**WHO, upstream_session="u")

    def read(self) -> str | None:
        return self.store.upstream_session(**WHO)

    def close(self) -> None:
        self.store.close(**WHO)

    def change(self, sk: str, **attributes: Any) -> None:
        """Rewrite an item's attributes; None removes one."""
        items = self.client.scan(TableName=self.table)["Items"]
        (item,) = [item for item in items if item["sk"]["S"] == sk]
        changed = {**item, **attributes}
        kept = {name: value for name, value in changed.items() if value is not None}
        self.client.put_item(TableName=self.table, Item=kept)


# Each action of the store with the operations it calls.
ACTIONS: dict[str, tuple[Callable[[Sessions], object], set[str]]] = {
    "open": (lambda sessions: sessions.open("s1"), {"GetItem", "UpdateItem"}),
    "bind_upstream": (lambda sessions: sessions.bind(), {"UpdateItem"}),
    "upstream_session": (lambda sessions: sessions.read(), {"GetItem"}),
    "close": (lambda sessions: sessions.close(), {"GetItem", "UpdateItem"}),
}
ROWS = [
    pytest.param(action, operation, fault, id=f"{action}-{operation}-{fault}")
    for action, (_, operations) in ACTIONS.items()
    for operation in sorted(operations)
    for fault in sorted(errors_of(""))
]


@pytest.fixture
def sessions(moto_dynamodb: Any) -> Sessions:
    return Sessions(moto_dynamodb)


@pytest.mark.parametrize("action,operation,fault", ROWS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_P04_a_fault_before_or_after_the_effect_is_an_error(
    sessions: Sessions, action: str, operation: str, fault: str, when: str
) -> None:
    inject = sessions.faults.before if when == "before" else sessions.faults.after
    inject(operation, errors_of(operation)[fault])
    with pytest.raises(SessionStoreError):
        ACTIONS[action][0](sessions)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_operation_of_an_action_has_fault_rows(sessions: Sessions, action: str) -> None:
    act, operations = ACTIONS[action]
    act(sessions)
    assert set(sessions.faults.called) == operations


def test_every_action_of_the_port_has_fault_rows() -> None:
    assert {name for name in vars(DynamoDBSessionStore) if not name.startswith("_")} == set(ACTIONS)


@pytest.mark.parametrize(
    "sk,attributes,action",
    [
        pytest.param("SLOTS", {"slots": {"N": "1"}}, "open", id="slots-a-number"),
        pytest.param("SLOTS", {"slots": {"S": "junk"}}, "open", id="slots-junk"),
        pytest.param("SLOTS", {"slots": {"S": "1*-1"}}, "open", id="slots-negative"),
        pytest.param("SLOTS", {"slots": {"S": "1*1 "}}, "open", id="slots-trailing"),
        pytest.param("SLOTS", {"slots": None}, "open", id="slots-missing"),
        pytest.param("SLOTS", {"v": {"S": "x"}}, "open", id="version-text"),
        pytest.param("SLOTS", {"v": None}, "open", id="version-missing"),
        pytest.param("SID#s0", {"slot": {"S": "0"}}, "close", id="slot-text"),
        pytest.param("SID#s0", {"slot": {"N": "-1"}}, "close", id="slot-negative"),
        pytest.param("SID#s0", {"ttl": {"S": "later"}}, "upstream_session", id="G13-ttl-text"),
        pytest.param("SID#s0", {"ttl": None}, "upstream_session", id="ttl-missing"),
        pytest.param("SID#s0", {"upstream": {"N": "1"}}, "upstream_session", id="upstream-number"),
    ],
)
def test_P13_an_item_not_as_written_is_an_error(
    sessions: Sessions, sk: str, attributes: dict[str, Any], action: str
) -> None:
    sessions.change(sk, **attributes)
    with pytest.raises(SessionStoreError):
        ACTIONS[action][0](sessions)


CONFLICT = client_error("TransactionConflictException", "UpdateItem")


def test_slots_that_keep_moving_are_given_up(sessions: Sessions) -> None:
    sessions.faults.before("UpdateItem", CONFLICT, times=3)
    assert sessions.open("s1") == 2
    sessions.faults.called.clear()
    sessions.faults.before("UpdateItem", CONFLICT)
    with pytest.raises(SessionStoreError):
        sessions.open("s2")
    assert sessions.faults.called.count("UpdateItem") == 16


def test_slots_that_keep_moving_are_given_up_within_the_budget(sessions: Sessions) -> None:
    instants = iter([0.0, 0.6, 1.2])
    sessions.store = sessions.another(clock=lambda: next(instants))
    sessions.faults.before("UpdateItem", CONFLICT)
    with pytest.raises(SessionStoreError):
        sessions.open("s1")
    assert sessions.faults.called == ["GetItem", "UpdateItem", "UpdateItem"]


def test_two_environments_that_open_at_once_get_two_slots(sessions: Sessions) -> None:
    other = sessions.another()
    opened: list[int] = []

    def open_another(model: Any, **_: object) -> None:
        if model.name == "UpdateItem" and not opened:
            opened.append(-1)
            opened[0] = other.open(**{**WHO, "session_id": "s1"}).slot

    sessions.client.meta.events.register("before-call.dynamodb", open_another)
    assert sessions.open("s2") == 0
    assert opened == [2]


def test_a_slot_whose_session_was_not_written_is_shared_earlier_and_never_fresh(
    sessions: Sessions,
) -> None:
    error = errors_of("UpdateItem")["read-time-out"]
    for n in range(1, 6):
        sessions.faults.after("UpdateItem", error, times=1)
        with pytest.raises(SessionStoreError):
            sessions.open(f"lost{n}")
    assert {sessions.open(f"found{n}") for n in range(6)} <= set(range(CAP))
