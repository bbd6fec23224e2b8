"""Going back, up to the write: what is there is read, what is meant is judged by today's rules."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from portcullis.activation.release import InForce
from portcullis.adapters.active_object import MAXIMUM_BYTES as MAXIMUM_ACTIVE_BYTES
from portcullis.adapters.s3_activation import incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis.policy.document import parse_document
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Policy
from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.policy.comparing import compared
from portcullis_cli.policy.deployment import ANOTHER_UPLOAD, find_object, find_status, read_object
from portcullis_cli.policy.locks import require_meant, uploaded_lock
from portcullis_cli.policy.past import Activation
from portcullis_cli.policy.pushing import require_sound
from portcullis_cli.policy.records import read_past
from portcullis_cli.policy.return_plan import Plan, Present, Wanted
from portcullis_cli.policy.return_point import return_point
from portcullis_cli.policy.signatures import Signed, next_serial
from portcullis_cli.policy.uploading import Place
from portcullis_cli.policy.validating import check_text
from portcullis_cli.policy.versions import NO_VERSION
from portcullis_cli.reasoning.questions import World
from portcullis_cli.rendering import plain

_CLOSED: JsonObject = {"version": "1", "default": "deny"}


def present_of(place: Place) -> Present:
    """Look how things are.

    Raises:
        CommandError: the bucket does not answer, or keeps no versions.
    """
    client, bucket, server = place.client, place.bucket, place.server
    active = find_object(client, bucket, active_key(server), maximum=MAXIMUM_ACTIVE_BYTES)
    newest = find_object(client, bucket, incoming_key(server))
    if newest is not None and newest.version == NO_VERSION:
        raise CommandError(
            ExitCode.REFUSED,
            "the bucket keeps no versions, so there is nothing to go back to",
            code="no_versions",
        )
    status = find_status(client, bucket, server)
    return Present(active=active, newest=newest, status=status or {})


def plan_return(place: Place, present: Present, wanted: Wanted, *, as_json: bool) -> Plan:
    """Find what is meant, and judge it as the activator will.

    Raises:
        CommandError: there is nothing to go back to, or it cannot be gone back to.
    """
    if not wanted.to and not present.is_settled:
        raise CommandError(
            ExitCode.REFUSED,
            "nobody has looked at the newest upload yet: wait for it, or name what you mean "
            "with --to",
            code="not_looked_at",
        )
    point = return_point(_now(present), _past(place, present), wanted.to)
    text = _text(place, point.version)
    lock = uploaded_lock(place.client, place.bucket, place.server, wanted.lock)
    label = Path(incoming_key(place.server))
    checked = check_text(label, text, place.server, tools=wanted.tools, lock=lock)
    loaded = require_sound(checked, as_json=as_json, why="by today's rules it is not sound")
    plan = Plan(
        server=place.server, present=present, point=point, text=text, lock=lock, loaded=loaded
    )
    if plan.is_in_force:
        _require_not_the_lock(plan)
        return plan
    _require_signer(plan, wanted)
    world = World(server=place.server, tools=wanted.tools)
    before = _policy_of(plan.in_force)
    changes = None if before is None else compared(before, loaded.policy, world)
    return replace(plan, changes=changes)


def replaced(place: Place, plan: Plan, wanted: Wanted) -> str:
    """Upload it over what was looked at; answers its version.

    Raises:
        CommandError: something has changed since, the key does not sign, or the bucket does not
            answer.
    """
    metadata: Mapping[str, str] = {}
    if wanted.signer is not None:
        what = Signed(bucket=place.bucket, server=place.server, text=plan.text, lock=plan.lock)
        number = next_serial(wanted.serial, plan.in_force, now=place.around.now())
        metadata = wanted.signer.metadata(place.around, what, number)
    _require_unmoved(place, plan.present)
    newest = plan.present.newest
    condition = {"IfNoneMatch": "*"} if newest is None else {"IfMatch": newest.etag}
    try:
        return place.write(plan.text, condition=condition, metadata=metadata)
    except CommandError as error:
        if error.code != ANOTHER_UPLOAD:
            raise
        raise _moved("the newest upload") from error


def _require_unmoved(place: Place, present: Present) -> None:
    key = active_key(place.server)
    found = find_object(place.client, place.bucket, key, maximum=MAXIMUM_ACTIVE_BYTES)
    if (found and found.version) != (present.active and present.active.version):
        raise _moved("what is in force")


def _moved(what: str) -> CommandError:
    return CommandError(
        ExitCode.REFUSED,
        f"nothing was uploaded: {what} is another one than you looked at; look again",
        code="changed_meanwhile",
    )


def _now(present: Present) -> Activation | None:
    now = present.in_force
    if present.active is None or now is None or not now.is_readable:
        return None
    return Activation(version=present.active.version, policy=now, until=None)


def _past(place: Place, present: Present) -> Iterator[Activation | None]:
    """What governed before what governs now."""
    now = None if present.active is None else present.active.version
    for version, one in read_past(place.client, place.bucket, place.server):
        if version != now:
            yield one


def _text(place: Place, version: str) -> bytes:
    key = incoming_key(place.server)
    found = read_object(place.client, place.bucket, key, version=version)
    if found is None:
        raise CommandError(
            ExitCode.NOT_FOUND,
            f"nothing was uploaded: there is no version `{plain(version)}` of {key}, or its text "
            "is gone; if you have the file, `policy push` it",
            code="not_found",
        )
    return found.text


def _require_not_the_lock(plan: Plan) -> None:
    """What is asked for differs from what is in force by its lock alone."""
    then = plan.point.governed
    if then is None or then.policy.revision == plan.revision:
        return
    lock = then.policy.lock
    how = "without a lock" if lock is None else f"with version {plain(lock.version)} of its lock"
    raise CommandError(
        ExitCode.REFUSED,
        "nothing was uploaded: that text is in force already, and differed by the lock alone; "
        f"it was in force {how}",
        code="lock_changed",
    )


def _require_signer(plan: Plan, wanted: Wanted) -> None:
    now = plan.in_force
    if wanted.signer is not None:
        require_meant(plan.lock, wanted.lock, now)
        next_serial(
            wanted.serial, now, now=0
        )  # one that is too low is told before anybody is asked
    elif now is not None and "serial" in now.release:
        raise CommandError(
            ExitCode.REFUSED,
            "nothing was uploaded: what is in force is signed, and an old signature serves once; "
            "sign anew: "
            f"`policy rollback {plan.server} --to {plain(plan.point.version)} --key KEY`",
            code="needs_signature",
        )


def _policy_of(now: InForce | None) -> Policy | None:
    """The policy that governs, None where nobody can tell; where nothing does, all is denied."""
    if now is not None and not now.is_readable:
        return None
    try:
        return parse_document(_CLOSED if now is None else dict(now.document)).policy
    except PolicyFaults:
        return None
