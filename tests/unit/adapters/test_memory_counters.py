"""What only the memory store does: it forgets reservations it cannot keep for ever."""

import pytest

from portcullis.adapters.memory_counters import MemoryCounterStore
from portcullis.gateway.ports import Reserved
from support.takes import at, make_limit, make_take


def test_only_the_latest_reservations_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portcullis.adapters.memory_counters._REMEMBERED", 1)
    store, take = MemoryCounterStore(), make_take(make_limit(9))
    left = []
    for name in ("first", "second", "second", "first"):
        answer = store.reserve([take], server="mq", reservation_id=name, now=at())
        assert isinstance(answer, Reserved)
        left.append(int(answer.remaining[0].remaining))
    assert left == [8, 7, 7, 6]
