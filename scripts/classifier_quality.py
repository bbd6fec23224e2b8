"""How good the classifier is, against real tools that a person labelled (tests/data).

A third of the tools, chosen by the digest of their names, is held out: the verbs and signals
were chosen by looking at the others only. `python scripts/classifier_quality.py` prints both.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from portcullis_cli.catalogue.classify import classify
from portcullis_cli.catalogue.definition import read_definition
from portcullis_cli.catalogue.model import Category
from portcullis_cli.catalogue.tables import verbs
from portcullis_cli.catalogue.wording import common_prefix

LABELS = Path(__file__).parents[1] / "tests" / "data" / "labelled_tools.yaml"
_HELD_OUT = 85  # of 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One labelled tool and what the classifier makes of it."""

    server: str
    tool: str
    label: Category
    judged: Category
    is_held_out: bool


@cache
def judged() -> tuple[Judged, ...]:
    """Every labelled tool, judged by name, arguments and annotations alone."""
    return tuple(_judged(yaml.safe_load(LABELS.read_text("utf-8"))))


def _judged(servers: Mapping[str, Any]) -> Iterator[Judged]:
    for server, told in servers.items():
        prefix = common_prefix(list(told["tools"]), verbs())
        for name, one in told["tools"].items():
            tool = {
                "name": name,
                "annotations": _annotations(one.get("hints")),
                "inputSchema": {"properties": {each: {} for each in one.get("arguments", ())}},
            }
            yield Judged(
                server=server,
                tool=name,
                label=Category(one["category"]),
                judged=classify(read_definition(tool, prefix=prefix)).category,
                is_held_out=hashlib.sha256(f"{server}/{name}".encode()).digest()[0] < _HELD_OUT,
            )


def _annotations(hints: str | None) -> dict[str, bool]:
    if hints is None:
        return {}
    return {"readOnlyHint": hints == "R", "destructiveHint": hints == "D"}


def quality_rows() -> Iterator[tuple[str, ...]]:
    """Precision and recall a category: of all tools, and of those held out."""
    everything = judged()
    held_out = tuple(one for one in everything if one.is_held_out)
    for category in Category:
        yield (
            category.value,
            *_measured(everything, category),
            *_measured(held_out, category),
        )
    yield ("all", *_agreed(everything), *_agreed(held_out))


def _measured(tools: tuple[Judged, ...], category: Category) -> tuple[str, str, str]:
    counts = Counter((one.label is category, one.judged is category) for one in tools)
    right = counts[True, True]
    return (
        str(right + counts[True, False]),
        _share(right, right + counts[False, True]),
        _share(right, right + counts[True, False]),
    )


def _agreed(tools: tuple[Judged, ...]) -> tuple[str, str, str]:
    right = sum(1 for one in tools if one.label is one.judged)
    return (str(len(tools)), _share(right, len(tools)), _share(right, len(tools)))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"


def misread() -> list[Judged]:
    """Tools that change something and are taken for ones that read: the errors that matter."""
    return [
        one for one in judged() if one.judged is Category.READ and one.label is not Category.READ
    ]


if __name__ == "__main__":
    for row in quality_rows():
        print("\t".join(row))
    for one in misread():
        print(f"taken for read: {one.server}/{one.tool} ({one.label.value})")
