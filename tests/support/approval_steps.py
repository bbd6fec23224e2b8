"""Steps of approvals in tests: each must succeed, and is read back.

`at_once` lets rivals act in the same instant.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

from portcullis.approvals import life
from portcullis.approvals.record import ApprovalRecord
from portcullis.gateway.approval_ports import ApprovalStore
from support.approval_records import make_binding, make_question, make_record, make_vote
from support.takes import START_SECONDS

NOW = START_SECONDS + 60
RIVALS = 20
_Answer = TypeVar("_Answer")


def numbered(n: int, **changes: Any) -> ApprovalRecord:
    """Alice's request number `n`, each for other arguments and a second later."""
    binding = make_binding(arguments=f"{n:064}")
    return make_record(
        **{"id": f"{n:032}", "binding": binding, "asked_at": START_SECONDS + n, **changes}
    )


def created(store: ApprovalStore, record: ApprovalRecord | None = None) -> ApprovalRecord:
    record = make_record() if record is None else record
    listed = store.open_requests(record.requester.key)
    question = make_question(record, others=listed.requests, others_version=listed.version)
    assert store.create(question)
    return record


def moved(
    store: ApprovalStore, record: ApprovalRecord, changed: ApprovalRecord | life.Refusal
) -> ApprovalRecord:
    """Carry a change out that must succeed."""
    assert isinstance(changed, ApprovalRecord)
    replaced = store.replace(record, changed)
    assert replaced is not None
    assert replaced.record == changed
    assert store.read(record.id) == changed
    return changed


def executing(store: ApprovalStore, record: ApprovalRecord | None = None) -> ApprovalRecord:
    record = created(store, record)
    record = moved(store, record, life.approve(record, make_vote(), now=NOW))
    return moved(store, record, life.claim(record, now=NOW + 1))


def finished(store: ApprovalStore, parts: Sequence[bytes]) -> ApprovalRecord:
    record = executing(store)
    store.put_result(record, parts)
    return moved(store, record, life.finish(record, parts=len(parts), now=NOW + 2))


def at_once(act: Callable[[int], _Answer]) -> list[_Answer]:
    """Act in `RIVALS` threads that start together."""
    barrier = Barrier(RIVALS)

    def one(n: int) -> _Answer:
        barrier.wait()
        return act(n)

    with ThreadPoolExecutor(RIVALS) as pool:
        return list(pool.map(one, range(RIVALS)))
