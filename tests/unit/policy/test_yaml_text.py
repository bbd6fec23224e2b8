"""From the bytes of a policy file to values and positions, and what is refused on the way."""

import json
from decimal import Decimal

import pytest

from portcullis.policy.faults import Place, PolicyFaults
from portcullis.policy.yaml_text import (
    MAXIMUM_BYTES,
    MAXIMUM_DEPTH,
    MAXIMUM_NODES,
    parse_text,
)


def told(text: bytes | str) -> list[str]:
    """Every fault of a text, whether it could be read to the end or not."""
    try:
        return [str(fault) for fault in parse_text(text).faults]
    except PolicyFaults as error:
        return [str(fault) for fault in error.faults]


def test_block_and_flow_style_give_the_same_values() -> None:
    block = "a: 1\nb:\n  - x\n  - 2.50\nc: {d: null, e: true}\n"
    flow = '{"a": 1, "b": ["x", 2.50], "c": {"d": null, "e": true}}'
    expected = {"a": 1, "b": ["x", Decimal("2.50")], "c": {"d": None, "e": True}}
    assert parse_text(block).tree == expected
    assert parse_text(flow).tree == expected
    assert not parse_text(block).faults


def test_bytes_and_text_are_read_alike() -> None:
    assert parse_text(b"a: \xc3\xbc\n").tree == parse_text("a: ü\n").tree == {"a": "ü"}


def test_quotes_and_block_scalars_make_texts() -> None:
    tree = parse_text("a: 'no'\nb: \"1\"\nc: |\n  two\n  lines\nd: >\n  one\n  line\n").tree
    assert tree == {"a": "no", "b": "1", "c": "two\nlines\n", "d": "one line\n"}


def test_every_key_and_value_has_its_line_and_column() -> None:
    positions = parse_text("a: 1\nb:\n  - c: 2\n").positions
    assert positions.of_key(("b",)) == Place(line=2, column=1)
    assert positions.of_value(("b", 0)) == Place(line=3, column=5)
    assert positions.of_value(("b", 0, "c")) == Place(line=3, column=8)
    assert positions.of_value(()) == Place(line=1, column=1)


def test_the_source_is_described_by_its_lines_and_digest() -> None:
    read = parse_text("a: 1\r\nb: 2\r\n")
    assert read.lines == 2
    assert read.digest.startswith("sha256:")
    assert read.digest != parse_text("a: 1\nb: 2\n").digest
    assert parse_text('{"a": 1}').lines == 1


@pytest.mark.parametrize(
    "text,fault",
    [
        (b"\xef\xbb\xbfa: 1\n", "line 1, column 1: a byte order mark (U+FEFF) is not allowed"),
        ("a: 1\n".encode("utf-16"), "line 1, column 1: the file is not UTF-8"),
        ("a: 1\n".encode("utf-16-le"), "line 1, column 2: a NUL character (U+0000)"),
        (b"a: 1\nb: \xff\n", "line 2, column 1: the file is not UTF-8"),
        ("a: \ud800\n", "line 1, column 1: the file is not UTF-8"),
        ("a:\t1\n", "line 1, column 3: a tab (U+0009) is not allowed (use spaces)"),
        ("# note\u2028default: allow\n", "line 1, column 7: an invisible line break (U+2028)"),
        ("# note\x85default: allow\n", "line 1, column 7: an invisible line break (U+0085)"),
        ("# note\rdefault: allow\n", "line 1, column 7: a carriage return without a line feed"),
        ("a: 1\n# \u202e\n", "line 2, column 3: a mark that changes the direction of the text"),
    ],
)
def test_O09_bytes_that_show_one_thing_and_say_another_are_refused(
    text: bytes | str, fault: str
) -> None:
    assert told(text)[0].startswith(fault)


def test_every_line_with_a_refused_character_is_told() -> None:
    assert len(told("a:\t1\nb:\t2\t3\n")) == 2


def test_O08_a_file_of_50_megabytes_is_refused_unread() -> None:
    assert told(b"a" * (50 << 20)) == [f"the file is larger than {MAXIMUM_BYTES // 1024} KiB"]


def test_O08_a_file_may_have_the_size_limit_and_no_byte_more() -> None:
    text = b"a: 1\n#"
    text += b"x" * (MAXIMUM_BYTES - len(text) - 1) + b"\n"
    assert parse_text(text).tree == {"a": 1}
    assert told(text + b"\n")


def test_O08_nesting_ends_at_the_limit() -> None:
    deepest = MAXIMUM_DEPTH
    assert not told("[" * deepest + "]" * deepest)
    too_deep = ["line 1, column 1: the file is nested more than 32 levels deep"]
    assert told("[" * (deepest + 1) + "]" * (deepest + 1)) == too_deep
    assert told("[" * 2000) == too_deep
    assert told("a: " + "{b: " * 2000) == too_deep


def test_O08_the_number_of_values_ends_at_the_limit() -> None:
    assert not told("[" + "1," * (MAXIMUM_NODES - 2) + "1]")
    assert told("[" + "1," * (MAXIMUM_NODES - 1) + "1]") == [
        "line 1, column 1: the file holds more than 20000 values"
    ]


def test_a_trailing_comma_is_refused_in_lists_and_mappings() -> None:
    hint = "a comma stands before a closing bracket (remove it)"
    assert told('{"a": [1,], "b": 2,}') == [
        f"line 1, column 9: {hint}",
        f"line 1, column 19: {hint}",
    ]


def test_a_directive_is_refused() -> None:
    hint = "a `%` directive is not allowed (remove the line)"
    assert told("%YAML 1.1\n---\na: 1\n...\n") == [f"line 1, column 1: {hint}"]
    assert told("%TAG ! tag:x,2026:\n---\na: 1\n...\n") == [f"line 1, column 1: {hint}"]


def test_a_second_document_is_refused() -> None:
    hint = "the file holds more than one document (keep one document a file)"
    assert told("a: 1\n---\nb: 2\n") == [f"line 2, column 1: {hint}"]
    assert told("---\na: 1\n...\n---\nb: 2\n...\n") == [f"line 3, column 4: {hint}"]


def test_an_alias_as_key_and_as_value_is_refused_with_a_hint_about_patterns() -> None:
    faults = told("*_broker: *x\n")
    assert faults[0] == (
        'line 1, column 1: ?: the alias `*_broker` is not allowed (quote a pattern: "*_broker")'
    )
    assert len(faults) == 2


def test_properties_of_a_key_are_refused() -> None:
    assert told("&a b: 1\n")[0].startswith("line 1, column 1: b: the anchor `&a` is not allowed")
    assert told("!!str b: 1\n")[0].startswith("line 1, column 1: b: the tag")


@pytest.mark.parametrize(
    "key,message",
    [
        ("on", "`on` is a boolean to some readers"),
        ("404", "the key `404` is not a text"),
        ("null", "the key `null` is not a text"),
        ("[a]", "a key is not a text"),
        ("{a: 1}", "a key is not a text"),
        ('"a\\u202E"', "a mark that changes the direction of the text"),
    ],
)
def test_O05_a_key_that_is_no_plain_text_is_refused(key: str, message: str) -> None:
    assert message in told(f"? {key}\n: 1\n")[0]


def test_O05_a_key_named_on_works_in_quotes() -> None:
    assert parse_text('"on": 1\n').tree == {"on": 1}


def test_O04_the_first_of_two_keys_is_kept_and_the_second_told() -> None:
    read = parse_text('a: 1\n"a": {b: no}\n')
    assert read.tree == {"a": 1}
    assert str(read.faults[0]) == "line 2, column 1: a: `a` is already there on line 1 (keep one)"
    assert read.faults[1].path == "a.b"


def test_a_syntax_error_comes_with_the_faults_found_before_it() -> None:
    faults = told("a: no\nb: [1\nc: 2\n")
    assert len(faults) == 2
    assert faults[1].startswith("line 3, column 2: this is not valid yaml")


def test_a_character_that_json_escapes_as_two_halves_is_that_character() -> None:
    meant = {"\U0001f6d1": "stop \U0001f6d1\U00020bb7", "b": ["\U0001f6d1"]}
    read = parse_text(json.dumps(meant))
    assert (read.tree, read.faults) == (meant, ())
    assert told('{"a": "\\ude00\\ud83d"}')  # the halves the wrong way round are none
    assert told("a: '\\ud83d\\ude00'\n") == []  # no escapes in single quotes


@pytest.mark.parametrize("escape", ["\\U99999999", "\\UFFFFFFFF", "\\uD83D", "\\0", "\\u202E"])
def test_an_escape_to_no_proper_character_is_refused(escape: str) -> None:
    assert told(f'a: "x{escape}y"\n')


def test_tabs_and_line_breaks_may_be_meant_when_they_are_escaped() -> None:
    assert parse_text('a: "x\\t\\n\\ry"\n').tree == {"a": "x\t\n\ry"}


class TestTheEndOfTheFile:
    """O03: which texts a file that was cut short can be taken for."""

    def test_a_text_between_the_marks_is_sealed(self) -> None:
        read = parse_text("# comment\n---\na: 1\n...\n")
        assert read.sealed
        assert not read.faults

    def test_a_mapping_in_brackets_is_sealed_with_and_without_a_line_break(self) -> None:
        assert parse_text('{"a": 1}').sealed
        assert parse_text('{"a": 1}\n').sealed

    def test_any_other_text_is_not_sealed(self) -> None:
        read = parse_text("a: 1\n")
        assert not read.sealed
        assert not read.faults

    def test_the_last_line_ends_with_a_line_break(self) -> None:
        hint = "(it may have been cut short: check its end)"
        message = f"the last line does not end with a line break {hint}"
        assert told("a: 1") == [f"line 1, column 5: {message}"]
        assert told("---\na: 1\n...") == [f"line 3, column 4: {message}"]

    def test_a_text_that_begins_with_its_mark_ends_with_it(self) -> None:
        assert "does not end with a line `...`" in told("---\na: 1\n")[0]
        assert "does not end with a line `...`" in told('--- {"a": 1}\n')[0]

    def test_a_text_that_ends_with_its_mark_begins_with_it(self) -> None:
        assert "does not begin with a line `---`" in told("a: 1\n...\n")[0]

    @pytest.mark.parametrize("text", ["---\na: {b: [1, 2]}\nc: |\n  x\n...\n", '{"a": [1, "}"]}'])
    def test_no_proper_prefix_of_a_sealed_text_can_be_read(self, text: str) -> None:
        assert not told(text)
        assert all(told(text[:length]) for length in range(len(text)))


def test_an_empty_file_holds_no_policy() -> None:
    assert told("") == told("# only this\n") == ["line 1, column 1: the file holds nothing"]
