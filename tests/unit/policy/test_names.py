"""Names and the patterns for them."""

import time

import pytest

from portcullis.policy.compile_error import PatternError
from portcullis.policy.model import Kind
from portcullis.policy.names import compile_glob, is_name, is_pattern, is_tool_name


@pytest.mark.parametrize("name", ["a", "A9_.-", "a" * 128, "__proto__", "..", "-"])
def test_a_tool_name_is_plain_ascii(name: str) -> None:
    assert is_tool_name(name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="C09-empty"),
        pytest.param("a" * 129, id="C09-129"),
        pytest.param("a" * 1_000_000, id="C09-1MB"),
        pytest.param("a\n", id="C02-newline"),
        pytest.param("a b", id="C02-space"),
        pytest.param("a\x00", id="C03"),
        pytest.param("\u0430", id="C04"),
        pytest.param("é", id="C05"),
        pytest.param("a/b", id="C07"),
        pytest.param("*", id="C11"),
        pytest.param("\ud800", id="surrogate"),
        pytest.param("\uff11", id="digit"),
    ],
)
def test_any_other_text_is_no_tool_name(name: str) -> None:
    assert not is_tool_name(name)
    assert not is_name(Kind.TOOL, name)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("file:///a b", True),
        ("é\n", True),
        ("", False),
        ("a\ud800", False),
        ("a" * 100_001, False),
    ],
)
def test_resources_and_prompts_have_any_whole_name(name: str, expected: bool) -> None:
    assert is_name(Kind.RESOURCE, name) is expected
    assert is_name(Kind.PROMPT, name) is expected


@pytest.mark.parametrize(
    "pattern, name, expected",
    [
        ("*", "", True),
        ("*", "anything", True),
        ("delete_*", "delete_", True),
        ("delete_*", "delete_a\nb/c", True),
        ("delete_*", "delete", False),
        ("delete_**", "delete_x", True),
        ("*_broker", "delete_broker", True),
        ("*_broker", "delete_brokers", False),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "acb", False),
        ("?", "é", True),
        ("?", "", False),
        ("?", "ab", False),
        ("a?*", "a", False),
        ("a?*", "abc", True),
        ("exact", "exact", True),
        ("exact", "exact2", False),
        ("get[1]", "get[1]", True),
        ("get[1]*", "get1", False),
        ("a.b*c", "axbc", False),
        ("Ab*", "ab", False),
        ("é*ü", "é—ü", True),
        ("a*b", "a\ud800b", False),
    ],
)
def test_a_pattern_matches_whole_names_by_exact_code_points(
    pattern: str, name: str, expected: bool
) -> None:
    assert compile_glob(pattern)(name) is expected


def test_a_pattern_has_a_star_or_a_question_mark() -> None:
    assert is_pattern("a*")
    assert is_pattern("?")
    assert not is_pattern("a[b]")


@pytest.mark.parametrize(
    "pattern, message",
    [
        ("", "a pattern is empty"),
        ("a" * 1001, "a pattern is longer than 1000 characters"),
    ],
)
def test_a_useless_pattern_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(PatternError) as refused:
        compile_glob(pattern)
    assert refused.value.message == message


def test_j07_many_stars_do_not_multiply() -> None:
    matches = compile_glob("a*" * 50 + "b")
    before = time.process_time()
    assert not matches("a" * 50_000)
    assert time.process_time() - before < 2
