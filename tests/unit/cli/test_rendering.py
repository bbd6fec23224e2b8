"""How texts and colours reach a terminal or a file."""

import io
import json
from collections.abc import Callable

import pytest

from portcullis.approvals.json_reading import MAXIMUM_CHARACTERS
from portcullis.approvals.states import State
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.json_text import for_people, for_programs
from portcullis_cli.rendering import outcome, show_list, terminal
from portcullis_cli.surroundings import write_anything

ONE: JsonObject = {"id": "1", "state": "PENDING", "server": "s", "tool": "t"}


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[io.StringIO], str]:
    def write(stream: io.StringIO) -> str:
        show_list(terminal(stream), [ONE])
        return stream.getvalue()

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return write


def test_a_terminal_gets_colours(written: Callable[[io.StringIO], str]) -> None:
    assert "\x1b[33mPENDING" in written(Screen())


def test_a_file_gets_none_even_where_colours_are_forced(
    written: Callable[[io.StringIO], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert "\x1b" not in written(io.StringIO())


def test_who_wants_none_gets_none(
    written: Callable[[io.StringIO], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[33m" not in written(Screen())


@pytest.mark.parametrize(
    "value",
    ["\U0001f600", "\u202e\u0000\x7f\u2028", "\u00fc\uffff", ["a", {"b\u200b": 1}], {}, None],
)
def test_json_for_programs_is_ascii_and_the_same_value(value: JsonValue) -> None:
    text = for_programs(value)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == value


def test_what_is_too_long_to_indent_is_written_on_one_line() -> None:
    value: JsonValue = ["\u202e" + "x" * MAXIMUM_CHARACTERS]
    text = for_people(value)
    assert "\n" not in text
    assert text.startswith('["\\u202ex')


@pytest.mark.parametrize("state", State)
def test_every_state_is_told_in_a_sentence(state: State) -> None:
    sentence = outcome({"state": state.value, "approvals": [], "min_approvals": 2})
    assert sentence.startswith(f"{state.value}: ")
    assert sentence.endswith(".")


def test_a_stream_that_lacks_a_character_writes_its_escape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding="ascii", errors="strict", write_through=True)
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", io.StringIO())
    write_anything()
    stream.write("\u2423\u00fc")
    assert content.getvalue() == b"\\u2423\\xfc"
