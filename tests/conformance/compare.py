"""Judge a run through the gateway against the same run without it, check by check.

Pure: runs and expectations come in, complaints go out. A difference that is not expected is a
complaint, and so is an expectation that no longer holds.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from conformance.suite import SuiteRun

EXPECTED_FILE: Final = Path(__file__).with_name("expected.json")

Statuses: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, order=True)
class Difference:
    """One check whose statuses differ; an empty tuple means the check was not reported."""

    scenario: str
    check: str
    direct: Statuses
    gateway: Statuses

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.scenario} / {self.check}: {_words(self.direct)} -> {_words(self.gateway)}"


@dataclass(frozen=True)
class Expectation:
    """What a revision must come to: scenario counts, failing scenarios, differing checks."""

    required: int
    gateway_passed: int
    failing: frozenset[str]
    differences: frozenset[Difference]


def _words(statuses: Statuses) -> str:
    """Statuses as text."""
    return " ".join(statuses) or "not reported"


def differences(direct: SuiteRun, gateway: SuiteRun) -> list[Difference]:
    """Every check of every scenario, scored or not, whose statuses differ."""
    return sorted(_differences(direct, gateway))


def _differences(direct: SuiteRun, gateway: SuiteRun) -> Iterator[Difference]:
    """The differences in no order."""
    for scenario in direct.scenarios.keys() | gateway.scenarios.keys():
        before = direct.scenarios.get(scenario, {})
        after = gateway.scenarios.get(scenario, {})
        for check in before.keys() | after.keys():
            pair = before.get(check, ()), after.get(check, ())
            if pair[0] != pair[1]:
                yield Difference(scenario, check, *pair)


def complaints_direct(direct: SuiteRun, expected: Expectation) -> list[str]:
    """What is wrong with a run without the gateway; it must pass everything required."""
    complaints = [f"{direct.revision}: {name} fails directly" for name in sorted(direct.failing)]
    if len(direct.required) != expected.required:
        complaints.append(
            f"{direct.revision}: the suite requires {len(direct.required)} scenarios, "
            f"expected {expected.required}"
        )
    return complaints


def complaints_gateway(direct: SuiteRun, gateway: SuiteRun, expected: Expectation) -> list[str]:
    """What is wrong with a run through the gateway, one line each."""
    found = frozenset(differences(direct, gateway))
    lines = [f"unexpected difference: {item}" for item in sorted(found - expected.differences)]
    lines += [f"stale expectation: {item}" for item in sorted(expected.differences - found)]
    lines += [
        f"unexpected failing scenario: {name}"
        for name in sorted(gateway.failing - expected.failing)
    ]
    lines += [
        f"scenario expected to fail passes: {name}"
        for name in sorted(expected.failing - gateway.failing)
    ]
    if gateway.passed != expected.gateway_passed:
        lines.append(
            f"{gateway.passed} required scenarios pass, expected {expected.gateway_passed}"
        )
    return [f"{gateway.revision}: {line}" for line in lines]


def load_expectations(path: Path = EXPECTED_FILE) -> dict[str, Expectation]:
    """Read expected.json: one expectation a revision.

    Raises:
        ValueError: when an entry names no reason from the file's own list of reasons.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    reasons = document["reasons"]
    return {
        revision: _expectation(entry, reasons) for revision, entry in document["revisions"].items()
    }


def _expectation(entry: dict[str, Any], reasons: dict[str, str]) -> Expectation:
    """One revision's entry."""
    named = [*entry["failing"].values(), *(item["reason"] for item in entry["differences"])]
    unknown = sorted(set(named) - reasons.keys())
    if unknown:
        raise ValueError(f"expected.json names reasons it does not give: {unknown}")
    return Expectation(
        required=entry["required"],
        gateway_passed=entry["gateway_passed"],
        failing=frozenset(entry["failing"]),
        differences=frozenset(_difference(item) for item in entry["differences"]),
    )


def _difference(item: dict[str, Any]) -> Difference:
    """One listed difference."""
    direct, gateway = tuple(item["direct"]), tuple(item["gateway"])
    return Difference(item["scenario"], item["check"], direct, gateway)
