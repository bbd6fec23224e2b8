"""Uploads policies and registrations as people would, and waits for what the activator says.

The status objects are the activator's (`status/`); this is one more reader of them.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local_stack.errors import LocalStackError

_PAUSE_SECONDS = 0.05
_LONGEST_SECONDS = 30.0

Report = Callable[[str], None]
Approve = Callable[[str], bool]  # a request's id; answers whether it is approved


async def upload_servers(s3: Any, bucket: str, servers: Mapping[str, Mapping[str, object]]) -> None:
    """Register every server of the map: its name to a registration without its version.

    Raises:
        LocalStackError: one was refused, or the activator did not say anything in time.
    """
    versions = {}
    for name, entry in servers.items():
        text = json.dumps({"version": "1", **entry}).encode()
        versions[name] = await asyncio.to_thread(_upload, s3, bucket, f"servers/{name}", text)
    waits = [
        _status(s3, bucket, f"status/servers/{name}.json", version)
        for name, version in versions.items()
    ]
    for status in await asyncio.gather(*waits):
        if status["state"] != "active":
            told = "; ".join(_line(fault) for fault in status["faults"])
            raise LocalStackError(f"`SERVERS`: `{status['server']}` is refused: {told}")


async def upload_policies(
    s3: Any,
    bucket: str,
    folder: Path,
    *,
    servers: Collection[str],
    approve: Approve,
    report: Report,
) -> None:
    """Upload every `<server>.yaml`; what is wrong is reported and does not stop the others.

    `approve` is asked about a policy that needs an approval.

    Raises:
        LocalStackError: the activator did not say anything in time.
    """
    files = policy_files(folder, servers=servers, report=report)
    versions = {
        path.stem: await asyncio.to_thread(
            _upload, s3, bucket, f"policies/{path.stem}", path.read_bytes()
        )
        for path in files
    }
    waits = [
        _status(s3, bucket, f"status/{server}.json", version)
        for server, version in versions.items()
    ]
    for seen in await asyncio.gather(*waits):
        status = seen
        if status["state"] == "waiting":
            status = await _approved(s3, bucket, status, approve)
        if status["state"] == "waiting":
            report(f"{status['server']}.yaml: waits at {status['waiting']['url']}")
        elif status["state"] != "active":
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


def _upload(s3: Any, bucket: str, name: str, body: bytes) -> str:
    stored = s3.put_object(Bucket=bucket, Key=f"incoming/{name}.yaml", Body=body)
    return str(stored["VersionId"])


async def _approved(
    s3: Any, bucket: str, status: dict[str, Any], approve: Approve
) -> dict[str, Any]:
    """Answer the status once the approval was carried out; the same where there was none."""
    if not await asyncio.to_thread(approve, status["waiting"]["approval"]):
        return status
    key, version = f"status/{status['server']}.json", status["source_version"]
    return await _status(s3, bucket, key, version, is_decided=True)


async def _status(
    s3: Any, bucket: str, key: str, version: str, *, is_decided: bool = False
) -> dict[str, Any]:
    """Answer the status of exactly this upload; where it `is_decided`, the one after that."""
    for _ in range(int(_LONGEST_SECONDS / _PAUSE_SECONDS)):
        status = await asyncio.to_thread(_read_status, s3, bucket, key)
        is_new = status is not None and status["source_version"] == version
        if status is not None and is_new and not (is_decided and status["state"] == "waiting"):
            return status
        await asyncio.sleep(_PAUSE_SECONDS)
    raise LocalStackError(f"nothing was said in time in `{key}`")


def _read_status(s3: Any, bucket: str, key: str) -> dict[str, Any] | None:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
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
