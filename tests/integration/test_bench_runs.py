"""The benchmark's parts run and answer rows; what they measured is nobody's business here."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import cold_start, decision, handler, peer
from bench.account import furnish
from bench.children import Child, free_port, python, serving
from bench.samples import Row, percentile, summarise, table
from support.aws_emulator import running_emulator


@dataclass(frozen=True)
class Stage:
    """What the parts with processes need."""

    function: dict[str, str]
    upstream: Child


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    port = free_port()
    stub = serving(python("bench.upstream_stub", str(port)), port=port)
    with running_emulator() as emulator, stub as upstream:
        secret = furnish(emulator.url, f"{upstream.url}/mcp")
        yield Stage(handler.environment(emulator.url, secret), upstream)


def counts(rows: Iterator[Row]) -> dict[str, int]:
    return {row.name: row.count for row in rows}


def test_the_handler_is_measured_with_every_verdict(stage: Stage) -> None:
    found = counts(handler.measure(stage.function, calls=2, seconds=0.1, rate=50))
    assert list(found.values()) == [2, 2, 2, 2, 2, 5, 2, 2]


def test_all_ways_to_the_upstream_are_measured_alike(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peer, "PEER", tmp_path)
    found = counts(peer.measure(stage.function, stage.upstream, calls=2))
    assert len(found) == 4
    assert set(found.values()) == {2}


def test_decisions_are_measured_on_few_and_on_many_tools() -> None:
    assert set(counts(decision.measure(2)).values()) == {2}


def test_a_cold_start_is_measured_beside_what_boto3_costs() -> None:
    found = {row.name: row.minimum for row in cold_start.measure(1)}
    assert len(found) == 3
    assert min(found.values()) > 0


def test_the_size_of_the_package_is_told() -> None:
    assert 0 < cold_start.package_megabytes() < 15


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 2), (75, 3), (99, 4), (100, 4)])
def test_a_percentile_is_one_of_the_samples(percent: float, expected: float) -> None:
    assert percentile([1, 2, 3, 4], percent) == expected


def test_the_table_has_a_line_a_row() -> None:
    rows = [summarise("a", "one", [1.0]), summarise("b", "two", [2.0, 3.0], more={"added": 1.5})]
    assert [line.split()[:2] for line in table(rows).splitlines()[1:]] == [
        ["a", "one"],
        ["b", "two"],
    ]


def test_nothing_is_left_running() -> None:
    with serving(python("bench.upstream_stub", str(port := free_port())), port=port) as child:
        os.kill(child.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)
