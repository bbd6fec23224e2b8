"""What every session store does, on memory and on two emulators of DynamoDB."""

from collections.abc import Callable

import pytest

from portcullis.errors import SessionStoreError
from portcullis.gateway.ports import SessionSlot, SessionStore
from support.takes import at

SessionStores = Callable[[], SessionStore]  # each call: another environment, the same state

ALICE = "14:https://issuer|alice"
SERVER = "amazon-mq"
LIFETIME_SECONDS = 3600  # of `session_stores`, as is the cap of 3


def opened(
    store: SessionStore,
    session_id: str,
    *,
    seconds: float = 0,
    principal: str = ALICE,
    server: str = SERVER,
) -> int:
    slot = store.open(
        principal_key=principal, server=server, session_id=session_id, now=at(seconds)
    )
    assert slot == SessionSlot(session_id=session_id, slot=slot.slot)
    return slot.slot


def close(store: SessionStore, session_id: str, *, seconds: float = 0) -> None:
    store.close(principal_key=ALICE, server=SERVER, session_id=session_id, now=at(seconds))


def bind(store: SessionStore, session_id: str, upstream: str, *, seconds: float = 0) -> None:
    store.bind_upstream(
        principal_key=ALICE,
        server=SERVER,
        session_id=session_id,
        upstream_session=upstream,
        now=at(seconds),
    )


def upstream(
    store: SessionStore,
    session_id: str,
    *,
    seconds: float = 0,
    principal: str = ALICE,
    server: str = SERVER,
) -> str | None:
    return store.upstream_session(
        principal_key=principal, server=server, session_id=session_id, now=at(seconds)
    )


def test_sessions_get_slots_in_order_and_share_the_oldest_beyond_the_cap(
    session_stores: SessionStores,
) -> None:
    store = session_stores()
    slots = [opened(store, f"s{n}", seconds=n) for n in range(8)]
    assert slots == [1, 2, 0, 1, 2, 0, 1, 2]  # slot 0 last: calls without a session use it


def test_another_environment_gives_the_next_slot(session_stores: SessionStores) -> None:
    assert [opened(session_stores(), f"s{n}") for n in range(3)] == [1, 2, 0]


def test_g03_opening_and_closing_gives_no_slot_beyond_the_cap(
    session_stores: SessionStores,
) -> None:
    store, slots = session_stores(), set()
    for n in range(20):
        slots.add(opened(store, f"s{n}", seconds=n))
        if n % 3:
            close(store, f"s{n}", seconds=n)
    assert slots <= {0, 1, 2}


def test_a_closed_session_leaves_its_slot_to_the_next(session_stores: SessionStores) -> None:
    store = session_stores()
    for n in range(3):
        opened(store, f"s{n}", seconds=n)
    close(store, "s1", seconds=3)
    assert opened(store, "s3", seconds=4) == 2


def test_a_shared_slot_is_in_use_until_all_its_sessions_closed(
    session_stores: SessionStores,
) -> None:
    store = session_stores()
    for n in range(4):  # s0 and s3 share slot 1
        opened(store, f"s{n}", seconds=n)
    close(store, "s3", seconds=4)
    assert opened(store, "s4", seconds=5) == 2  # the least recently opened one, shared
    close(store, "s0", seconds=6)
    assert opened(store, "s5", seconds=7) == 1


def test_g06_a_slot_is_free_once_its_sessions_are_over(session_stores: SessionStores) -> None:
    store = session_stores()
    for n in range(3):
        opened(store, f"s{n}", seconds=n)
    assert opened(store, "late", seconds=LIFETIME_SECONDS + 1) == 1
    assert opened(store, "later", seconds=LIFETIME_SECONDS + 1) == 2
    assert opened(store, "latest", seconds=LIFETIME_SECONDS + 1) == 0  # s2 lives: shared


def test_g08_principals_and_servers_have_slots_of_their_own(
    session_stores: SessionStores,
) -> None:
    store = session_stores()
    assert opened(store, "s") == 1
    assert opened(store, "s", principal="bob") == 1
    assert opened(store, "s", server="aws-iam") == 1
    assert opened(store, "t") == 2


def test_the_upstream_session_is_empty_until_it_is_bound(session_stores: SessionStores) -> None:
    store = session_stores()
    opened(store, "s")
    assert upstream(store, "s") == ""
    bind(store, "s", "upstream-1")
    bind(store, "s", "upstream-2", seconds=1)
    assert upstream(session_stores(), "s", seconds=2) == "upstream-2"


def test_g04_a_session_of_another_principal_or_server_is_unknown(
    session_stores: SessionStores,
) -> None:
    store = session_stores()
    opened(store, "s")
    bind(store, "s", "upstream-1")
    assert upstream(store, "s", principal="mallory") is None
    assert upstream(store, "s", server="aws-iam") is None
    assert upstream(store, "S") is None


def test_a_closed_session_is_closed_for_good(session_stores: SessionStores) -> None:
    store = session_stores()
    opened(store, "s")
    bind(store, "s", "upstream-1")
    close(store, "s")
    close(store, "s")
    assert upstream(session_stores(), "s") is None
    with pytest.raises(SessionStoreError):
        bind(store, "s", "upstream-2")
    with pytest.raises(SessionStoreError):
        opened(store, "s")


def test_g12_a_session_is_over_when_its_lifetime_is_though_it_is_still_stored(
    session_stores: SessionStores,
) -> None:
    store = session_stores()
    opened(store, "s")
    bind(store, "s", "upstream-1", seconds=LIFETIME_SECONDS - 1)
    assert upstream(store, "s", seconds=LIFETIME_SECONDS - 1) == "upstream-1"
    assert upstream(store, "s", seconds=LIFETIME_SECONDS) is None
    with pytest.raises(SessionStoreError):
        bind(store, "s", "upstream-2", seconds=LIFETIME_SECONDS)
    close(store, "s", seconds=LIFETIME_SECONDS)


def test_an_unknown_session_cannot_be_bound_and_may_be_closed(
    session_stores: SessionStores,
) -> None:
    store = session_stores()
    with pytest.raises(SessionStoreError):
        bind(store, "never opened", "upstream-1")
    close(store, "never opened")
    assert opened(store, "s") == 1


@pytest.mark.parametrize("session_id", ["", "x" * 300, "sé"], ids=["empty", "long", "not-ascii"])
def test_g05_an_id_that_cannot_name_a_session_is_an_error(
    session_stores: SessionStores, session_id: str
) -> None:
    with pytest.raises(SessionStoreError):
        opened(session_stores(), session_id)


def test_an_endless_upstream_session_id_is_an_error(session_stores: SessionStores) -> None:
    store = session_stores()
    opened(store, "s")
    with pytest.raises(SessionStoreError):
        bind(store, "s", "u" * 5000)
    assert upstream(store, "s") == ""
