"""Lambda handler of the activator. It is asked to look by three notices, and believes none.

    the bucket's "Object Created" below `incoming/`         look at the newest upload of the server,
                                                            of a policy, its lock or a registration
    the workflow's "Approval Ended", if it is of a policy   the same: its status may have changed
    the executor's {"approval", "server"}                   the same, for a request it has claimed

It has a bootstrap of its own: the gateway's would bring the gateway along, and this function
needs a YAML parser instead.
"""

import os
import re
import time
from collections.abc import Mapping
from typing import Any

import boto3

from portcullis.activation.release import Release
from portcullis.adapters.server_activation import ServerActivation
from portcullis.entrypoints.activator_bootstrap import PolicyActivations
from portcullis.entrypoints.client_config import of_account
from portcullis.entrypoints.permits import permits
from portcullis.entrypoints.policy_requests import build_policy_requests
from portcullis.entrypoints.settings import ActivatorSettings, read_settings
from portcullis.registration.words import SERVER_NAME
from portcullis.values import JsonObject

_SETTINGS = read_settings(ActivatorSettings, os.environ)
_S3 = of_account(boto3.client("s3"), _SETTINGS.bucket_owner)
REQUESTS = build_policy_requests(_SETTINGS)
POLICIES = PolicyActivations(_S3, _SETTINGS)
SERVERS = ServerActivation(_S3, _SETTINGS.bucket, permits=permits(_SETTINGS))

APPROVALS_OFF = "policies need no approval any more: upload it again"
_KEY = re.compile(rf"incoming/(policies|servers)/({SERVER_NAME.pattern})\.yaml")
_LOCK_KEY = re.compile(rf"incoming/locks/({SERVER_NAME.pattern})\.json")


def handler(event: dict[str, Any], _context: object) -> JsonObject:
    """Look at the server that the event speaks of; what is none of ours is ignored."""
    if "approval" in event:
        return _carry_out(str(event["approval"]), str(event["server"]))
    if event["detail-type"] == "Approval Ended":
        server = None if REQUESTS is None else REQUESTS.server_of(str(event["detail"]["id"]))
        return {"state": "ignored"} if server is None else _look(server)
    uploaded = event["detail"]["object"]
    lock = _LOCK_KEY.fullmatch(uploaded["key"])
    if lock is not None:
        return _look(lock[1], seen_lock=uploaded.get("version-id"))
    match = _KEY.fullmatch(uploaded["key"])
    if match is None:
        return {"state": "ignored"}
    if match[1] == "servers":
        return SERVERS.activate(match[2], now_seconds=_now())
    return _look(match[2], uploaded.get("version-id"))


def _look(server: str, seen: str | None = None, seen_lock: str | None = None) -> JsonObject:
    """Look at the newest policy of a server, and close the requests for what it replaces."""
    approval = None if REQUESTS is None else REQUESTS.release()
    told = _activate(server, approval, seen, seen_lock)
    if REQUESTS is not None:
        REQUESTS.supersede(server, kept=_awaited(told), now_seconds=_now())
    return told


def _carry_out(approval_id: str, server: str) -> JsonObject:
    """The same for a claimed request, and nothing after it that could fail."""
    if REQUESTS is None or not SERVER_NAME.fullmatch(server):
        return {"state": "rejected", "faults": [{"message": APPROVALS_OFF}]}
    return _activate(server, REQUESTS.release(approval_id))


def _activate(
    server: str,
    approval: Release | None,
    seen: str | None = None,
    seen_lock: str | None = None,
) -> JsonObject:
    activation = POLICIES.with_approval(approval)
    return activation.activate(server, now_seconds=_now(), seen=seen, seen_lock=seen_lock)


def _awaited(told: Mapping[str, Any]) -> object:
    """The request that a status waits for."""
    waiting = told.get("waiting")
    return waiting.get("approval") if isinstance(waiting, Mapping) else None


def _now() -> int:
    return int(time.time())
