"""Which category a tool is of, by what its definition says: deterministic, and every step quoted.

Each piece of evidence points to a category with a weight; the heaviest category wins, and of two
alike the worse one. Where nothing points anywhere the tool is taken for one that runs something.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portcullis_cli.catalogue.definition import Definition
from portcullis_cli.catalogue.model import RANK, Category, Confidence, Evidence, Undo
from portcullis_cli.catalogue.tables import BASE_UNDO, Verb, signals, verbs
from portcullis_cli.catalogue.wording import base_forms, contains, first_words, words_of

# How much each part of a definition says. The name is what the server's author chose to be
# called by; annotations are a server's own claim, and by the specification not to be trusted.
_FIRST, _LAST, _INSIDE, _UNSURE = 6, 5, 3, 2
_DESCRIPTION, _CHOICE, _CLAIM = 3, 7, 1
_MONEY = 8
_STARTS_LATE = 3  # words of a description among which its verb is
_CHANGES = (Category.WRITE, Category.EXECUTE, Category.DESTRUCTIVE)


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
    if not weights:
        return _unknown(tool)
    category = max(weights, key=lambda one: (weights[one], RANK[one]))
    is_verb_s = named is not None and named[1].category is category
    return Classified(
        category=category,
        undo=named[1].undo if named is not None and is_verb_s else BASE_UNDO[category],
        confidence=_confidence(tool, category, weights),
        evidence=(*evidence, *_silence(tool)),
    )


def _named(words: Sequence[str]) -> tuple[str, Verb, int] | None:
    """The verb of a name with its weight: the first word, else the last, else one inside."""
    known = verbs()
    places = [(words[:1], _FIRST), (words[-1:], _LAST), (words, _INSIDE)]
    found = [
        (word, known[word], weight) for place, weight in places for word in place if word in known
    ]
    sure = [one for one in found if one[1].is_sure]
    if sure:
        return sure[0]
    return (found[0][0], found[0][1], _UNSURE) if found else None


def _of_name(tool: Definition, named: tuple[str, Verb, int] | None) -> Iterator[Evidence]:
    if named is None:
        return
    word, verb, weight = named
    yield Evidence(
        source="name",
        quote=tool.name,
        says=f"`{word}`: {verb.because}",
        points_to=verb.category,
        weight=weight,
    )
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


def _of_description(tool: Definition) -> Iterator[Evidence]:
    known, words = verbs(), first_words(tool.description)
    for word in words[:_STARTS_LATE]:
        for form in base_forms(word):
            if form in known:
                yield Evidence(
                    source="description",
                    quote=" ".join(words),
                    says=f"`{word}`: {known[form].because}",
                    points_to=known[form].category,
                    weight=_DESCRIPTION if known[form].is_sure else 1,
                )
                return


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
    for argument in tool.arguments:
        words = words_of(argument)
        if any(words == [*one] for one in signals()["takes_code"].in_arguments):
            yield Evidence(
                source="inputSchema",
                quote=argument,
                says="it does what the code in this argument says",
                points_to=Category.EXECUTE,
                weight=_CHOICE,
            )
            return


def _of_choices(tool: Definition) -> Iterator[Evidence]:
    """A tool that does several things is what the worst of them is."""
    known = verbs()
    worst: tuple[Category, str, str] | None = None
    for argument, choice in tool.choices():
        for word in words_of(choice)[:1]:
            verb = known.get(word)
            if verb is None or not verb.is_sure or verb.category not in _CHANGES:
                continue
            if worst is None or RANK[verb.category] > RANK[worst[0]]:
                worst = (verb.category, argument, choice)
    if worst is not None:
        yield Evidence(
            source="inputSchema",
            quote=f"{worst[1]}: {worst[2]}",
            says="one of the things it can be told to do",
            points_to=worst[0],
            weight=_CHOICE,
        )


def _silence(tool: Definition) -> Iterator[Evidence]:
    if not tool.description.strip():
        yield Evidence(source="description", quote="", says="there is none: less is known")


def _confidence(tool: Definition, category: Category, weights: dict[Category, int]) -> Confidence:
    own = weights[category]
    against = sum(weight for one, weight in weights.items() if one is not category)
    if own <= _UNSURE or own <= against:
        level = 0
    else:
        level = 2 if own >= _LAST and own > 2 * against else 1
    if not tool.description.strip():
        level = max(0, level - 1)
    return (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)[level]


def _unknown(tool: Definition) -> Classified:
    says = "no word of it says what it does: taken for one that runs something"
    return Classified(
        category=Category.EXECUTE,
        undo=Undo.UNKNOWN,
        confidence=Confidence.LOW,
        evidence=(Evidence(source="name", quote=tool.name, says=says), *_silence(tool)),
    )
