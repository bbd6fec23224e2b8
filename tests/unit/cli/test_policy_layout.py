"""`policy fmt`: what is laid out how, and what is left as it is."""

import stat
from pathlib import Path

import pytest

from portcullis.policy.policy_text import parse_policy
from portcullis_cli.errors import ExitCode
from portcullis_cli.policy import formatting
from portcullis_cli.policy.layout import laying_out
from portcullis_cli.policy.layout.laying_out import LayoutError, lay_out
from support.command_line import Terminal

GOLDEN = Path(__file__).parent / "golden"
MESSY = """\
# Ours.

tools:
    '*': {rate_limit: {window: 60, max: 9}}
    delete_it:   # never
        reason: 'no'
        action: deny
    # people decide
    make_it:
        rules:
        -
          # first
          name: "big"
          action: require_approval
          when: [{value: 10, op: gt, path: args.n}]  # more than ten
          approval: {approvers: ["group:platform"], show: [args.a_long_name_of_an_argument,
                 args.another_long_name_of_an_argument]}
        - action: allow
          # the end of the rule
    # the end of the tools
default: deny
description: |
  Two lines

  of text.
version: "1"
tests:
- {name: "1", call: {tool: make_it, args: {count: 1.50, s: "010", t: >-
    folded
    text}}, expect: allow}
"""
HEAD = 'version: "1"\ndefault: deny\n'


def test_a_messy_policy_is_laid_out_as_the_golden_file_shows() -> None:
    messy = MESSY.replace(", t: >-\n    folded\n    text", "")
    assert lay_out(messy.encode()).decode() == (GOLDEN / "fmt.yaml").read_text()


@pytest.mark.parametrize(
    "written,laid",
    [
        ("'no'", '"no"'),
        ('"010"', '"010"'),
        ('"1:30"', '"1:30"'),
        ("'2026-01-01'", '"2026-01-01"'),
        ('"a word"', "a word"),
        ('"a, b"', "a, b"),
        ('"ends, "', '"ends, "'),
        ('"a: b"', '"a: b"'),
        ('"group:x"', "group:x"),
        ('"a # b"', '"a # b"'),
        (r'"tab\there \"q\" \\ \u00e9"', r'"tab\there \"q\" \\ é"'),
        ("|\n  one\n  two", "|\n  one\n  two"),
        ("|-\n  one\n  two", "|-\n  one\n  two"),
        (">\n  one\n  two", '"one two\\n"'),
        ("|+\n  one\n  two\n", '"one\\ntwo\\n\\n"'),
        (f'"{"long " * 300}end"', f"{'long ' * 300}end"),
    ],
)
def test_quotes_stand_where_a_reader_needs_them(written: str, laid: str | None) -> None:
    text = f'version: "1"\ndescription: {written}\ndefault: deny\n'
    made = lay_out(text.encode()).decode()
    if laid is not None:
        assert f"\ndescription: {laid}\n" in made
    assert parse_policy(made).policy.document == parse_policy(text).policy.document


def test_windows_line_ends_become_plain_ones() -> None:
    assert lay_out(HEAD.replace("\n", "\r\n").encode()) == f"---\n{HEAD}...\n".encode()


def test_json_is_left_as_it_is() -> None:
    with pytest.raises(LayoutError, match="as JSON is"):
        lay_out(b'{"version": "1", "default": "deny"}')


def test_a_comment_that_would_lose_its_place_is_told() -> None:
    text = HEAD + "tools:\n  a: { # one\n    action: allow } # two\n"
    with pytest.raises(LayoutError, match="would lose its place"):
        lay_out(text.encode())


@pytest.mark.parametrize(
    "made,said",
    [
        ('---\nversion: "1"\ndefault: allow\n...\n', "say something else"),
        ("---\n[", "could not be read again"),
    ],
)
def test_a_layout_that_says_something_else_is_thrown_away(
    made: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laying_out, "write_entries", lambda _: made)
    with pytest.raises(LayoutError, match=said):
        lay_out(HEAD.encode())


def test_a_layout_that_does_not_stay_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = iter([f"---\n{HEAD}...\n", f"---\n\n{HEAD}...\n"])
    monkeypatch.setattr(laying_out, "write_entries", lambda _: next(texts))
    with pytest.raises(LayoutError, match="change each time"):
        lay_out(HEAD.encode())


class TestTheCommand:
    """What becomes of files."""

    def test_a_file_is_replaced_with_its_mode_kept(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        file.write_text(HEAD)
        file.chmod(0o640)
        ran = Terminal().run("policy", "fmt", str(file), str(file))  # named twice, done once
        assert (ran.exit_code, ran.stdout) == (0, f"{file}: laid out\n")
        assert file.read_text() == f"---\n{HEAD}...\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        assert [*tmp_path.iterdir()] == [file]
        again = Terminal().run("policy", "fmt", str(file))
        assert again.stdout == f"{file}: is in the layout\n"

    @pytest.mark.parametrize("option,code", [("--check", 1), ("--diff", 0)])
    def test_nothing_is_written_where_somebody_only_looks(
        self, tmp_path: Path, option: str, code: int
    ) -> None:
        file = tmp_path / "a.yaml"
        file.write_text(HEAD)
        ran = Terminal().run("policy", "fmt", str(file), option)
        assert ran.exit_code == code
        assert file.read_text() == HEAD
        assert ("+---" in ran.stdout) is (option == "--diff")
        assert ("would change" in ran.stdout) is (option == "--check")

    def test_faults_are_told_as_validate_tells_them(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        file.write_text(HEAD + "tolls: {}\n")
        ran = Terminal().run("policy", "fmt", str(file))
        told = Terminal().run("policy", "validate", str(file))
        assert (ran.exit_code, ran.stdout) == (ExitCode.REFUSED, told.stdout)

    def test_programs_read_what_became_of_each_file(self, tmp_path: Path) -> None:
        good, bad = tmp_path / "a.yaml", tmp_path / "b.json"
        good.write_text(HEAD)
        bad.write_text('{"version": "1", "default": "deny"}')
        ran = Terminal().run("policy", "fmt", str(good), str(bad), "--json")
        assert ran.exit_code == ExitCode.REFUSED
        assert [one["outcome"] for one in ran.tree["files"]] == ["changed", "refused"]

    def test_a_text_is_read_from_stdin_and_written_to_stdout(self) -> None:
        ran = Terminal(answers=HEAD).run("policy", "fmt", "-")
        assert (ran.exit_code, ran.stdout) == (0, f"---\n{HEAD}...\n")
        unsound = Terminal(answers="tolls: {}\n").run("policy", "fmt", "-")
        assert (unsound.exit_code, unsound.stdout) == (ExitCode.REFUSED, "")
        assert Terminal().run("policy", "fmt", "-", "a.yaml").exit_code == ExitCode.USAGE

    def test_a_file_that_changed_meanwhile_is_left_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "a.yaml"
        file.write_text(HEAD)

        def slow(_: bytes) -> bytes:
            file.write_text("mine")
            return b"theirs"

        monkeypatch.setattr(formatting, "lay_out", slow)
        ran = Terminal().run("policy", "fmt", str(file))
        assert ran.exit_code == ExitCode.USAGE
        assert "changed meanwhile" in ran.stderr
        assert (file.read_text(), len([*tmp_path.iterdir()])) == ("mine", 1)

    def test_a_folder_that_takes_no_file_is_told_in_a_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "a.yaml"
        file.write_text(HEAD)

        def refuse(**_: object) -> tuple[int, str]:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.mkstemp", refuse)
        ran = Terminal().run("policy", "fmt", str(file))
        assert (ran.exit_code, ran.stderr) == (2, f"portcullis: {file}: permission denied\n")
