"""Which category a tool is of, by what its definition says: deterministic, and every step quoted.

Each piece of evidence points to a category with a weight; the heaviest category wins, and of two
alike the worse one. Where nothing points anywhere, or nothing but a server's own word says that a
tool only reads, it is taken for one that runs something.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from portcullis_cli.catalogue.definition import Definition
from portcullis_cli.catalogue.model import RANK, Category, Confidence, Evidence, Undo
from portcullis_cli.catalogue.tables import BASE_UNDO, Verb, signals, verbs
from portcullis_cli.catalogue.wording import base_forms, contains, first_words, is_one_of, words_of

# How much each part of a definition says. The name is what the server's author chose to be
# called by; annotations are a server's own claim, and by the specification not to be trusted.
_FIRST, _LAST, _INSIDE, _UNSURE = 6, 5, 3, 2
_DESCRIPTION, _CHOICE, _CLAIM = 3, 7, 1
_MONEY = 8
_TOLD = 20  # what the caller says it is to do, it does, whatever else its definition says
_STARTS_LATE = 3  # words of a description among which its verb is
_CHANGES = (Category.WRITE, Category.EXECUTE, Category.DESTRUCTIVE)
_JOINS = frozenset({"and", "or", "then"})
# Arguments that say what is to be done.
_ORDERS = frozenset({"action", "command", "method", "mode", "op", "operation", "task", "verb"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """A category and why."""

    category: Category
    undo: Undo
    confidence: Confidence
    evidence: tuple[Evidence, ...]


def classify(tool: Definition) -> Classified:
    """Answer the category of a tool. Never raises."""
    named = _named(tool.words)
    evidence = [*_of_name(tool, named), *_of_description(tool), *_of_annotations(tool)]
    evidence += [*_of_arguments(tool, named), *_of_choices(tool)]
    weights: dict[Category, int] = {}
    for one in evidence:
        if one.points_to is not None:
            weights[one.points_to] = weights.get(one.points_to, 0) + one.weight
    category = max(weights, key=lambda one: (weights[one], RANK[one]), default=Category.READ)
    said = [one for one in evidence if one.points_to is category]
    if category is Category.READ and all(one.source == "annotations" for one in said):
        return _unknown(tool, evidence)
    return Classified(
        category=category,
        undo=_undo(category, said),
        confidence=_confidence(tool, category, evidence),
        evidence=(*evidence, *_silence(tool)),
    )


def _undo(category: Category, said: Sequence[Evidence]) -> Undo:
    """The worst answer of the words that made it this category."""
    return Undo.NO if any(one.undo is Undo.NO for one in said) else BASE_UNDO[category]


def _named(words: Sequence[str]) -> tuple[str, Verb, int] | None:
    """The verb of a name with its weight; of a name that joins several, the worst."""
    joined = [at for at, word in enumerate(words) if word in _JOINS]
    starts, ends = [0, *(at + 1 for at in joined)], [*joined, len(words)]
    parts = (_verb_of(words[start:end]) for start, end in zip(starts, ends, strict=True))
    found = [one for one in parts if one is not None]
    return max(found, key=lambda one: (one[1].is_sure, RANK[one[1].category]), default=None)


def _verb_of(words: Sequence[str]) -> tuple[str, Verb, int] | None:
    """The first word, else the last, else one inside; a noun only where there is no verb."""
    known = verbs()
    places = [(words[:1], _FIRST), (words[-1:], _LAST), (words, _INSIDE)]
    found = [
        (word, known[word], weight) for place, weight in places for word in place if word in known
    ]
    if not found:
        return None
    found.sort(key=lambda one: (not one[1].is_sure, one[1].is_noun))
    word, verb, weight = found[0]
    is_vague = verb.is_noun and word != words[-1]  # what else is in the name is no known verb
    return word, verb, weight if verb.is_sure and not is_vague else _UNSURE


def _of_name(tool: Definition, named: tuple[str, Verb, int] | None) -> Iterator[Evidence]:
    if named is None:
        return
    word, verb, weight = named
    yield Evidence(
        source="name",
        quote=tool.name,
        says=f"`{word}`: {verb.because}",
        points_to=verb.category,
        undo=verb.undo,
        weight=weight,
    )
    if verb.category is Category.READ:
        yield from _also(tool, word)
    money = signals()["moves_money"]
    if verb.category in _CHANGES and not any(contains(tool.words, one) for one in money.unless):
        for sequence in money.in_name:
            if contains(tool.words, sequence):
                yield Evidence(
                    source="name",
                    quote=tool.name,
                    says=f"`{word}` of `{' '.join(sequence)}`: money moves, or is promised",
                    points_to=Category.FINANCIAL,
                    weight=_MONEY,
                )
                return


def _also(tool: Definition, verb: str) -> Iterator[Evidence]:
    """A second verb in a name that begins as one of reading; often it is only a noun."""
    known = verbs()
    found = [one for one in tool.words if one != verb and one in known and known[one].is_sure]
    word = max(found, key=lambda one: RANK[known[one].category], default=verb)
    if known[word].category is not Category.READ:
        yield Evidence(
            source="name",
            quote=tool.name,
            says=f"`{word}` is in it, too: {known[word].because}",
            points_to=known[word].category,
            undo=known[word].undo,
            weight=_INSIDE,
        )


def _of_description(tool: Definition) -> Iterator[Evidence]:
    words = first_words(tool.description)
    first = next(_known_verbs(words[:_STARTS_LATE]), None)
    if first is not None:
        yield _described(words, first)
    if first is None or first[1].category is not Category.DESTRUCTIVE:
        later = (one for one in _known_verbs(words) if one[1].is_plain and one != first)
        yield from (_described(words, one) for one in islice(later, 1))


def _known_verbs(words: Sequence[str]) -> Iterator[tuple[str, Verb]]:
    known = verbs()
    for word in words:
        form = next((one for one in base_forms(word) if one in known), None)
        if form is not None:
            yield word, known[form]


def _described(words: Sequence[str], found: tuple[str, Verb]) -> Evidence:
    word, verb = found
    return Evidence(
        source="description",
        quote=" ".join(words),
        says=f"`{word}`: {verb.because}",
        points_to=verb.category,
        undo=verb.undo,
        weight=_DESCRIPTION if verb.is_sure else 1,
    )


def _of_annotations(tool: Definition) -> Iterator[Evidence]:
    if tool.is_read_only is not None:
        claim = Category.READ if tool.is_read_only else Category.WRITE
        yield Evidence(
            source="annotations",
            quote=f"readOnlyHint: {str(tool.is_read_only).lower()}",
            says="what the server claims of itself",
            points_to=claim,
            weight=_CLAIM + (1 if tool.is_read_only else 0),
        )
    if tool.is_destructive and tool.is_read_only is not True:
        yield Evidence(
            source="annotations",
            quote="destructiveHint: true",
            says="the server warns of it itself",
            points_to=Category.DESTRUCTIVE,
            weight=_CLAIM,
        )


def _of_arguments(tool: Definition, named: tuple[str, Verb, int] | None) -> Iterator[Evidence]:
    """What looks, and is handed code to do so, does what the code says."""
    if named is None or named[1].category is not Category.READ:
        return
    code = signals()["takes_code"]
    for argument, schema in tool.arguments.items():
        words = words_of(argument)
        is_run = is_one_of(words, code.runs) or (words[-1:] == ["query"] and _is_sql(tool, schema))
        if is_run or any(words == [*one] for one in code.in_arguments):
            yield Evidence(
                source="inputSchema",
                quote=argument,
                says="it does what the code in this argument says",
                points_to=Category.EXECUTE,
                weight=_TOLD if is_run else _CHOICE,
            )
            return


def _is_sql(tool: Definition, schema: Mapping[str, Any]) -> bool:
    return "sql" in words_of(f"{tool.description} {schema.get('description')}")


def _of_choices(tool: Definition) -> Iterator[Evidence]:
    """A tool that does several things is what the worst of them is."""
    found = [one for one in (_choice(*each) for each in tool.choices) if one is not None]
    if found:
        yield max(found, key=lambda one: (one.weight, RANK[one.points_to or Category.READ]))


def _choice(argument: str, choice: str) -> Evidence | None:
    """One text that an argument may be chosen from, where it is a verb of change."""
    words = words_of(choice)
    is_order = any(form in _ORDERS for form in base_forms((words_of(argument) or [""])[-1]))
    named = _named(words if is_order else words[:1])
    if named is None or not named[1].is_sure or named[1].category is Category.READ:
        return None
    return Evidence(
        source="inputSchema",
        quote=f"{argument}: {choice}",
        says="one of the things it can be told to do",
        points_to=named[1].category,
        undo=named[1].undo,
        weight=_TOLD if is_order else _CHOICE,
    )


def _silence(tool: Definition) -> Iterator[Evidence]:
    if not tool.description.strip():
        yield Evidence(source="description", quote="", says="there is none: less is known")


def _confidence(tool: Definition, category: Category, evidence: Sequence[Evidence]) -> Confidence:
    own = sum(one.weight for one in evidence if one.points_to is category)
    against = sum(one.weight for one in evidence) - own
    if own <= _UNSURE or own <= against or (category is Category.READ and _is_doubted(evidence)):
        level = 0
    else:
        level = 2 if own >= _LAST and own > 2 * against else 1
    if not tool.description.strip():
        level = max(0, level - 1)
    return (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)[level]


def _is_doubted(evidence: Sequence[Evidence]) -> bool:
    """Whether the server itself says that what sounds like reading changes something."""
    return any(
        one.points_to not in (None, Category.READ)
        and (one.source == "annotations" or (one.source == "description" and one.weight > 1))
        for one in evidence
    )


def _unknown(tool: Definition, evidence: Sequence[Evidence]) -> Classified:
    says = "no word of it says what it does: taken for one that runs something"
    return Classified(
        category=Category.EXECUTE,
        undo=Undo.UNKNOWN,
        confidence=Confidence.LOW,
        evidence=(Evidence(source="name", quote=tool.name, says=says), *evidence, *_silence(tool)),
    )
