"""The kill switch's object: what each content means, and that whatever is odd stops."""

import json
from typing import Any

import pytest

from portcullis.adapters.kill_switch_object import (
    MAXIMUM_BYTES,
    UNREADABLE,
    Order,
    read_order,
    write_order,
)


@pytest.mark.parametrize(
    "tree,order",
    [
        ({"stopped": True}, Order(everything=True)),
        ({"stopped": False}, Order()),
        ({"servers": ["b", "a"]}, Order(servers=frozenset({"a", "b"}))),
        (
            {"stopped": True, "reason": "r", "by": "anna", "at": "2027-01-15T08:00:00Z"},
            Order(everything=True, reason="r", by="anna", at="2027-01-15T08:00:00Z"),
        ),
    ],
)
def test_what_is_written_is_what_is_read(tree: dict[str, Any], order: Order) -> None:
    assert read_order(json.dumps(tree).encode()) == order
    assert read_order(write_order(order)) == order


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"stop!", id="no JSON"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"true", id="no object"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b'{"reason": "x"}', id="a reason alone"),
        pytest.param(b'{"stopped": "false"}', id="a text for a flag"),
        pytest.param(b'{"stopped": 0}', id="a number for a flag"),
        pytest.param(b'{"stopped": null}', id="null"),
        pytest.param(b'{"stopped": false, "stopped": true}', id="said twice"),
        pytest.param(b'{"stopped": false, "servers": ["a"]}', id="both"),
        pytest.param(b'{"stopped": false, "expires": "x"}', id="a member nobody knows"),
        pytest.param(b'{"Stopped": false}', id="other letters"),
        pytest.param(b'{"servers": []}', id="no servers"),
        pytest.param(b'{"servers": "a"}', id="a text for servers"),
        pytest.param(b'{"servers": {"a": true}}', id="an object for servers"),
        pytest.param(b'{"servers": ["a", 1]}', id="a number for a server"),
        pytest.param(b'{"servers": ["a", "a"]}', id="a server twice"),
        pytest.param(b'{"servers": ["Amazon MQ"]}', id="a name no server has"),
        pytest.param(b'{"stopped": false, "reason": 1}', id="a number for a reason"),
        pytest.param(b'{"stopped": false, "reason": "a\\nb"}', id="two lines"),
        pytest.param(
            json.dumps({"stopped": False, "reason": "x" * 501}).encode(), id="a long reason"
        ),
        pytest.param(
            json.dumps({"stopped": False}).encode().ljust(MAXIMUM_BYTES + 1), id="too many bytes"
        ),
    ],
)
def test_whatever_is_not_understood_stops_everything(content: bytes) -> None:
    order = read_order(content)
    assert order == UNREADABLE
    assert order.stops("any")


def test_an_order_stops_what_it_names() -> None:
    order = Order(servers=frozenset({"a"}))
    assert (order.stops("a"), order.stops("b")) == (True, False)
