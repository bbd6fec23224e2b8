"""`policy diff --fail-on-wider`: a gate in a pipeline, which passes nothing that it cannot tell."""

from pathlib import Path

import pytest

from portcullis_cli.errors import ExitCode
from portcullis_cli.reasoning.questions import Change
from portcullis_cli.reasoning.solve import Answer
from support.command_line import Ran, Terminal

HEAD = 'version: "1"\ndefault: deny\ntools:\n'
# Eight patterns that meet match in 256 ways, of which half are looked at.
PATTERNS = HEAD + "".join(f'  "*{one}*": {{action: allow}}\n' for one in "abcdefgh")


def diff(path: Path, old: str, new: str, *words: str) -> Ran:
    before, after = path / "old.yaml", path / "new.yaml"
    before.write_text(old)
    after.write_text(new)
    return Terminal().run("policy", "diff", str(before), str(after), *words)


def test_O26_a_diff_that_cannot_look_at_every_name_passes_nothing(tmp_path: Path) -> None:
    new = PATTERNS + '  "*a*b*": {action: allow}\n'
    ran = diff(tmp_path, PATTERNS, new, "--fail-on-wider")
    assert ran.exit_code == ExitCode.UNDECIDED
    assert ran.stdout.splitlines() == [
        "no change was found",
        "not every name could be looked at: patterns match in too many ways",
    ]
    tree = diff(tmp_path, PATTERNS, new, "--json").tree
    assert (tree["same"], tree["wider"], tree["whole"]) == (False, False, False)


def test_O26_the_same_policy_is_the_same_however_many_cases_it_has(tmp_path: Path) -> None:
    ran = diff(tmp_path, PATTERNS, "# the same\n" + PATTERNS, "--fail-on-wider")
    assert (ran.exit_code, ran.stdout) == (ExitCode.OK, "every call is decided as before\n")


def test_O26_what_is_perhaps_wider_is_shown_and_cannot_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    perhaps = Change(
        tool="t", before="deny", after="allow", answer=Answer(example=None, is_certain=False)
    )
    monkeypatch.setattr("portcullis_cli.policy.comparing.changes", lambda *_: [perhaps])
    old, new = HEAD + "  t: {action: deny}\n", HEAD + "  t: {action: allow}\n"
    ran = diff(tmp_path, old, new)
    assert ran.exit_code == ExitCode.OK
    assert ran.stdout.startswith("WIDER    t: deny -> allow, perhaps")
    assert diff(tmp_path, old, new, "--fail-on-wider").exit_code == ExitCode.UNDECIDED
