"""Lines of the decision log in a file: as they are, exported, or as the audit trail keeps them.

An object of the audit trail is gzip members, each a batch that wraps lines, with nothing between
them. Files are read from their start to their end: what is cut off is told, never left out.

Source: CloudWatch Logs user guide, "Real-time processing of log data with subscriptions".
"""

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from portcullis_cli.decision_log import Broken, Read, read_line
from portcullis_cli.errors import usage_error

_GZIP: Final = b"\x1f\x8b"
_WRAPPING: Final = ('"messageType"', '"logEvents"')


def read_file(path: Path) -> Iterator[Read]:
    """What the decisions in a file say; `-` is standard input.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        for raw in _raw_lines(path):
            text = raw.decode("utf-8", "replace")
            for line in _lines(text[text.find("{") :]):
                found = line if isinstance(line, Broken) else _decision(line, str(path))
                if found is not None:
                    yield found
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise usage_error(f"{path}: it is compressed, and damaged or cut off") from error
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise usage_error(f"{path}: {reason.lower()}") from error


def _raw_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") if str(path) != "-" else _standard_input() as opened:
        is_compressed = opened.peek(len(_GZIP)).startswith(_GZIP)
        yield from gzip.GzipFile(fileobj=opened) if is_compressed else opened


@contextmanager
def _standard_input() -> Iterator["io.BufferedReader[Any]"]:
    """Standard input, left open: it is not ours."""
    opened: io.BufferedReader[Any] = io.BufferedReader(cast("Any", sys.stdin.buffer))
    try:
        yield opened
    finally:
        opened.detach()


def _decision(line: str, group: str) -> Read | None:
    return read_line(line, at_ms=0, group=group, event_id="")


def _lines(text: str) -> Iterator[str | Broken]:
    """The line itself, an export's time left away; or those that batches wrap."""
    if not all(name in text for name in _WRAPPING):  # inside a text their quotes are escaped
        yield text
        return
    decoder, at, text = json.JSONDecoder(), 0, text.strip()
    try:
        while at < len(text):
            batch, at = decoder.raw_decode(text, at)
            yield from [str(event["message"]) for event in batch["logEvents"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        yield Broken(at_ms=0, group="", event_id="", why="it is no batch of lines, or was cut off")
