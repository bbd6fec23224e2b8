"""Uploads the policy files as an author would, and waits for what the activator says.

The status object is the activator's (`status/<server>.json`); this is one more reader of it.
"""

import asyncio
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local_stack.errors import LocalStackError

_PAUSE_SECONDS = 0.05
_LONGEST_SECONDS = 30.0

Report = Callable[[str], None]


async def upload_policies(
    s3: Any, bucket: str, folder: Path, *, servers: Collection[str], report: Report
) -> None:
    """Upload every `<server>.yaml`; what is wrong is reported and does not stop the others.

    Raises:
        LocalStackError: the activator did not say anything in time.
    """
    files = policy_files(folder, servers=servers, report=report)
    versions = {path.stem: await asyncio.to_thread(_upload, s3, bucket, path) for path in files}
    waits = [_status(s3, bucket, server, version) for server, version in versions.items()]
    for status in await asyncio.gather(*waits):
        if status["state"] != "active":
            for fault in status["faults"]:
                report(f"{status['server']}.yaml: {_line(fault)}")


def policy_files(folder: Path, *, servers: Collection[str], report: Report) -> list[Path]:
    """The files that are a server's policy; reports what is left out, and who has none."""
    files = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".yaml" and path.stem in servers:
            files.append(path)
        elif path.suffix == ".yaml":
            report(f"{path.name}: not uploaded, no server is called `{path.stem}`")
        elif path.suffix in {".yml", ".json"}:
            report(f"{path.name}: not uploaded, a policy file is called `<server>.yaml`")
    for server in sorted(set(servers) - {path.stem for path in files}):
        report(f"`{server}` has no policy in `{folder}`: every call to it is denied")
    return files


def _upload(s3: Any, bucket: str, path: Path) -> str:
    key = f"incoming/policies/{path.name}"
    stored = s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    return str(stored["VersionId"])


async def _status(s3: Any, bucket: str, server: str, version: str) -> dict[str, Any]:
    """Answer the status of exactly this upload."""
    for _ in range(int(_LONGEST_SECONDS / _PAUSE_SECONDS)):
        status = await asyncio.to_thread(_read_status, s3, bucket, server)
        if status is not None and status["source_version"] == version:
            return status
        await asyncio.sleep(_PAUSE_SECONDS)
    raise LocalStackError(f"the policy of `{server}` was not looked at in time")


def _read_status(s3: Any, bucket: str, server: str) -> dict[str, Any] | None:
    try:
        body = s3.get_object(Bucket=bucket, Key=f"status/{server}.json")["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise
    status: dict[str, Any] = json.loads(body)
    return status


def _line(fault: dict[str, Any]) -> str:
    place = f"line {fault['line']}: " if fault.get("line") else ""
    advice = f" ({fault['suggestion']})" if fault.get("suggestion") else ""
    return f"{place}{fault['message']}{advice}"
