"""Laws of `policy fmt`: one layout, one meaning, every comment at its entry."""

import re
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from portcullis.policy.document import to_document
from portcullis.policy.policy_text import parse_policy
from portcullis.policy.yaml_text import parse_text
from portcullis.strictjson import dump
from portcullis.values import JsonObject
from portcullis_cli.policy.editor_schema import policy_schema
from portcullis_cli.policy.layout.laying_out import LayoutError, lay_out
from portcullis_cli.policy.layout.reading import read_entries
from property.test_document_laws import EVERY_WORD
from strategies import policies, policy_texts

pytestmark = pytest.mark.property

LOCK: JsonObject = {"tools": {}}
SCHEMA = Draft202012Validator(policy_schema())
FEWER = settings(max_examples=60, deadline=None)


@st.composite
def commented(draw: st.DrawFn) -> str:
    """A policy with comments between its lines, as far right as the line below, and beside them."""
    lines = draw(st.one_of(policy_texts(), st.just(EVERY_WORD))).splitlines()
    out: list[str] = []
    for number, line in enumerate(lines):
        margin = line[: len(line) - len(line.lstrip())]
        if draw(st.integers(0, 5)) == 0:
            out += [f"{margin}# before {number}", *draw(st.sampled_from([[], [""]]))]
        beside = f"  # beside {number}" if draw(st.integers(0, 5)) == 0 else ""
        out.append(line + beside)
    return "\n".join(out) + "\n"


@given(commented())
@example(EVERY_WORD)
@FEWER
def test_a_layout_says_the_same_and_stays(text: str) -> None:
    made = lay_out(text.encode())
    assert lay_out(made) == made
    documents = [to_document(parse_policy(one, lock=LOCK).policy) for one in (text.encode(), made)]
    assert dump(documents[0]) == dump(documents[1])


@given(commented())
@FEWER
def test_every_comment_is_there_once_at_its_entry(text: str) -> None:
    made = lay_out(text.encode()).decode()
    written = re.findall(r"# (?:before|beside) \d+", text)
    assert sorted(re.findall(r"# (?:before|beside) \d+", made)) == sorted(written)
    assert sorted(map(str, read_entries(made).told())) == sorted(
        map(str, read_entries(text).told())
    )


@given(commented(), st.randoms(use_true_random=False))
@FEWER
def test_a_comment_anywhere_is_kept_or_the_text_is_left_alone(text: str, random: Random) -> None:
    lines = text.splitlines()
    at = random.randrange(len(lines) + 1)
    column = random.randrange(12)
    lines.insert(at, " " * column + "# anywhere")
    try:
        made = lay_out(("\n".join(lines) + "\n").encode())
    except LayoutError:
        return
    assert made.count(b"# anywhere") == 1


@given(policies())
@FEWER
def test_every_policy_fits_the_schema_for_editors(document: JsonObject) -> None:
    SCHEMA.validate(document)


def test_the_policy_with_every_word_fits_the_schema_for_editors() -> None:
    SCHEMA.validate(parse_text(EVERY_WORD).tree)
