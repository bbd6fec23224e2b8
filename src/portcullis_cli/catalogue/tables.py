"""The data files as tables, checked when they are read: a word in two groups is an error."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from portcullis_cli.catalogue.model import Attack, Category, Severity, Undo

BASE_SEVERITY: Mapping[Category, Severity] = {
    Category.READ: Severity.LOW,
    Category.WRITE: Severity.MEDIUM,
    Category.EXECUTE: Severity.HIGH,
    Category.DESTRUCTIVE: Severity.CRITICAL,
    Category.FINANCIAL: Severity.CRITICAL,
}
BASE_UNDO: Mapping[Category, Undo] = {
    Category.READ: Undo.NOTHING,
    Category.WRITE: Undo.YES,
    Category.EXECUTE: Undo.UNKNOWN,
    Category.DESTRUCTIVE: Undo.NO,
    Category.FINANCIAL: Undo.NO,
}
# Of the category itself, whatever signals there are (OWASP Top 10 for LLM applications, 2025).
CATEGORY_OWASP: Mapping[Category, tuple[str, ...]] = {
    Category.READ: (),
    Category.WRITE: (),
    Category.EXECUTE: ("LLM06",),
    Category.DESTRUCTIVE: ("LLM06",),
    Category.FINANCIAL: ("LLM06", "LLM10"),
}
OWASP: Mapping[str, str] = {
    "LLM01": "Prompt Injection",
    "LLM02": "Sensitive Information Disclosure",
    "LLM03": "Supply Chain",
    "LLM05": "Improper Output Handling",
    "LLM06": "Excessive Agency",
    "LLM10": "Unbounded Consumption",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """What a verb says; `is_sure` False: it is used for several things.

    `is_noun`: in a name with another verb it is what that verb is done to. `is_plain`: wherever
    it stands in a sentence, it says the same.
    """

    category: Category
    because: str
    undo: Undo
    is_sure: bool
    is_noun: bool
    is_plain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A risk that words give away."""

    name: str
    says: str
    in_arguments: tuple[tuple[str, ...], ...] = ()
    runs: tuple[tuple[str, ...], ...] = ()  # of those, what can be nothing but code
    in_name: tuple[tuple[str, ...], ...] = ()
    unless: tuple[tuple[str, ...], ...] = ()
    categories: frozenset[Category] = frozenset(Category)
    raises: Mapping[Category, Severity]
    owasp: tuple[str, ...] = ()


@cache
def verbs() -> Mapping[str, Verb]:
    """Every verb."""
    table: dict[str, Verb] = {}
    for group in _read("verbs.yaml"):
        category = Category(group["category"])
        undo = Undo.NO if group.get("undo") is False else BASE_UNDO[category]
        verb = Verb(
            category=category,
            because=group["because"],
            undo=undo,
            is_sure=group.get("sure", True),
            is_noun=group.get("noun", False),
            is_plain=group.get("plain", False),
        )
        for word in group["verbs"]:
            if word in table:
                raise ValueError(f"the verb `{word}` stands in two groups")
            table[word] = verb
    return table


@cache
def signals() -> Mapping[str, Signal]:
    """Every signal that words give away."""
    return {name: _signal(name, one) for name, one in _read("signals.yaml").items()}


@cache
def attacks() -> Mapping[str, Attack]:
    """Every attack of the catalogue."""
    return {
        name: Attack(
            id=name,
            name=one["name"],
            happens=one["happens"].strip(),
            stopped=one["stopped"].strip(),
            references=tuple(one["references"]),
            fits=frozenset(one["fits"]),
            whole_server=one.get("whole_server", False),
        )
        for name, one in _read("attacks.yaml").items()
    }


@cache
def profiles() -> Mapping[str, Mapping[str, Any]]:
    """Verified profiles by the name of their server."""
    folder = resources.files(__package__) / "data" / "profiles"
    found = sorted(folder.iterdir(), key=lambda one: one.name)
    return {
        one.name.removesuffix(".yaml"): yaml.safe_load(one.read_text("utf-8"))
        for one in found
        if one.name.endswith(".yaml")
    }


def _signal(name: str, one: Mapping[str, Any]) -> Signal:
    return Signal(
        name=name,
        says=one["says"],
        in_arguments=_sequences(one.get("arguments")),
        runs=_sequences(one.get("runs")),
        in_name=_sequences(one.get("name")),
        unless=_sequences(one.get("unless")),
        categories=frozenset(map(Category, one["categories"]))
        if "categories" in one
        else frozenset(Category),
        raises={
            Category(category): Severity(severity)
            for category, severity in one.get("raises", {}).items()
        },
        owasp=tuple(one.get("owasp", ())),
    )


def _sequences(value: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(words) for words in value or ())


def _read(name: str) -> Any:
    return yaml.safe_load((resources.files(__package__) / "data" / name).read_text("utf-8"))
