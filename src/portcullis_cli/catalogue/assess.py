"""Everything that is said of a server's tools, from their definitions or a verified profile.

Severity and prose follow from category, undo and signals by tables, so they cannot disagree.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from portcullis_cli.catalogue.classify import Classified, classify
from portcullis_cli.catalogue.definition import Definition, read_definition
from portcullis_cli.catalogue.model import (
    RANK,
    Assessed,
    Attack,
    Category,
    Confidence,
    Evidence,
    Found,
    Severity,
    Undo,
)
from portcullis_cli.catalogue.risks import CONTRADICTED, POISONED, WIDENING, risks_of
from portcullis_cli.catalogue.rules import Terms, recommended
from portcullis_cli.catalogue.tables import (
    BASE_SEVERITY,
    BASE_UNDO,
    CATEGORY_OWASP,
    attacks,
    profiles,
    signals,
    verbs,
)
from portcullis_cli.catalogue.wording import common_prefix

_DOES: Final[Mapping[Category, str]] = {
    Category.READ: "Reads, and changes nothing",
    Category.WRITE: "Writes: makes or changes something",
    Category.EXECUTE: "Executes: runs, starts or stops something",
    Category.DESTRUCTIVE: "Destroys: removes something for good",
    Category.FINANCIAL: "Moves or promises money",
}
# What the code finds raises a severity as the rows of data/signals.yaml do, for every category.
COMPUTED_RAISES: Final[Mapping[str, Severity]] = {
    WIDENING: Severity.HIGH,
    POISONED: Severity.HIGH,
    CONTRADICTED: Severity.MEDIUM,
}
COMPUTED_OWASP: Final[Mapping[str, tuple[str, ...]]] = {
    WIDENING: ("LLM06",),
    POISONED: ("LLM01", "LLM03"),
    CONTRADICTED: ("LLM03",),
}


def assess(
    tools: Sequence[Mapping[str, Any]], terms: Terms | None = None
) -> tuple[str | None, list[Assessed]]:
    """Assess the tools of one server, as `tools/list` answered them.

    Returns:
        The name of the verified profile that fits, if one does, and one entry a tool.
    """
    terms = terms or Terms()
    names = [str(tool.get("name", "")) for tool in tools]
    prefix = common_prefix(names, verbs())
    definitions = [read_definition(tool, prefix=prefix) for tool in tools]
    profile, known = verified(definitions)
    return profile, [_assessed(one, known.get(one.digest), terms) for one in definitions]


def verified(tools: Sequence[Definition]) -> tuple[str | None, Mapping[str, Mapping[str, Any]]]:
    """What a profile says of a server's tools, by the digest of their definitions.

    A server that offers a name more than the verified one does is another server. A tool that
    describes itself in other words is another tool, and is judged by them.

    Returns:
        The profile's name where it knows every tool as it is, and what it says of each it knows.
    """
    for server, profile in profiles().items():
        if tools and {one.name for one in tools} <= set(profile["tools"]):
            known = {profile["definitions"][name]: one for name, one in profile["tools"].items()}
            fits = all(one.digest in known for one in tools)
            return server if fits else None, known
    return None, {}


def whole_server_attacks() -> list[Attack]:
    """Attacks that need no tool of a certain kind."""
    return [one for one in attacks().values() if one.whole_server]


def _assessed(tool: Definition, known: Mapping[str, Any] | None, terms: Terms) -> Assessed:
    found = classify(tool) if known is None else _verified(tool, known)
    risks = risks_of(tool, found.category)
    severity = severity_of(found.category, risks)
    rule = recommended(tool, found, severity, terms)
    return Assessed(
        tool=tool.name,
        category=found.category,
        severity=severity,
        undo=found.undo,
        confidence=found.confidence,
        summary=_summary(found, severity, risks),
        evidence=found.evidence,
        signals=risks,
        owasp=_owasp(found.category, risks),
        attacks=_attacks(found.category, risks),
        rule=rule,
        notes=tuple(() if known is None else known.get("notes", ())),
    )


def _verified(tool: Definition, known: Mapping[str, Any]) -> Classified:
    category, guessed = Category(known["category"]), classify(tool)
    undo = guessed.undo if category is guessed.category else BASE_UNDO[category]
    says = "a person read its code and tried it"
    evidence = Evidence(source="profile", quote=tool.name, says=says, points_to=category)
    return Classified(
        category=category,
        undo=undo,
        confidence=Confidence.HIGH,
        evidence=(evidence, *guessed.evidence),
    )


def severity_of(category: Category, risks: Iterable[Found]) -> Severity:
    """The worst of what the category and each signal make it."""
    worst = BASE_SEVERITY[category]
    rows = signals()
    for one in risks:
        raised = (
            rows[one.signal].raises.get(category)
            if one.signal in rows
            else COMPUTED_RAISES.get(one.signal)
        )
        if raised is not None and RANK[raised] > RANK[worst]:
            worst = raised
    return worst


def _summary(found: Classified, severity: Severity, risks: Sequence[Found]) -> str:
    parts = [_DOES[found.category]]
    if found.undo is not Undo.NOTHING:
        parts.append(found.undo.value)
    parts.append(f"{severity.value} consequence")
    text = "; ".join(parts) + "."
    if risks:
        text += " It " + ", ".join(one.says for one in risks if _is_of_the_tool(one)) + "."
    return text.replace(" It .", "")


def _is_of_the_tool(one: Found) -> bool:
    """Whether what a signal says reads on after "it"."""
    return one.signal in signals() and not one.says.startswith(("what", "names"))


def _owasp(category: Category, risks: Iterable[Found]) -> tuple[str, ...]:
    rows = signals()
    classes = set(CATEGORY_OWASP[category])
    for one in risks:
        classes |= set(
            rows[one.signal].owasp if one.signal in rows else COMPUTED_OWASP.get(one.signal, ())
        )
    return tuple(sorted(classes))


def _attacks(category: Category, risks: Iterable[Found]) -> tuple[str, ...]:
    exploits = {category.value, *(one.signal for one in risks)}
    return tuple(name for name, one in attacks().items() if one.fits & exploits)
