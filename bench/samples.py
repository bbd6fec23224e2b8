"""Timings as they are reported: percentiles of single measurements, nothing averaged away."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_NOTHING: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report; all times in `unit`. `more` holds what only this line has."""

    part: str
    name: str
    unit: str
    count: int
    p50: float
    p90: float
    p99: float
    minimum: float
    more: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of samples in ascending order."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def summarise(
    part: str,
    name: str,
    samples: Iterable[float],
    *,
    unit: str = "ms",
    more: Mapping[str, float] = _NOTHING,
) -> Row:
    """One row of samples, of which there must be at least one."""
    ordered = sorted(samples)
    return Row(
        part=part,
        name=name,
        unit=unit,
        count=len(ordered),
        p50=percentile(ordered, 50),
        p90=percentile(ordered, 90),
        p99=percentile(ordered, 99),
        minimum=ordered[0],
        more=dict(more),
    )


def table(rows: Iterable[Row]) -> str:
    """The rows as aligned text."""
    heads = ("part", "what", "n", "min", "p50", "p90", "p99", "unit", "")
    lines: list[tuple[str, ...]] = [heads]
    for row in rows:
        times = (f"{value:.3f}" for value in (row.minimum, row.p50, row.p90, row.p99))
        more = "  ".join(f"{name} {value:.2f}" for name, value in row.more.items())
        lines.append((row.part, row.name, str(row.count), *times, row.unit, more))
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if i in {0, 1, 7, 8} else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
