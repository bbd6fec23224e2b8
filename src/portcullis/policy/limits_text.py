"""`rate_limit` and `spend_limit` blocks: from the document to limits, and back.

Only reading these blocks and naming their counters may live here. A counter's name
depends on what is counted and how, never on the maximum, the reason or the position of
the rule: lowering `max` keeps what was used, and reordering rules moves nothing.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from portcullis.policy.conditions_text import read_path
from portcullis.policy.faults import quoted
from portcullis.policy.model import Algorithm, Each, Limit, Path, Scope
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_amount,
    read_elements,
    read_mapping,
    read_optional,
    read_seconds,
    read_whole,
    read_word,
)
from portcullis.policy.words import (
    ALGORITHM_HINTS,
    LIMIT_HINTS,
    RATE_LIMIT_KEYS,
    SCOPE_HINTS,
    SPEND_LIMIT_KEYS,
)
from portcullis.strictjson import canonical
from portcullis.values import JsonObject, JsonValue

MAXIMUM_CALLS = 10**15
MAXIMUM_LIMITS = 16

_PHRASE = re.compile(r"\$?(?P<max>[0-9]+)\s*(?:/|per)\s*(?P<unit>[smhd])[a-z]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitText:
    """One block that was read: what `Limit` holds, before its counter has a name."""

    maximum: Decimal
    window_seconds: int
    scope: Scope
    algorithm: Algorithm
    amount_path: Path | None

    def compiled(self, owner: JsonValue) -> Limit:
        """The limit; `owner` is the JSON value that tells its rule from all others."""
        amount = None if self.amount_path is None else self.amount_path.text
        counted = [self.window_seconds, self.scope.value, self.algorithm.value, amount]
        return Limit(
            identity=hashlib.sha256(canonical([owner, *counted])).hexdigest()[:16],
            maximum=self.maximum,
            window_seconds=self.window_seconds,
            scope=self.scope,
            algorithm=self.algorithm,
            amount_path=self.amount_path,
        )

    def document(self) -> JsonObject:
        """The block in its canonical form: every default written out, seconds as a number."""
        block: JsonObject = {
            "max": int(self.maximum) if self.amount_path is None else self.maximum,
            "window": self.window_seconds,
            "per": self.scope.value,
            "algorithm": self.algorithm.value,
        }
        return block if self.amount_path is None else {"path": self.amount_path.text, **block}


def read_rate_limits(node: Node) -> tuple[LimitText, ...]:
    """Read one `rate_limit` block, or a list of them."""
    return tuple(_present(_read_rate_limit(block) for block in _blocks(node, "`rate_limit`")))


def read_spend_limits(node: Node) -> tuple[LimitText, ...]:
    """Read one `spend_limit` block, or a list of them."""
    return tuple(_present(_read_spend_limit(block) for block in _blocks(node, "`spend_limit`")))


def _blocks(node: Node, what: str) -> list[Node]:
    if isinstance(node.value, list):
        return read_elements(node, what, MAXIMUM_LIMITS) or []
    return [node]


def _present(read: Iterable[LimitText | None]) -> Iterator[LimitText]:
    return (limit for limit in read if limit is not None)


def _read_rate_limit(node: Node) -> LimitText | None:
    if _is_phrase(node, ""):
        return None
    what = "a block like `{max: 10, window: 60}`"
    members = read_mapping(node, what, RATE_LIMIT_KEYS, LIMIT_HINTS)
    if members is None:
        return None
    maximum = read_optional(members, "max", lambda block: read_whole(block, 1, MAXIMUM_CALLS))
    return _read_rest(node, members, None if maximum is None else Decimal(maximum), None)


def _read_spend_limit(node: Node) -> LimitText | None:
    if _is_phrase(node, "path: args.amount, "):
        return None
    what = "a block like `{path: args.amount, max: 100, window: 1d}`"
    members = read_mapping(node, what, SPEND_LIMIT_KEYS, LIMIT_HINTS)
    if members is None or not has_keys(node, members, ["path"]):
        return None
    maximum = read_optional(members, "max", read_amount)
    path = _read_amount_path(members["path"])
    limit = _read_rest(node, members, maximum, path)
    return None if path is None else limit


def _is_phrase(node: Node, path: str) -> bool:
    """Recognise a limit said as `5/hour` or `$500 per day`, and say how to write it here."""
    found = _PHRASE.fullmatch(node.value.lower()) if isinstance(node.value, str) else None
    if found is None:
        return False
    window = f"{{{path}max: {found['max']}, window: 1{found['unit']}}}"
    node.fault(f"{quoted(str(node.value))} is not a block", f"write `{window}`")
    return True


def _read_rest(
    node: Node, members: dict[str, Node], maximum: Decimal | None, path: Path | None
) -> LimitText | None:
    """Read what both kinds of block share."""
    window = read_optional(members, "window", read_seconds)
    scope = read_optional(members, "per", _read_scope, Scope.SESSION)
    algorithm = read_optional(members, "algorithm", _read_algorithm, Algorithm.SLIDING_WINDOW)
    has_keys(node, members, ["max", "window"])
    if maximum is None or window is None or scope is None or algorithm is None:
        return None
    return LimitText(
        maximum=maximum,
        window_seconds=window,
        scope=scope,
        algorithm=algorithm,
        amount_path=path,
    )


def _read_scope(node: Node) -> Scope | None:
    word = read_word(node, [scope.value for scope in Scope], SCOPE_HINTS)
    return None if word is None else Scope(word)


def _read_algorithm(node: Node) -> Algorithm | None:
    word = read_word(node, [algorithm.value for algorithm in Algorithm], ALGORITHM_HINTS)
    return None if word is None else Algorithm(word)


def _read_amount_path(node: Node) -> Path | None:
    path = read_path(node)
    if path is None:
        return None
    if path.root != "args" or not path.steps or Each.EACH in path.steps:
        node.fault("an amount is one number of the arguments", "write `args.amount`")
        return None
    return path
