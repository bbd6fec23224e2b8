"""Which dialect a document is in, and its reader.

Only telling the dialects apart by what only one of them has may live here.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from portcullis.policy.faults import Fault, Findings, PolicyFaults
from portcullis.policy.nodes import Node
from portcullis.policy.yaml_text import TextTree
from portcullis.values import JsonValue
from portcullis_cli.conversion.catalogue import read_catalogue
from portcullis_cli.conversion.hosted import TOOL_KEYS, read_hosted
from portcullis_cli.conversion.intercept import read_intercept
from portcullis_cli.conversion.reading import Reader
from portcullis_cli.conversion.source import Dialect, SourcePolicy

_READERS: Final[Mapping[Dialect, Callable[[Reader, Node], SourcePolicy | None]]] = {
    Dialect.INTERCEPT: read_intercept,
    Dialect.HOSTED: read_hosted,
    Dialect.CATALOGUE: read_catalogue,
}
_OF_INTERCEPT: Final = {"name", "conditions", "state", "on_deny", "approval_timeout"}


def read_source(text: TextTree, reader: Reader, dialect: Dialect | None = None) -> SourcePolicy:
    """Read a document of another product.

    Raises:
        PolicyFaults: it cannot be carried over; it holds every fault, with its place.
    """
    findings = Findings(text.positions)
    findings.faults.extend(text.faults)
    found = dialect or _detected(text.tree)
    source = _READERS[found](reader, Node(text.tree, (), findings))
    findings.raise_faults()
    if source is None:  # a reader that gave up has said why
        raise PolicyFaults([Fault(path="", message="the document cannot be read")])
    return source


def _detected(tree: JsonValue) -> Dialect:
    signs = set(_signs(tree))
    if len(signs) == 1:
        return signs.pop()
    if signs:
        names = " and ".join(sorted(sign.value for sign in signs))
        raise _unclear(f"the file mixes dialects: {names}", "convert each by itself")
    raise _unclear(
        "nothing in the file tells which dialect it is",
        "say it: `--from intercept`, `--from hosted` or `--from catalogue`",
    )


def _unclear(message: str, suggestion: str) -> PolicyFaults:
    return PolicyFaults([Fault(path="", message=message, suggestion=suggestion)])


def _signs(tree: JsonValue) -> Iterator[Dialect]:
    """What only one dialect has."""
    top = _mapping(tree)
    if "all_tools" in top:
        yield Dialect.HOSTED
    if "approvals" in top:
        yield Dialect.INTERCEPT
    for entry in map(_mapping, _mapping(top.get("tools")).values()):
        if any(key in entry for key in TOOL_KEYS):
            yield Dialect.HOSTED
        rules = entry.get("rules")
        for rule in rules if isinstance(rules, list) else ():
            yield from _signs_of_rule(_mapping(rule))


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _signs_of_rule(rule: Mapping[str, JsonValue]) -> Iterator[Dialect]:
    if _OF_INTERCEPT & rule.keys() or isinstance(rule.get("rate_limit"), str):
        yield Dialect.INTERCEPT
    elif rule.keys() & {"action", "rate_limit", "reason"}:
        yield Dialect.CATALOGUE
