"""The checks of `status`: one table, from which the command and its page in the docs are made.

Pure: a check is told what was read, and answers what it says, whether somebody should act, and
what could not be told. What could not be told is never taken for "nothing".
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from portcullis_cli.ages import long
from portcullis_cli.rendering import plain
from portcullis_cli.servers.facts import Drift, InForce, Server, Upload
from portcullis_cli.servers.notes import About, Note, notes_of
from portcullis_cli.status.readings import Part, Readings
from portcullis_cli.untold import Untold

_OPERATE: Final = "docs/operate.md"
NO_STACK: Final = "no stack is named"
_SOUND_STACK: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


class State(Enum):
    """What a check came to."""

    OK = "ok"
    ATTENTION = "attention"
    UNTOLD = "could not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a check saw. `untold` are the reasons why it saw only a part, or nothing."""

    says: str
    is_attention: bool = False
    do: str = ""
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the page: what is read, when somebody should act, and how; `needs`: to look."""

    name: str
    reads: str
    attention: str
    do: str
    needs: str
    look: Callable[[Readings], Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check came to, safe to print. `do` is "" where nothing is to be done."""

    check: str
    state: State
    says: str
    do: str
    untold: tuple[str, ...]


def findings(readings: Readings) -> list[Finding]:
    """What every check came to, in the order of the table."""
    return [_finding(check, check.look(readings)) for check in CHECKS]


def _finding(check: Check, said: Said) -> Finding:
    state, do = State.OK, ""
    if said.is_attention:
        state, do = State.ATTENTION, said.do or check.do
    elif said.untold:
        is_nameless = said.untold == (NO_STACK,)
        state, do = State.UNTOLD, "say --stack" if is_nameless else f"it needs {check.needs}"
    return Finding(check=check.name, state=state, says=said.says, do=do, untold=said.untold)


def _nothing(told: Untold) -> Said:
    return Said(says=told.why, untold=(told.why,))


def _gateway(readings: Readings) -> Said:
    status = readings.gateway
    if isinstance(status, Untold):
        return _nothing(status)
    if status == 401:
        return Said(says="it answers, and refuses who does not say who they are")
    opened = ": who does not say who they are must get 401" if status < 400 else ""
    return Said(says=f"it answers {status}{opened}", is_attention=True)


def _console(readings: Readings) -> Said:
    status = readings.console
    if isinstance(status, Untold):
        return _nothing(status)
    return Said(says=f"it answers {status}", is_attention=status not in (200, 302, 303, 401))


def _kill_switch(readings: Readings) -> Said:
    order = readings.kill_switch
    if isinstance(order, Untold):
        return _nothing(order)
    if not order.is_readable:
        return Said(says="it cannot be understood, so everything is stopped", is_attention=True)
    if not order.everything and not order.servers:
        return Said(says="nothing is stopped")
    what = "every server" if order.everything else ", ".join(sorted(order.servers))
    by = f", by {plain(order.by)}" if order.by else ""
    since = f", since {plain(order.at)}" if order.at else ""
    why = f": {plain(order.reason)}" if order.reason else ""
    return Said(says=f"{what} stopped{by}{since}{why}", is_attention=True)


def _policies(readings: Readings) -> Said:
    servers = readings.servers
    if isinstance(servers, Untold):
        return _nothing(servers)
    active = [one.policy for one in servers if isinstance(one.policy, InForce)]
    ages = [readings.now - one.since for one in active if one.since]
    newest = f", the newest for {long(max(0, min(ages)))}" if ages else ""
    fine = f"{len(active)} in force{newest}"
    return _of_servers(servers, About.POLICY, fine, lambda one: one.policy)


def _registrations(readings: Readings) -> Said:
    servers = readings.servers
    if isinstance(servers, Untold):
        return _nothing(servers)
    fine = f"{len(servers)} servers, none of them rejected"
    return _of_servers(servers, About.REGISTRATION, fine, lambda one: one.registration)


def _uploads(readings: Readings) -> Said:
    servers = readings.servers
    if isinstance(servers, Untold):
        return _nothing(servers)
    waiting = sum(
        isinstance(one.upload, Upload) and one.upload.state == "waiting" for one in servers
    )
    fine = "none was rejected" + (f", {waiting} wait for an approval" if waiting else "")
    return _of_servers(servers, About.UPLOAD, fine, lambda one: one.upload)


def _tools(readings: Readings) -> Said:
    servers = readings.servers
    if isinstance(servers, Untold):
        return _nothing(servers)
    locked = sum(isinstance(one.drift, Drift) for one in servers)
    fine = f"as they were locked, of {locked} servers" if locked else "none are locked"
    return _of_servers(servers, About.DRIFT, fine, lambda one: one.drift)


def _of_servers(
    servers: Sequence[Server], about: About, fine: str, part: Callable[[Server], object]
) -> Said:
    """What the notes of servers say about one thing, and where they could not be made."""
    notes: list[Note] = [one for each in servers for one in notes_of(each) if one.about is about]
    untold = tuple(told.why for one in servers if isinstance(told := part(one), Untold))
    says = "; ".join([f"{one.server}: {one.what}" for one in notes] or ([] if untold else [fine]))
    return Said(
        says="; ".join(filter(None, (says, *untold))),
        is_attention=bool(notes),
        do=_first(one.do for one in notes),
        untold=untold,
    )


def _approvals(readings: Readings) -> Said:
    found = readings.approvals
    if isinstance(found, Untold):
        return _nothing(found)
    if not found.count:
        return Said(says="none waits")
    stack = readings.stack
    limit = DEFAULT_WAIT if isinstance(stack, Untold) else stack.wait_seconds
    more = "" if found.is_whole else " or more"
    return Said(
        says=f"{found.count}{more} wait, the oldest for {long(found.oldest_seconds)}",
        is_attention=found.oldest_seconds > limit,
    )


def _stack(readings: Readings) -> Said:
    found = readings.stack
    if isinstance(found, Untold):
        return _nothing(found)
    return Said(says=plain(found.status), is_attention=found.status not in _SOUND_STACK)


def _dead_letters(readings: Readings) -> Said:
    count = readings.dead_letters
    if isinstance(count, Untold):
        return _nothing(count)
    return Said(says=f"{count} in the queue" if count else "none", is_attention=bool(count))


def _alarms(readings: Readings) -> Said:
    found = readings.alarms
    if isinstance(found, Untold):
        return _nothing(found)
    kinds = (
        ("in ALARM", [one.name for one in found if one.state == "ALARM"]),
        ("deleted", [one.name for one in found if not one.state]),
        ("telling nobody", [one.name for one in found if one.state and one.is_muted]),
    )
    told = [f"{', '.join(names)} {word}" for word, names in kinds if names]
    named = _first(name for _, names in kinds for name in names)
    return Said(
        says="; ".join(told) or f"none of {len(found)} sounds",
        is_attention=bool(told),
        do=f"{_OPERATE}#{named.lower()}" if named else "",
    )


def _present(found: tuple[Part, ...] | Untold, wanted: str) -> Said:
    if isinstance(found, Untold):
        return _nothing(found)
    amiss = [f"{one.name} is {one.state or 'gone'}" for one in found if one.state != wanted]
    return Said(says="; ".join(amiss) or f"all {len(found)} are there", is_attention=bool(amiss))


def _first(texts: Iterable[str]) -> str:
    return next(iter(texts), "")


PRESENT: Final = "present"
ENABLED: Final = "Enabled"
DEFAULT_WAIT: Final = 3600  # seconds; the template's ApprovalWaitAlarmSeconds

CHECKS: Final[tuple[Check, ...]] = (
    Check(
        name="gateway",
        reads="a request without a credential to `/mcp/portcullis`, which is no server",
        attention="it is answered by anything but 401",
        do=f"{_OPERATE}#apierrorsalarm",
        needs="--stack or --url, and a way to it",
        look=_gateway,
    ),
    Check(
        name="console",
        reads="a request without a credential to the console",
        attention="it answers neither with its page nor with 401",
        do=f"{_OPERATE}#functionerrorsalarm",
        needs="--stack or --url, and a way to it",
        look=_console,
    ),
    Check(
        name="kill switch",
        reads="`control/kill-switch.json`",
        attention="something is stopped, or the object cannot be understood",
        do="portcullis kill-switch status",
        needs="`s3:GetObject` and `s3:ListBucket`",
        look=_kill_switch,
    ),
    Check(
        name="registrations",
        reads="`active/servers/`, `status/servers/`, `incoming/servers/`",
        attention="one was rejected or not looked at, or a name has files and no server",
        do="portcullis servers list",
        needs="`s3:GetObject` and `s3:ListBucket`",
        look=_registrations,
    ),
    Check(
        name="policies",
        reads="`active/policies/`",
        attention="a server has none in force: every call is denied",
        do="portcullis servers list",
        needs="`s3:GetObject` and `s3:ListBucket`",
        look=_policies,
    ),
    Check(
        name="uploads",
        reads="`status/`, `incoming/policies/`",
        attention="the newest policy of a server was rejected, or not looked at",
        do="portcullis servers list",
        needs="`s3:GetObject` and `s3:ListBucket`",
        look=_uploads,
    ),
    Check(
        name="tools",
        reads="`snapshots/`, and the locks in the policies in force",
        attention="tools changed or are new since they were locked",
        do="portcullis servers list",
        needs="a tool list, which the gateway stores before its first call, and `s3:GetObject`",
        look=_tools,
    ),
    Check(
        name="approvals",
        reads="the index of open requests, keys only",
        attention="the oldest waits longer than `ApprovalWaitAlarmSeconds`",
        do="portcullis approvals list",
        needs="`dynamodb:Query` on the table's index",
        look=_approvals,
    ),
    Check(
        name="stack",
        reads="`DescribeStacks`",
        attention="its last change failed, was rolled back or is not over",
        do="docs/upgrade.md",
        needs="`cloudformation:DescribeStacks`",
        look=_stack,
    ),
    Check(
        name="dead letters",
        reads="the number of messages in `ActivatorDeadLetters`",
        attention="there is one: an upload was not looked at",
        do=f"{_OPERATE}#deadlettersalarm",
        needs="`cloudformation:ListStackResources` and `sqs:GetQueueAttributes`",
        look=_dead_letters,
    ),
    Check(
        name="alarms",
        reads="`DescribeAlarms` of the stack's alarms",
        attention="one is in ALARM, was deleted, or tells nobody",
        do=f"{_OPERATE}#alarms",
        needs="`cloudformation:ListStackResources` and `cloudwatch:DescribeAlarms`",
        look=_alarms,
    ),
    Check(
        name="secrets",
        reads="`DescribeSecret` of the stack's secrets, never a value",
        attention="one is gone, or will be deleted",
        do="docs/disaster-recovery.md",
        needs="`cloudformation:ListStackResources` and `secretsmanager:DescribeSecret`",
        look=lambda readings: _present(readings.secrets, PRESENT),
    ),
    Check(
        name="keys",
        reads="`DescribeKey` of the stack's keys",
        attention="one is gone, disabled, or will be deleted",
        do="docs/disaster-recovery.md",
        needs="`cloudformation:ListStackResources` and `kms:DescribeKey`",
        look=lambda readings: _present(readings.keys, ENABLED),
    ),
)
