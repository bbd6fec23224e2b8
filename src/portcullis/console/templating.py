"""The page templates, and how text of others gets into them: escaped, always.

Only what makes HTML of values may live here. The templates and the one style sheet are files
beside this one, part of the package; they are read when this module is.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from portcullis.approvals.json_reading import Line
from portcullis.approvals.visible_text import Look, Piece, pieces_of, visible

_FOLDER = Path(__file__).with_name("templates")
STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")


def render(template: str, **values: Any) -> str:
    """The HTML of a page."""
    return _ENVIRONMENT.get_template(f"{template}.html").render(**values)


def marked(pieces: Iterable[Piece]) -> Markup:
    """Pieces of a text as HTML: what stands in the place of something looks like it."""
    return Markup().join(map(_marked, pieces))


def _marked(piece: Piece) -> Markup:
    match piece.look:
        case Look.PLAIN:
            return Markup().join([piece.text])
        case Look.ESCAPE:
            return Markup('<b class="esc">{}</b>').format(piece.text)
        case Look.LINES:
            return Markup('<b class="esc">{}</b>\n').format(piece.text)
        case Look.MASK:
            return Markup('<b class="mask">{}</b>').format(piece.text)


def _shown(text: str) -> Markup:
    """A text of somebody else's in HTML."""
    return marked(pieces_of(text))


def _read(lines: Iterable[Line]) -> Markup:
    """A reading in HTML, for an element that keeps white space."""
    return Markup("\n").join(
        Markup().join(["  " * line.depth, marked(line.pieces)]) for line in lines
    )


def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(marked=marked, plain=visible, shown=_shown, read=_read)
    environment.globals["style"] = Markup(STYLE)  # noqa: S704 - our own file
    return environment


_ENVIRONMENT = _environment()
