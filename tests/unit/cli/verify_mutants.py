"""Gates with one law taken away, each with the guarantees that must be seen broken by it."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2

from support.verified_gateway import Passed, Seen, VerifiedGateway

EVERY = '{"*": {action: allow}}'
Setup = Callable[[VerifiedGateway], None]


def allows(tool: str) -> Setup:
    """Another rule than the policy's comes to be applied to a tool."""

    def setup(gateway: VerifiedGateway) -> None:
        entry = gateway.policy.split(f"  {tool}:")[1].split("\n  canary_")[0].split("\n\n")[0]
        gateway.replace_policy(f"  {tool}:{entry}", f"  {tool}: {{action: allow}}")

    return setup


def opens(word: str, by: str) -> Setup:
    return lambda gateway: gateway.replace_policy(word, by)


def before(change: Callable[[VerifiedGateway, Seen, Passed], httpx2.Response]) -> Setup:
    """Something in front of the gate."""

    def setup(gateway: VerifiedGateway) -> None:
        gateway.before = lambda seen, passed: change(gateway, seen, passed)

    return setup


def switched(**laws: Any) -> Setup:
    def setup(gateway: VerifiedGateway) -> None:
        for name, value in laws.items():
            setattr(gateway, name, value)

    return setup


def _revision_refused(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    is_old = seen.header("mcp-protocol-version") == "2025-06-18"
    if is_old and b"tools/call" in seen.body:
        return httpx2.Response(403, json={})
    return passed(seen)


def _sent_twice(gateway: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    reply = passed(seen)
    is_old = seen.header("mcp-protocol-version") == "2025-03-26"
    if is_old and b'"canary_allow"' in seen.body and b'"received"' in reply.content:
        gateway.to_the_canary(seen.body)
    return reply


def _reads_leniently(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    tree = seen.tree()  # the last of two keys, NaN and all
    if isinstance(tree, dict) and b"canary_" in seen.body:
        return passed(replace(seen, body=json.dumps(tree).encode().replace(b"NaN", b"1")))
    return passed(seen)


def _opens_batches(gateway: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    tree = seen.tree()
    return gateway.to_the_canary(seen.body) if isinstance(tree, list) else passed(seen)


def _trusts_the_header(gateway: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    """Decides by what the header says, and passes the body on."""
    tree = seen.tree()
    named = tree.get("params", {}).get("name") if isinstance(tree, dict) else None
    is_allowed = seen.header("mcp-name") == "canary_allow"
    if is_allowed and isinstance(named, str) and named != "canary_allow":
        return gateway.to_the_canary(seen.body)
    return passed(seen)


def _answers_hidden(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    if b'"canary_hide"' in seen.body:
        return httpx2.Response(403, json={"error": {"code": -32600, "message": "hidden"}})
    return passed(seen)


def _method_passed(gateway: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    tree = seen.tree()
    is_odd = isinstance(tree, dict) and tree.get("method") == "admin/run"
    return gateway.to_the_canary(seen.body) if is_odd else passed(seen)


def _notification_passed(gateway: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    if b"notifications/canary" in seen.body:
        gateway.to_the_canary(seen.body)
    return passed(seen)


def _list_is_public(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    reply = passed(seen)
    body = reply.content.replace(b'"private"', b'"public"')
    return httpx2.Response(reply.status_code, headers=_kept(reply), content=body)


def _list_is_kept_long(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    reply = passed(seen)
    body = reply.content.replace(b'"ttlMs":30000', b'"ttlMs":3600000')
    return httpx2.Response(reply.status_code, headers=_kept(reply), content=body)


def _kept(reply: httpx2.Response) -> list[tuple[str, str]]:
    return [one for one in reply.headers.multi_items() if one[0] != "content-length"]


def _foreign_session(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    return passed(seen.without("mcp-session-id")) if b"tools/call" in seen.body else passed(seen)


def _no_door(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    kept = seen.without("origin", "host")
    return passed(replace(kept, headers=(*kept.headers, ("host", "gate.example"))))


def _any_verb(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    return passed(replace(seen, method="POST"))


def _big_passed(gateway: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    return gateway.to_the_canary(seen.body) if len(seen.body) > 1 << 20 else passed(seen)


def _cut_off(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    """Reads what is deep as if it ended."""
    body = seen.body.replace(b"[" * 1000 + b"]" * 1000, b"0")
    return passed(replace(seen, body=body))


def _server_speaks(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    reply = passed(seen)
    own = b'"canary/own":true'
    body = reply.content.replace(own, own + b',"portcullis/decision":{"outcome":"denied_by_rule"}')
    return httpx2.Response(reply.status_code, headers=_kept(reply), content=body)


def _server_is_silenced(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    reply = passed(seen)
    body = reply.content.replace(b'"canary/own":true', b"")
    return httpx2.Response(reply.status_code, headers=_kept(reply), content=body)


def _writes_arguments(gateway: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    gateway.lines.append(seen.body.decode(errors="replace"))
    return passed(seen)


def _forgets_decisions(gateway: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    kept = len(gateway.world.log.records)
    reply = passed(seen)
    if b'"canary_condition"' in seen.body:
        del gateway.world.log.records[kept:]
    return reply


def _goes_on_for_old_clients(
    gateway: VerifiedGateway, seen: Seen, passed: Passed
) -> httpx2.Response:
    is_old = seen.header("mcp-protocol-version") == "2025-11-25" and b"tools/call" in seen.body
    if is_old and gateway.world.kill_switch.stops:
        return gateway.to_the_canary(seen.body)
    return passed(seen)


def _shows_a_header_by_another_name(
    gateway: VerifiedGateway, seen: Seen, passed: Passed
) -> httpx2.Response:
    gateway.upstream.also = (("x-forwarded-cookie", seen.header("cookie")),)
    return passed(seen)


def _passes_on_what_it_cannot_read(
    gateway: VerifiedGateway, seen: Seen, passed: Passed
) -> httpx2.Response:
    if seen.body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return gateway.to_the_canary(seen.body.decode(errors="replace").encode())
    return passed(seen)


def _writes_arguments_of_what_it_allows(
    gateway: VerifiedGateway, seen: Seen, passed: Passed
) -> httpx2.Response:
    if b'"canary_allow"' in seen.body:
        gateway.lines.append(seen.body.decode(errors="replace"))
    return passed(seen)


def _tells_one_id_for_all(_: VerifiedGateway, seen: Seen, passed: Passed) -> httpx2.Response:
    reply = passed(seen)
    body = re.sub(rb'("portcullis/decision":\{"id":")[0-9a-f]+', rb"\g<1>1", reply.content)
    return httpx2.Response(reply.status_code, headers=_kept(reply), content=body)


def _forwards_what_it_denies(
    gateway: VerifiedGateway, seen: Seen, passed: Passed
) -> httpx2.Response:
    """Of a stopped server: denied, and sent on all the same."""
    if gateway.world.kill_switch.stops and b"canary_limit" in seen.body:
        gateway.to_the_canary(seen.body)
    return passed(seen)


def _shows_credentials(gateway: VerifiedGateway) -> None:
    gateway.upstream.also = (("authorization", "Bearer x"),)


MUTANTS: dict[str, tuple[Setup, set[str]]] = {
    "refuses a revision": (before(_revision_refused), {"both-eras"}),
    "sends a call of an old client twice": (before(_sent_twice), {"both-eras"}),
    "allows what is denied": (allows("canary_deny"), {"denied-tool"}),
    "allows what is not named": (
        opens("default: deny", "default: allow"), {"unnamed-tool", "other-ways"},
    ),
    "reads JSON leniently": (before(_reads_leniently), {"one-reading"}),
    "passes on what it cannot read": (before(_passes_on_what_it_cannot_read), {"one-reading"}),
    "opens batches": (before(_opens_batches), {"one-reading"}),
    "decides by a header": (before(_trusts_the_header), {"one-reading"}),
    "shows a hidden tool": (opens("hide: [canary_hide]\n", ""), {"hidden-tool"}),
    "answers a hidden tool in its own way": (before(_answers_hidden), {"hidden-tool"}),
    "forgets a condition": (allows("canary_condition"), {"condition"}),
    "passes an unknown method on": (before(_method_passed), {"unknown-method"}),
    "passes an unknown notification on": (before(_notification_passed), {"unknown-method"}),
    "opens prompts and resources": (
        opens("tools:\n", f"resources: {EVERY}\nprompts: {EVERY}\ntools:\n"),
        {"other-ways"},
    ),
    "lets a server speak for it": (before(_server_speaks), {"own-word"}),
    "silences a server": (before(_server_is_silenced), {"own-word"}),
    "forgets to record": (before(_forgets_decisions), {"recorded"}),
    "records arguments": (before(_writes_arguments), {"recorded"}),
    "records arguments of what it allows": (
        before(_writes_arguments_of_what_it_allows), {"recorded"},
    ),
    "tells one id for all": (before(_tells_one_id_for_all), {"recorded"}),
    "denies what is stopped and sends it": (before(_forwards_what_it_denies), {"kill-switch"}),
    "cannot be stopped": (switched(can_be_stopped=False), {"kill-switch"}),
    "does not go on": (switched(goes_on=False), {"kill-switch"}),
    "goes on for old clients": (before(_goes_on_for_old_clients), {"kill-switch"}),
    "says a list is public": (before(_list_is_public), {"private-list"}),
    "lets a list be kept": (before(_list_is_kept_long), {"private-list"}),
    "forgets a rate limit": (allows("canary_limit"), {"rate-limit"}),
    "counts one too many": (opens("{max: 3,", "{max: 4,"), {"rate-limit"}),
    "counts one too few": (opens("{max: 3,", "{max: 2,"), {"rate-limit"}),
    "counts by session": (opens("30s, per: principal}\n  canary_spend", "30s}\n  canary_spend"),
                          {"rate-limit"}),
    "forgets a spend limit": (allows("canary_spend"), {"spend-limit"}),
    "asks nobody": (allows("canary_approve"), {"approval-first"}),
    "executes what is approved twice": (switched(executes_twice=True), {"approval-once"}),
    "lets agents approve": (switched(lets_agents_approve=True), {"approval-once"}),
    "takes tokens that nobody has": (switched(takes_unknown_tokens=True), {"no-token"}),
    "says no without a challenge": (switched(challenge=()), {"no-token", "ended-token"}),
    "takes tokens that have ended": (switched(takes_ended_tokens=True), {"ended-token"}),
    "takes tokens of another server": (switched(takes_tokens_of_others=True), {"other-server"}),
    "takes anybody's session": (before(_foreign_session), {"own-session"}),
    "passes credentials on": (_shows_credentials, {"credentials-stay"}),
    "passes a header on by another name": (
        before(_shows_a_header_by_another_name), {"credentials-stay"},
    ),
    "looks at no origin and no host": (before(_no_door), {"foreign-origin"}),
    "takes calls by any verb": (before(_any_verb), {"post-only"}),
    "passes large bodies on": (before(_big_passed), {"size"}),
    "forgives depth": (before(_cut_off), {"size"}),
    "listens by plain http": (switched(listens_by_http=True), {"tls"}),
}  # fmt: skip
