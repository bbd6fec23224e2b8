"""What the gate costs, from prices and assumptions that stand here: `python scripts/cost.py`.

Prices are list prices of us-east-1 in US dollars, without free tiers, discounts and taxes. They
are those of AWS's pricing pages as known on `PRICES_OF`; put in what you pay.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from local_stack.template_yaml import load_template

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cost.md"
PRICES_OF = "2026-11-28"
MILLION = 1_000_000
KILOBYTES_PER_GB = 1_000_000

PRICES: Mapping[str, float] = {
    "api request": 3.50 / MILLION,
    "lambda request": 0.20 / MILLION,
    "lambda GB second (arm64)": 0.0000133334,
    "dynamodb write unit": 0.625 / MILLION,
    "dynamodb read unit": 0.125 / MILLION,
    "dynamodb GB month": 0.25,
    "log GB taken in": 0.50,
    "log GB month": 0.03,
    "s3 read": 0.40 / MILLION,
    "s3 write": 5.00 / MILLION,
    "kms key month": 1.00,
    "kms request": 0.03 / 10_000,
    "secret month": 0.40,
    "step functions transition": 0.025 / 1000,
    "mail by sns": 2.00 / 100_000,
    "metric month": 0.30,
    "alarmed metric month": 0.10,
    "dashboard month": 3.00,
    "insight rule month": 0.50,
    "insight event": 0.02 / MILLION,
    "trace": 5.00 / MILLION,
    "firehose GB taken in": 0.029,
    "s3 GB month": 0.023,
}

ASSUMED: Mapping[str, float] = {
    "milliseconds of the authorizer, at 1 GB": 8,
    "milliseconds of the gateway, at 1 GB": 60,
    "milliseconds of the hosted server, at 1 GB": 50,
    "counters a call takes from": 1,
    "kB of a decision's line": 1.8,
    "kB of a recorded call": 1.2,
    "kB that Lambda writes of an invocation": 0.9,
    "servers": 2,
    "outcomes seen at a server": 6,
    "functions invoked for an approval": 6,
    "milliseconds of each, at 1 GB": 100,
    "workflow steps of an approval": 12,
    "writes of an approval": 14,
    "kms requests of an approval": 6,
}

A_MONTH_OF_LOOKS = 12 * 24 * 30


def per_million_calls() -> dict[str, float]:
    """What a million allowed `tools/call`s cost, each under one limit, by part."""
    seconds = sum(
        ASSUMED[f"milliseconds of the {one}, at 1 GB"] / 1000
        for one in ("authorizer", "gateway", "hosted server")
    )
    kilobytes = (
        ASSUMED["kB of a decision's line"] + 3 * ASSUMED["kB that Lambda writes of an invocation"]
    )
    gigabytes = kilobytes * MILLION / KILOBYTES_PER_GB
    return {
        "API Gateway": MILLION * PRICES["api request"],
        "Lambda: authorizer, gateway, hosted server": MILLION
        * (3 * PRICES["lambda request"] + seconds * PRICES["lambda GB second (arm64)"]),
        "DynamoDB: grant, counter": MILLION
        * (
            PRICES["dynamodb read unit"]
            + ASSUMED["counters a call takes from"] * PRICES["dynamodb write unit"]
        ),
        "logs, kept for three months": gigabytes
        * (PRICES["log GB taken in"] + 3 * PRICES["log GB month"]),
        "calls by tool and by principal": 2 * MILLION * PRICES["insight event"],
    }


def options_per_million_calls() -> dict[str, float]:
    """What the options add to a million calls."""
    # Firehose counts in steps of 5 kB; CloudWatch hands lines over compressed and in batches.
    compressed = ASSUMED["kB of a decision's line"] * MILLION / KILOBYTES_PER_GB / 4
    return {
        "`AuditTrail`, kept for a year": compressed * PRICES["firehose GB taken in"] * 2
        + compressed * 12 * PRICES["s3 GB month"],
        "`RecordCalls`, with a key at 1.00 a month": ASSUMED["kB of a recorded call"]
        * MILLION
        / KILOBYTES_PER_GB
        * (PRICES["log GB taken in"] + 3 * PRICES["log GB month"])
        + 2 * MILLION / 1000 * PRICES["kms request"],  # a data key for at most 1000 lines
        "`AccessLog`": 0.4 * MILLION / KILOBYTES_PER_GB * PRICES["log GB taken in"],
        "`Tracing`, every call": MILLION * PRICES["trace"],
    }


def per_thousand_approvals() -> dict[str, float]:
    """What a thousand calls that wait for a person cost besides, by part."""
    invoked = ASSUMED["functions invoked for an approval"]
    return {
        "Step Functions": 1000
        * ASSUMED["workflow steps of an approval"]
        * PRICES["step functions transition"],
        "DynamoDB, API and Lambda": 1000
        * (
            ASSUMED["writes of an approval"] * 2 * PRICES["dynamodb write unit"]
            + invoked
            * (
                PRICES["api request"]
                + PRICES["lambda request"]
                + ASSUMED["milliseconds of each, at 1 GB"]
                / 1000
                * PRICES["lambda GB second (arm64)"]
            )
        ),
        "KMS": 1000 * ASSUMED["kms requests of an approval"] * PRICES["kms request"],
        "a mail to approvers": 1000 * PRICES["mail by sns"],
    }


def a_month(template: Mapping[str, Any]) -> dict[str, float]:
    """What stands there costs in a month without any call, by part."""
    kinds = [one["Type"] for one in template["Resources"].values() if one.get("Condition") is None]
    servers = ASSUMED["servers"]
    # Six times and ages by server and of all; the monitor: six, and an age of each policy.
    metrics = servers * ASSUMED["outcomes seen at a server"] + 6 * (servers + 1) + 6 + servers
    return {
        "metrics": metrics * PRICES["metric month"],
        "alarms": alarmed_metrics(template) * PRICES["alarmed metric month"],
        "dashboard": kinds.count("AWS::CloudWatch::Dashboard") * PRICES["dashboard month"],
        "rules by tool, principal and limit": kinds.count("AWS::CloudWatch::InsightRule")
        * PRICES["insight rule month"],
        "KMS keys": kinds.count("AWS::KMS::Key") * PRICES["kms key month"],
        "secrets": kinds.count("AWS::SecretsManager::Secret") * PRICES["secret month"],
        "the monitor": A_MONTH_OF_LOOKS
        * (
            PRICES["lambda request"]
            + 0.25 * PRICES["lambda GB second (arm64)"]
            + PRICES["dynamodb read unit"]
            + 3 * PRICES["s3 write"]  # lists cost what writes cost
            + servers * PRICES["s3 read"]
            + 2 * PRICES["log GB taken in"] / KILOBYTES_PER_GB
        ),
        "policies, read again every 30 seconds by one environment a server": servers
        * 2
        * 60
        * 24
        * 30
        * PRICES["s3 read"],
    }


def alarmed_metrics(template: Mapping[str, Any]) -> int:
    """How many metrics the alarms look at that every stack has; each is paid for."""
    total = 0
    for one in template["Resources"].values():
        if one["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in one:
            parts = one["Properties"].get("Metrics", ())
            total += sum("MetricStat" in part for part in parts) or 1
    return total


def table(parts: Mapping[str, float], unit: str) -> str:
    """A table of parts and their sum."""
    rows = [f"| {name} | {value:.2f} |" for name, value in parts.items()]
    rows.append(f"| **together** | **{sum(parts.values()):.2f}** |")
    return "\n".join([f"| {unit} | US dollars |", "|---|---|", *rows])


def tables() -> dict[str, str]:
    """The tables of the page, by name."""
    template = load_template(ROOT / "template.yaml")
    return {
        "calls": table(per_million_calls(), "a million calls"),
        "options": "\n".join(table(options_per_million_calls(), "an option").splitlines()[:-1]),
        "approvals": table(per_thousand_approvals(), "a thousand approvals"),
        "month": table(a_month(template), "a month"),
        "assumptions": "\n".join(
            [
                "| assumed | |",
                "|---|---|",
                *(f"| {name} | {value:g} |" for name, value in ASSUMED.items()),
            ]
        ),
        "prices": "\n".join(
            [
                "| price | US dollars |",
                "|---|---|",
                *(
                    f"| {name} | {value:.10f}".rstrip("0").rstrip(".") + " |"
                    for name, value in PRICES.items()
                ),
            ]
        ),
    }


def render(page: str) -> str:
    """The page with its tables computed again."""
    for name, text in tables().items():
        start, end = f"<!-- cost: {name} -->\n", "<!-- end -->"
        before, rest = page.split(start, 1)
        page = before + start + text + "\n" + end + rest.split(end, 1)[1]
    return page


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
