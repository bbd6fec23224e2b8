"""What is measured with: one policy, one server's tools, and the calls that are made of them.

The allowed call is a `create_broker` of some 700 bytes: four rules and three conditions are
evaluated for it, and the tool's schema is applied to its arguments.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from portcullis.entrypoints.caller_seal import MEMBER, USE, Occasion, seal_caller
from portcullis.policy.model import Principal

SERVER = "bench"
MODERN, LEGACY = "2026-07-28", "2025-11-25"
LIMIT = 100  # calls a principal may make of the counted tool in an hour

ALLOWED, COUNTED, DENIED = "create_broker", "put_user_policy", "delete_broker"

POLICY = f"""\
version: "1"
default: deny
tools:
  list_brokers: {{action: allow}}
  "describe_*": {{action: allow}}
  describe_broker: {{action: allow}}
  create_broker:
    rules:
      - name: private only
        action: deny
        when: {{path: args.publicly_accessible, op: neq, value: false}}
      - name: known sizes
        action: deny
        when: {{path: args.host_instance_type, op: not_in, value: [mq.t3.micro, mq.m5.large]}}
      - name: named by team
        action: allow
        when: {{path: args.broker_name, op: regex, value: "team-[a-z]+-[0-9]+"}}
      - {{name: operators, action: allow}}
  put_user_policy: {{action: allow, rate_limit: {{max: {LIMIT}, window: 1h, per: principal}}}}
  delete_broker: {{action: deny, reason: Brokers are deleted by the platform team.}}
  reboot_broker: {{action: allow}}
"""

_TEXT = {"type": "string"}
TOOLS: list[dict[str, Any]] = [
    {
        "name": ALLOWED,
        "description": "Creates a broker.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "region": _TEXT,
                "broker_name": _TEXT,
                "engine_type": {"type": "string", "enum": ["ACTIVEMQ", "RABBITMQ"]},
                "host_instance_type": _TEXT,
                "publicly_accessible": {"type": "boolean", "default": True},
                "auto_minor_version_upgrade": {"type": "boolean", "default": True},
                "subnets": {"type": "array", "items": _TEXT},
                "tags": {"type": "object", "additionalProperties": _TEXT},
            },
            "required": ["region", "broker_name"],
        },
    },
    *(
        {"name": name, "description": "A tool.", "inputSchema": {"type": "object"}}
        for name in (COUNTED, DENIED, "list_brokers", "describe_broker", "reboot_broker")
    ),
]

_CREATE: dict[str, Any] = {
    "region": "us-east-1",
    "broker_name": "team-orders-7",
    "engine_type": "RABBITMQ",
    "host_instance_type": "mq.m5.large",
    "publicly_accessible": False,
    "subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718"],
    "tags": {"team": "orders", "stage": "production", "cost-centre": "4711"},
}
_PUT: dict[str, Any] = {"user_name": "agent", "policy_name": "read-queues"}

ARGUMENTS = {ALLOWED: _CREATE, COUNTED: _PUT, DENIED: {"broker_id": "b-1"}}

# Some 2 kB, as a listing of a few brokers has them.
RESULT_TEXT = json.dumps(
    [
        {"BrokerId": f"b-{n:032x}", "BrokerState": "RUNNING", "EngineType": "RABBITMQ"}
        for n in range(20)
    ]
)

_EVENTS = Path(__file__).parents[1] / "events"
_EVENT = (_EVENTS / "tools-call-2026-07-28.json").read_text(encoding="utf-8")


def message(tool: str, *, era: str = MODERN) -> dict[str, Any]:
    """A tools/call as a client of that revision sends it."""
    params: dict[str, Any] = {"name": tool, "arguments": ARGUMENTS[tool]}
    if era == MODERN:
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1.0"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def headers(tool: str, *, era: str = MODERN) -> dict[str, str]:
    """The headers that go with it."""
    common = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": era,
    }
    return {**common, "Mcp-Method": "tools/call", "Mcp-Name": tool} if era == MODERN else common


SECRET = "k" * 64
_KEY = hashlib.sha256(USE + b"\0" + SECRET.encode()).digest()


def authorizer_context(subject: str, occasion: Occasion) -> dict[str, str]:
    """What the authorizer says of a caller; it holds for as long as a measurement takes."""
    principal = Principal(issuer="portcullis:grant", subject=subject)
    now = int(time.time()) + 3600
    sealed = seal_caller(principal, SERVER, occasion=occasion, key=_KEY, now_seconds=now)
    return {MEMBER: sealed or ""}


def event(tool: str, *, subject: str = "agent") -> dict[str, Any]:
    """API Gateway's event of a call: the sample event with this call in it."""
    made: dict[str, Any] = json.loads(_EVENT)
    made["path"], made["pathParameters"] = f"/mcp/{SERVER}", {"server": SERVER}
    made["headers"]["Mcp-Name"], made["multiValueHeaders"]["Mcp-Name"] = tool, [tool]
    context = made["requestContext"]
    occasion = Occasion(request=context["requestId"], api=context["apiId"], stage=context["stage"])
    context["authorizer"] = authorizer_context(subject, occasion)
    made["body"] = json.dumps(message(tool))
    return made
