"""The security scanner finds nothing in the template but what is left out with a reason."""

import re
import subprocess
from pathlib import Path

import pytest

from support.deployment import ROOT, run

# By its interpreter: the script itself names a folder, which may have been moved since.
CHECKOV = ROOT / ".tools" / "checkov" / "bin" / "python"
CONFIG = (ROOT / ".checkov.yaml").read_text("utf-8")
SKIPPED = re.findall(r"^  - (CKV\w+)(.*)$", CONFIG, re.MULTILINE)


def test_every_check_that_is_left_out_says_why() -> None:
    assert SKIPPED
    for check, rest in SKIPPED:
        assert re.fullmatch(r" +# \w.{30,}", rest), check
    assert len(re.findall(r"CKV\w+", CONFIG)) == len(SKIPPED)  # no list but this one


def test_nothing_is_left_out_in_the_template() -> None:
    text = (ROOT / "template.yaml").read_text("utf-8")
    assert not re.search(r"checkov|ignore_checks|cfn-lint", text)


@pytest.mark.slow
@pytest.mark.skipif(not CHECKOV.exists(), reason="checkov is not here (`make setup`)")
def test_the_scanner_finds_nothing_else() -> None:
    outcome = run(str(CHECKOV), "-m", "checkov.main", "--config-file", ".checkov.yaml")
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.slow
@pytest.mark.skipif(not CHECKOV.exists(), reason="checkov is not here (`make setup`)")
def test_every_check_that_is_left_out_would_find_something(tmp_path: Path) -> None:
    template = str(ROOT / "template.yaml")
    outcome = subprocess.run(
        [
            *(
                str(CHECKOV),
                "-m",
                "checkov.main",
                "--file",
                template,
                "--framework",
                "cloudformation",
            ),
            *("--compact", "--quiet", "--skip-download"),
        ],
        cwd=tmp_path,  # where there is no .checkov.yaml
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = set(re.findall(r"Check: (CKV\w+)", outcome.stdout))
    assert found == {check for check, _ in SKIPPED}
