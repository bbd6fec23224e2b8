"""What `portcullis scan` goes by, as rows for its reference page."""

from collections.abc import Iterable, Mapping
from typing import Final

from classifier_quality import quality_rows
from portcullis_cli.catalogue.assess import COMPUTED_OWASP, COMPUTED_RAISES
from portcullis_cli.catalogue.model import Category
from portcullis_cli.catalogue.risks import COMPUTED
from portcullis_cli.catalogue.tables import BASE_SEVERITY, BASE_UNDO, attacks, signals, verbs

Row = tuple[str, ...]


def _categories() -> list[Row]:
    return [
        (
            one.value,
            BASE_SEVERITY[one].value,
            BASE_UNDO[one].value,
            ", ".join(
                f"`{word}`"
                for word, verb in sorted(verbs().items())
                if verb.is_sure and verb.category is one
            ),
        )
        for one in Category
    ]


def _signals() -> list[Row]:
    rows: list[Row] = [
        (
            f"`{name}`",
            one.says,
            ", ".join(f"{category.value}: {to.value}" for category, to in one.raises.items()),
            ", ".join(one.owasp),
        )
        for name, one in signals().items()
    ]
    computed: list[Row] = [
        (
            f"`{name}`",
            says,
            f"any: {COMPUTED_RAISES[name].value}" if name in COMPUTED_RAISES else "",
            ", ".join(COMPUTED_OWASP.get(name, ())),
        )
        for name, says in COMPUTED.items()
    ]
    return [*rows, *computed]


def _attacks() -> list[Row]:
    return [
        (
            f"[{one.name}]({one.references[0]})",
            one.happens,
            one.stopped,
            "the whole server"
            if one.whole_server
            else ", ".join(f"`{fit}`" for fit in sorted(one.fits)),
        )
        for one in attacks().values()
    ]


_COUNTED: Final = ("tools", "precision", "recall")

ROWS: Final[Mapping[str, tuple[Row, Iterable[Row]]]] = {
    "tool-categories": (("category", "severity at least", "undo", "verbs"), _categories()),
    "tool-signals": (("signal", "meaning", "raises to", "OWASP"), _signals()),
    "tool-attacks": (("attack", "what happens", "how it is stopped", "tools"), _attacks()),
    "classifier-quality": (
        ("category", *_COUNTED, *(f"held out: {one}" for one in _COUNTED)),
        [*quality_rows()],
    ),
}
