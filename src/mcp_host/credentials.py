"""The `default` profile that the hosted servers ask for by name, made from what Lambda gives.

The Amazon MQ server opens `boto3.Session(profile_name="default")`. Naming a profile makes
botocore skip the credentials in the environment, and without any configuration file the
profile does not even exist. Lambda has nothing else: so they are written, once per
environment, as the `default` profile of a credentials file of our own (directory 0700,
files 0600). With container credentials (SnapStart) an empty `default` profile is enough:
botocore then finds and refreshes them itself.

Source: botocore.credentials.create_credential_resolver.
"""

import atexit
import configparser
import io
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from threading import Lock
from typing import Final

_FIELDS: Final = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}
_CONTAINER_VARIABLES: Final = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)


class DefaultProfile:
    """Keeps the `default` profile equal to the credentials of the environment.

    A profile the operator names in AWS_PROFILE is left alone, and so is a machine that has
    neither environment nor container credentials.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._environment = environment
        self._folder: Path | None = None
        self._written: dict[str, str] = {}
        self._lock = Lock()

    def install(self) -> None:
        """Write the profile and point the AWS libraries at it; before any client is made."""
        if self._environment.get("AWS_PROFILE"):
            return
        # An empty name is a name to boto3: it would look for a profile called "".
        self._environment.pop("AWS_PROFILE", None)
        self._written = self._current()
        if not self._written and not any(map(self._environment.get, _CONTAINER_VARIABLES)):
            return
        self._folder = Path(tempfile.mkdtemp(prefix="aws-profile-"))
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._write("config", {})
        self._write("credentials", self._written)
        self._environment["AWS_CONFIG_FILE"] = str(self._folder / "config")
        self._environment["AWS_SHARED_CREDENTIALS_FILE"] = str(self._folder / "credentials")

    def refresh(self) -> bool:
        """Rewrite the profile if the credentials changed; True says clients must be remade."""
        with self._lock:
            current = self._current()
            if self._folder is None or current == self._written:
                return False
            self._write("credentials", current)
            self._written = current
            return True

    def _current(self) -> dict[str, str]:
        values = {field: self._environment.get(name, "") for field, name in _FIELDS.items()}
        if not values["aws_access_key_id"]:
            return {}
        return {field: value for field, value in values.items() if value}

    def _write(self, name: str, profile: dict[str, str]) -> None:
        folder = self._folder
        if folder is None:
            return
        # Raw: an interpolating parser would read the `%` of a secret as its own.
        document = configparser.RawConfigParser()
        document["default"] = profile
        text = io.StringIO()
        document.write(text)
        # mkstemp creates with mode 0600; the rename makes the change whole for a reader.
        descriptor, temporary = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text.getvalue())
        Path(temporary).replace(folder / name)
