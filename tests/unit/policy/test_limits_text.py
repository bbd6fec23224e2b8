"""`rate_limit` and `spend_limit`: what they say, and the counters they name."""

from decimal import Decimal

import pytest

from portcullis.policy.document import parse_document
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Algorithm, Kind, Limit, Scope
from portcullis.values import JsonObject, JsonValue

RATE: JsonObject = {"max": 10, "window": 60}
SPEND: JsonObject = {"path": "args.amount", "max": 100, "window": "1d"}
WHEN: JsonObject = {"path": "args.a", "op": "eq", "value": 1}


def limits(entry: JsonObject, key: str = "tool", kind: str = "tools") -> list[Limit]:
    """The limits of every rule of an entry."""
    document: JsonObject = {"version": "1", "default": "deny", kind: {key: entry}}
    section = parse_document(document).policy.sections[Kind(kind.removesuffix("s"))]
    rules = section.exact[key] if key in section.exact else section.patterns[0][2]
    return [limit for rule in rules for limit in rule.limits]


def identity(entry: JsonObject, key: str = "tool", kind: str = "tools") -> str:
    """The counter name of the one limit of an entry."""
    (limit,) = limits(entry, key, kind)
    return limit.identity


def faults(entry: JsonObject) -> list[str]:
    """The faults of an entry."""
    with pytest.raises(PolicyFaults) as raised:
        parse_document({"version": "1", "default": "deny", "tools": {"t": entry}})
    return [str(fault) for fault in raised.value.faults]


def test_a_rate_limit_counts_calls_of_a_session_in_a_sliding_window() -> None:
    (limit,) = limits({"rate_limit": RATE})
    assert limit == Limit(
        identity=limit.identity,
        maximum=Decimal(10),
        window_seconds=60,
        scope=Scope.SESSION,
        algorithm=Algorithm.SLIDING_WINDOW,
        amount_path=None,
    )


def test_a_spend_limit_adds_up_an_argument() -> None:
    (limit,) = limits({"spend_limit": {**SPEND, "max": Decimal("99.50"), "per": "principal"}})
    assert limit.maximum == Decimal("99.50")
    assert limit.window_seconds == 86_400
    assert limit.scope is Scope.PRINCIPAL
    assert limit.amount_path is not None
    assert limit.amount_path.steps == ("amount",)


def test_blocks_may_come_in_lists_and_in_both_kinds() -> None:
    found = limits(
        {"rate_limit": [RATE, {"max": 1, "window": "1s"}], "spend_limit": [SPEND, SPEND]}
    )
    assert [limit.window_seconds for limit in found] == [60, 1, 86_400, 86_400]


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_every_scope_and_algorithm_can_be_written(scope: Scope, algorithm: Algorithm) -> None:
    block: JsonObject = {**RATE, "per": scope.value, "algorithm": algorithm.value}
    (limit,) = limits({"rate_limit": block})
    assert (limit.scope, limit.algorithm) == (scope, algorithm)


@pytest.mark.parametrize(
    "window,seconds",
    [(1, 1), (60, 60), ("30s", 30), ("1m", 60), ("90m", 5400), ("1h", 3600), ("31d", 2_678_400)],
)
def test_a_window_is_seconds_or_a_number_with_a_unit(window: JsonValue, seconds: int) -> None:
    (limit,) = limits({"rate_limit": {"max": 1, "window": window}})
    assert limit.window_seconds == seconds


NO_NUMBERS: list[JsonValue] = [True, None, Decimal("1.5"), Decimal("60.0"), [60]]
NO_TEXTS: list[JsonValue] = ["60", "", "0s", "01m", "1 h", "1H", "1w", "1h30m", "-1s"]
TOO_LITTLE_OR_MUCH: list[JsonValue] = [0, -1, 2_678_401, 10**9, "32d", "99999999d"]


@pytest.mark.parametrize("window", [*NO_NUMBERS, *NO_TEXTS, *TOO_LITTLE_OR_MUCH])
def test_G11_any_other_window_is_refused(window: JsonValue) -> None:
    (told,) = faults({"rate_limit": {"max": 1, "window": window}})
    assert told.startswith("tools.t.rate_limit.window: ")


@pytest.mark.parametrize(
    "maximum",
    [0, -1, "10", Decimal("10.0"), Decimal("1e1"), True, None, 10**15 + 1, 10**30, [1], "\uff11"],
)
def test_O06_a_number_of_calls_is_a_whole_number_from_1_to_10_to_the_15(maximum: JsonValue) -> None:
    (told,) = faults({"rate_limit": {"max": maximum, "window": 1}})
    assert told.startswith("tools.t.rate_limit.max: ")


NO_AMOUNTS: list[JsonValue] = ["1000", True, None, [1], {}, Decimal("NaN"), Decimal("Infinity")]
NOTHING: list[JsonValue] = [0, -1, Decimal("0.00"), Decimal("-0.01")]
TOO_MANY_DIGITS: list[JsonValue] = [10**38, Decimal("1e38"), Decimal("1e-38")]


@pytest.mark.parametrize("maximum", [*NO_AMOUNTS, *NOTHING, *TOO_MANY_DIGITS])
def test_H13_an_amount_is_a_number_above_0_of_38_digits(maximum: JsonValue) -> None:
    (told,) = faults({"spend_limit": {**SPEND, "max": maximum}})
    assert told.startswith("tools.t.spend_limit.max: ")


@pytest.mark.parametrize(
    "maximum", [1, 10**38 - 1, Decimal("0.01"), Decimal("1e-37"), Decimal("1e3"), Decimal("5.00")]
)
def test_G22_an_amount_of_38_digits_is_kept_exactly(maximum: int | Decimal) -> None:
    (limit,) = limits({"spend_limit": {**SPEND, "max": maximum}})
    assert limit.maximum == maximum


@pytest.mark.parametrize("path", ["args", "tool", "time.hour", "args.items[*].price", "amount", 5])
def test_an_amount_is_one_number_of_the_arguments(path: JsonValue) -> None:
    (told,) = faults({"spend_limit": {**SPEND, "path": path}})
    assert told.startswith("tools.t.spend_limit.path: ")


@pytest.mark.parametrize(
    "key,phrase,block",
    [
        ("rate_limit", "5/hour", "{max: 5, window: 1h}"),
        ("rate_limit", "10 per minute", "{max: 10, window: 1m}"),
        ("rate_limit", "100/d", "{max: 100, window: 1d}"),
        ("spend_limit", "$500/day", "{path: args.amount, max: 500, window: 1d}"),
    ],
)
def test_a_limit_said_as_a_phrase_is_refused_with_the_block_it_means(
    key: str, phrase: str, block: str
) -> None:
    assert faults({key: phrase}) == [f"tools.t.{key}: `{phrase}` is not a block (write `{block}`)"]


@pytest.mark.parametrize(
    "entry,count",
    [
        ({"rate_limit": "often"}, 1),
        ({"rate_limit": []}, 1),
        ({"rate_limit": [RATE] * 17}, 1),
        ({"rate_limit": [RATE, 5, {}]}, 3),
        ({"rate_limit": {}}, 2),
        ({"rate_limit": {"max": 0, "window": 0, "per": 0, "algorithm": 0}}, 4),
        ({"spend_limit": "a lot"}, 1),
        ({"spend_limit": {}}, 1),
        ({"spend_limit": {"path": "x", "max": 0, "window": 0}}, 3),
        ({"spend_limit": {"path": "args.a", "max": 1, "windw": 1}}, 1),
    ],
)
def test_every_fault_of_a_block_is_told(entry: JsonObject, count: int) -> None:
    assert len(faults(entry)) == count


class TestTheNameOfACounter:
    """Limit.identity: what moves counts to another counter, and what does not."""

    def test_it_is_16_hex_digits(self) -> None:
        assert len(identity({"rate_limit": RATE})) == 16
        int(identity({"rate_limit": RATE}), 16)

    @pytest.mark.parametrize(
        "entry",
        [
            {"rate_limit": {**RATE, "max": 3}},
            {"rate_limit": {**RATE, "window": "1m"}},
            {"rate_limit": {**RATE, "per": "session", "algorithm": "sliding_window"}},
            {"rate_limit": [RATE]},
            {"rate_limit": RATE, "reason": "Not so fast."},
            {"rate_limit": RATE, "action": "allow"},
            {"rules": [{"rate_limit": RATE}]},
            {"rules": [{"action": "deny", "when": WHEN}, {"rate_limit": RATE}]},
        ],
    )
    def test_G23_maximum_reason_spelling_and_position_keep_it(self, entry: JsonObject) -> None:
        assert identity(entry) == identity({"rate_limit": RATE})

    @pytest.mark.parametrize(
        "entry",
        [
            {"rate_limit": {**RATE, "window": 61}},
            {"rate_limit": {**RATE, "per": "principal"}},
            {"rate_limit": {**RATE, "algorithm": "fixed_window"}},
            {"rate_limit": RATE, "name": "other"},
            {"rate_limit": RATE, "when": WHEN},
            {"rate_limit": RATE, "mode": "shadow"},
            {"spend_limit": {"path": "args.a", **RATE}},
            {"spend_limit": {"path": "args.b", **RATE}},
        ],
    )
    def test_what_is_counted_and_where_change_it(self, entry: JsonObject) -> None:
        assert identity(entry) != identity({"rate_limit": RATE})

    def test_G09_entries_and_kinds_have_counters_of_their_own(self) -> None:
        entry: JsonObject = {"action": "allow", "rate_limit": RATE}
        names = {
            identity(entry),
            identity(entry, "*"),
            identity(entry, "session"),
            identity(entry, "other"),
            identity(entry, "tool", "resources"),
            identity(entry, "tool", "prompts"),
        }
        assert len(names) == 6

    def test_G09_reordering_rules_moves_nothing(self) -> None:
        rules: list[JsonValue] = [
            {"rate_limit": RATE, "when": WHEN},
            {"rate_limit": RATE, "name": "named"},
            {"action": "allow", "rate_limit": {**RATE, "window": 5}},
        ]
        forward = {limit.identity for limit in limits({"rules": rules})}
        backward = {limit.identity for limit in limits({"rules": rules[::-1]})}
        assert forward == backward
        assert len(forward) == 3

    def test_a_name_stands_for_the_conditions(self) -> None:
        named: JsonObject = {"rate_limit": RATE, "name": "a"}
        assert identity(named) == identity({**named, "when": WHEN})

    def test_a_name_is_no_condition(self) -> None:
        condition: JsonObject = {"rate_limit": RATE, "when": WHEN}
        assert identity(condition) != identity({"rate_limit": RATE, "name": str(WHEN)})

    def test_conditions_that_say_the_same_share_it(self) -> None:
        one: JsonObject = {"rate_limit": RATE, "when": WHEN}
        assert identity(one) == identity(
            {"rate_limit": RATE, "when": [{**WHEN, "value": Decimal("1.0")}]}
        )

    def test_two_limits_of_one_counter_stay_two(self) -> None:
        first, second = limits({"rate_limit": [RATE, {**RATE, "max": 3}]})
        assert first.identity == second.identity
        assert [int(limit.maximum) for limit in (first, second)] == [10, 3]
