"""The trial of a conversion: which calls are tried where there are very many."""

import pytest

from portcullis.policy.faults import PolicyFaults
from portcullis.values import JsonObject
from portcullis_cli.conversion import conversion
from portcullis_cli.conversion.operands import CARRIED, Carried
from portcullis_cli.conversion.reading import Reader
from portcullis_cli.conversion.source import SourceTest
from portcullis_cli.conversion.writing import Choices

HOSTED = """\
{"version": "1", "default": "deny", "tools": {"refund": {
  "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 100}]}]}}}
"""


def converted(text: str) -> conversion.Converted:
    return conversion.convert(text.encode(), Reader(), Choices())


def test_a_long_list_leaves_calls_for_the_other_arguments() -> None:
    members = ", ".join(["1", *(f"v{i}" for i in range(3000))])
    tests = f"{{path: args.a, op: in, value: [{members}]}}, {{path: args.b, op: lt, value: 5}}"
    rule = f"{{name: one, conditions: [{tests}]}}"
    trial = converted(f'version: "1"\ndefault: deny\ntools: {{pay: {{rules: [{rule}]}}}}\n').trial

    assert not trial.cut
    assert trial.calls > 100


def test_a_trial_says_that_it_was_cut_only_where_calls_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = converted(HOSTED).trial.calls

    monkeypatch.setattr("portcullis_cli.conversion.trial.MOST_CALLS", calls)
    assert not converted(HOSTED).trial.cut
    monkeypatch.setattr("portcullis_cli.conversion.trial.MOST_CALLS", calls - 1)
    assert converted(HOSTED).trial.cut


def test_every_tool_of_a_large_policy_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A widening in the last tool is seen, too, where there are more calls than are tried."""
    monkeypatch.setattr("portcullis_cli.conversion.trial.MOST_CALLS", 200)
    tests = ", ".join(f"{{path: args.a{i}, op: lte, value: {i}}}" for i in range(5))
    rule = f"{{rules: [{{name: one, conditions: [{tests}]}}]}}"
    tools = "".join(f"  tool_{i}: {rule}\n" for i in range(9))
    last = "  last: {rules: [{name: one, conditions: [{path: args.a, op: exists, value: true}]}]}\n"
    text = f'version: "1"\ndefault: deny\ntools:\n{tools}{last}'
    assert converted(text).trial.cut

    def wrong(_test: SourceTest, _must: bool) -> JsonObject:
        return {"path": "args.a", "op": "exists", "value": False}

    carried = {**CARRIED, "exists": Carried(construct="exists", write=wrong)}
    monkeypatch.setattr("portcullis_cli.conversion.operands.CARRIED", carried)
    with pytest.raises(PolicyFaults, match="would let calls pass that the source refuses: last"):
        converted(text)
