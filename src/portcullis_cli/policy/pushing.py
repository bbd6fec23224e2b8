"""`portcullis policy push`: upload a policy, and wait for what becomes of it."""

from pathlib import Path
from typing import Annotated, Final

import typer

from portcullis.policy.document import Loaded
from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.kill_switch import Bucket
from portcullis_cli.policy.deployment import read_in_force
from portcullis_cli.policy.inputs import AsJson, LockPath, PolicyFile, Server, read_text, server_of
from portcullis_cli.policy.locks import require_meant, uploaded_lock
from portcullis_cli.policy.signatures import (
    DEFAULT_ALGORITHM,
    Algorithm,
    Serial,
    Signed,
    Signer,
    next_serial,
    serial_of,
    signer_of,
)
from portcullis_cli.policy.uploading import (
    Over,
    Place,
    Replace,
    Wait,
    end,
    outcome_lines,
    place_of,
    require_one_place,
    require_wait,
)
from portcullis_cli.policy.validating import Checked, check_text, fault_tree, finding_lines
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of

_INVALID: Final = "invalid_policy"


def push(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    file: PolicyFile,
    server: Server = "",
    lock: LockPath = None,
    over: Over = "",
    replace: Replace = False,
    wait: Wait = 30,
    sign: Annotated[
        str,
        typer.Option("--sign", help="Sign it with this KMS key as well: `PolicySigningKeyArn`."),
    ] = "",
    serial: Serial = "",
    algorithm: Algorithm = DEFAULT_ALGORITHM,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """Check a policy, upload it, and wait until it is in force, rejected or waits for somebody.

    It is checked with the server's lock in the bucket, if there is one. What is not sound is not
    uploaded. Without `--over` and `--replace` it has to be the server's first upload. Ends with 0
    where it is in force, with 1 where it was rejected.

    Example: portcullis policy push policies/aws-iam.yaml --wait 0
    """
    with reported(as_json=as_json):
        name = server_of(file, server)
        require_one_place(over, replace=replace)
        require_wait(wait)
        signer = signer_or_none(sign, algorithm, serial, option="--sign")
        place = place_of(surroundings_of(context), bucket, name)
        text = read_text(file)
        pins = uploaded_lock(place.client, bucket, name, lock)
        require_sound(check_text(file, text, name, lock=pins), as_json=as_json)
        condition = place.condition(over=over, replace=replace)
        metadata: dict[str, str] = {}
        if signer is not None:
            active = read_in_force(place.client, bucket, name)
            require_meant(pins, lock, active)
            what = Signed(bucket=bucket, server=name, text=text, lock=pins)
            number = next_serial(serial, active, now=place.around.now())
            metadata = signer.metadata(place.around, what, number)
        version = place.write(text, condition=condition, metadata=metadata)
        _finish(place, file, version, wait, as_json=as_json)


def _finish(place: Place, file: Path, version: str, wait: int, *, as_json: bool) -> None:
    if not as_json:
        typer.echo(f"uploaded as version {plain(version)}", err=True)
    status = place.awaited(version, wait)
    if as_json:
        tell({"server": place.server, "version": version, "status": status})
    else:
        for line in outcome_lines(file, place.server, status):
            typer.echo(line)
    end(status, wait)


def require_sound(
    checked: Checked, *, as_json: bool, why: str = "it is not sound", undone: str = "uploaded"
) -> Loaded:
    """The policy; where there is none, what keeps it from being one, and what was not done.

    Raises:
        CommandError: it is not sound.
    """
    if checked.loaded is not None and not checked.faults:
        return checked.loaded
    if not as_json:
        for line in finding_lines(checked):
            typer.echo(line)
    message = f"{checked.path}: nothing was {undone}: {why}"
    told: JsonObject = {
        "code": _INVALID,
        "message": message,
        "faults": [fault_tree(fault) for fault in checked.faults],
    }
    raise CommandError(ExitCode.REFUSED, message, code=_INVALID, reply={"error": told})


def signer_or_none(key: str, algorithm: str, serial: str, *, option: str) -> Signer | None:
    """The signer that the options name, None where nothing is to be signed.

    Raises:
        CommandError: they do not go together.
    """
    if not key and serial:
        raise usage_error(f"--serial goes with {option}")
    if serial:
        serial_of(serial)
    return signer_of(key, algorithm) if key else None
