"""What functions write reaches the emulated logs in order, and what does not is told."""

import asyncio
import threading
from collections.abc import Sequence

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from local_stack.log_delivery import CloudWatch, Line, LogDelivery, batches
from local_stack.log_lines import MAXIMUM_BYTES, LinePipe
from support.aws_faults import fault


def line(text: str, *, group: str = "g", stream: str = "s") -> Line:
    return Line(group=group, stream=stream, at_ms=1_800_000_000_000, text=text)


def delivered(put: object, *texts: str, maximum: int = 10) -> list[str]:
    """Take these texts and end; answers what was reported."""
    told: list[str] = []

    async def run() -> None:
        delivery = LogDelivery(put, report=told.append, maximum=maximum)  # type: ignore[arg-type]
        delivery.start()
        for text in texts:
            delivery.take("g", "s", text)
        await delivery.close()

    asyncio.run(run())
    return told


def test_lines_come_in_the_order_in_which_they_were_written_without_empty_ones() -> None:
    got: list[Sequence[Line]] = []
    assert delivered(got.append, "a", "", "b") == []
    assert [[one.text for one in batch] for batch in got] == [["a", "b"]]


def test_an_end_waits_for_what_is_on_its_way_and_keeps_the_order() -> None:
    got: list[str] = []
    is_taking, may_take = threading.Event(), threading.Event()

    def slow(batch: Sequence[Line]) -> None:
        is_taking.set()
        may_take.wait(5)
        got.extend(one.text for one in batch)

    async def run() -> None:
        delivery = LogDelivery(slow, report=got.append)
        delivery.start()
        delivery.take("g", "s", "a")
        delivery.take("g", "t", "b")
        await asyncio.to_thread(is_taking.wait, 5)
        delivery.take("g", "s", "c")
        end = asyncio.create_task(delivery.close())
        asyncio.get_running_loop().call_soon(may_take.set)
        await end

    asyncio.run(run())
    assert got == ["a", "b", "c"]


def test_what_is_written_faster_than_it_can_be_taken_is_left_out_and_told() -> None:
    got: list[Sequence[Line]] = []
    told = delivered(got.append, *"abcde", maximum=3)
    assert [one.text for batch in got for one in batch] == ["a", "b", "c"]
    assert told == ["the emulated logs lack 2 lines; stderr has them"]


@pytest.mark.parametrize(
    "error", [fault("ThrottlingException"), ReadTimeoutError(endpoint_url="x")]
)
def test_logs_that_take_nothing_stop_nobody_and_are_told(error: Exception) -> None:
    def fail(_: Sequence[Line]) -> None:
        raise error

    assert delivered(fail, "a", "b") == ["the emulated logs lack 2 lines; stderr has them"]


def test_a_batch_holds_one_stream_and_no_more_than_a_request_may() -> None:
    lines = [line("1"), line("2", stream="t"), line("3"), *[line("x" * 500_000)] * 3]
    assert [len(batch) for batch in batches(lines)] == [4, 1, 1]
    assert [len(batch) for batch in batches([line("x")] * 10_001)] == [10_000, 1]
    assert batches([]) == []


def test_a_stream_is_made_when_it_is_first_written_to() -> None:
    with mock_aws():
        client = boto3.client("logs")
        client.create_log_group(logGroupName="g")
        logs = CloudWatch(client)
        assert [delivered(logs.put, text) for text in ("a", "b")] == [[], []]
        found = client.filter_log_events(logGroupName="g")["events"]
        with pytest.raises(ClientError):
            logs.put([line("c", group="none")])
    assert [(one["logStreamName"], one["message"]) for one in found] == [("s", "a"), ("s", "b")]


def test_a_line_is_taken_whole_however_its_bytes_arrive() -> None:
    got: list[str] = []
    pipe = LinePipe(got.append)
    for data in (b"on", b"e\ntw", "ö\n".encode()[:2], "ö\n".encode()[2:], b"end"):
        pipe.data_received(data)
    pipe.data_received(b"x" * (MAXIMUM_BYTES + 5))
    assert got[:2] == ["one", "twö"]
    assert len(got[2]) == MAXIMUM_BYTES, "a line longer than an event comes in pieces"
    pipe.connection_lost(None)
    assert got[3] == "x" * 8
