"""What every test gets: a fake AWS account's environment, and a mark by folder.

The folders whose tests are run apart (they take long, need processes or the whole machine)
are marked here, so that no test in them can slip into the fast run by forgetting its mark.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest
from botocore.loaders import JSONFileLoader

MARKED_FOLDERS = {
    "property": "property",
    "model": "property",
    "browser": "browser",
    "e2e": "e2e",
    "conformance": "conformance",
    "races": "races",
}
FAKE_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of a folder that is run apart."""
    tests = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(tests).parts[0]
        if folder in MARKED_FOLDERS:
            item.add_marker(MARKED_FOLDERS[folder])


@pytest.fixture(autouse=True, scope="session")
def no_real_aws_account() -> Iterator[None]:
    """Point the AWS libraries at an account that does not exist, whatever this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FAKE_ACCOUNT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def aws_models_are_parsed_once() -> Iterator[None]:
    """Keep what botocore's files say: a cold start after another reads the same megabytes of JSON.

    Two thirds of what a client costs to make are these files; the tests make thousands.
    """
    files = JSONFileLoader()
    parsed = functools.cache(files.load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _self, path: parsed(path))
        yield


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write a worker's coverage now: who is slow to end is killed by xdist, and writes nothing."""
    measured = coverage.Coverage.current() if hasattr(session.config, "workerinput") else None
    if measured is not None:
        measured.stop()
        measured.save()
